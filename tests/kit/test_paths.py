"""Folders and files that only their owner can read, whatever the umask; homes; whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.kit.paths import Home, private_folder, touch_private, write_atomically


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_files_are_private_under_any_umask(tmp_path: Path, umask: int) -> None:
    folder = private_folder(tmp_path / "a" / "b" / "c")
    file = touch_private(tmp_path / "d" / "e.db")
    write_atomically(folder / "f", b"x")
    assert [mode(step) for step in (folder, folder.parent, folder.parent.parent, file.parent)] == [0o700] * 4
    assert [mode(file), mode(folder / "f")] == [0o600] * 2


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    private_folder(shared / "own")
    assert (mode(shared), mode(shared / "own")) == (0o755, 0o700)


def test_touching_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    path.write_text("kept")
    assert touch_private(path).read_text() == "kept"


def test_touching_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        touch_private(tmp_path)


def test_a_failed_write_leaves_the_old_text_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "settings"
    write_atomically(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["settings"]


def test_home_from_the_variable_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home.find({"MAILTUI_HOME": "here"})
    assert home.outbox_file == tmp_path / "here" / "data" / "outbox.db"
    assert home.settings_file == tmp_path / "here" / "config" / "settings.yaml"
    assert not (tmp_path / "here").exists(), "looking must not make anything"


@pytest.mark.filterwarnings("error")
def test_home_without_the_variable_is_the_platforms(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)  # platformdirs warns then, which nobody should see
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert Home.find({}).config == tmp_path / "mailtui"
    assert Home.find({"MAILTUI_HOME": ""}).config == tmp_path / "mailtui"
