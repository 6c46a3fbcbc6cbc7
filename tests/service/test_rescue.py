"""Texts that nobody saved outlive the editor they were written in."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mailtui.kit.paths import private_folder
from mailtui.service.rescue import NotKept, Rescue, RescuedText

KEEP_AND_DIE = """
import os, sys
from pathlib import Path
from mailtui.service.rescue import Rescue, RescuedText
rescue = Rescue(Path(sys.argv[1]))
for text in ("half a thou", "half a thought \\ud83c"):
    rescue.keep(Path(sys.argv[2]), [RescuedText("/spring/body.txt", text, "d1")])
os._exit(9)
"""


def test_what_a_killed_editor_left_is_offered_once_and_to_nobody_else(tmp_path: Path) -> None:
    shelf, campaign = tmp_path / "state" / "unsaved", tmp_path / "campaign.yaml"
    subprocess.run([sys.executable, "-c", KEEP_AND_DIE, str(shelf), str(campaign)], check=False)
    rescue = Rescue(shelf)
    found = rescue.left_behind(campaign)
    assert found is not None
    assert found.texts == (RescuedText("/spring/body.txt", "half a thought \ud83c", "d1"),)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (shelf, *shelf.iterdir())] == [0o700, 0o600, 0o600]
    assert rescue.left_behind(tmp_path / "another.yaml") is None
    rescue.drop(found)
    assert rescue.left_behind(campaign) is None
    assert not list(shelf.iterdir())


def test_an_editor_that_lives_keeps_its_texts_to_itself_and_removes_them(tmp_path: Path) -> None:
    campaign, text = tmp_path / "campaign.yaml", RescuedText("a", "b", "")
    one, other = Rescue(tmp_path / "unsaved"), Rescue(tmp_path / "unsaved")
    one.keep(campaign, ())
    assert not (tmp_path / "unsaved").exists(), "nothing is written where nothing is to be kept"
    one.keep(campaign, [text])
    assert other.left_behind(campaign) is None
    assert one.left_behind(campaign) is None
    one.keep(tmp_path / "another.yaml", [text])
    assert len(list((tmp_path / "unsaved").glob("*.json"))) == 1, "that of another campaign is gone"
    one.keep(tmp_path / "another.yaml", ())
    assert not list((tmp_path / "unsaved").iterdir())


def test_what_cannot_be_kept_or_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotKept, match="cannot be kept"):
        Rescue(tmp_path / "file" / "unsaved").keep(tmp_path / "c.yaml", [RescuedText("a", "b", "")])
    shelf = private_folder(tmp_path / "unsaved")
    subprocess.run([sys.executable, "-c", KEEP_AND_DIE, str(shelf), str(tmp_path / "c.yaml")], check=False)
    [kept] = shelf.glob("*.json")
    for damaged in (b"{", b'{"texts": [1], "written": 1}', b'{"texts": [{"x": 1}], "written": 1}', os.urandom(40)):
        kept.write_bytes(damaged)
        with pytest.raises(NotKept, match="cannot be read") as told:
            Rescue(shelf).left_behind(tmp_path / "c.yaml")
        assert str(kept) in told.value.detail
