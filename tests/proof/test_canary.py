"""A known password through crashes (C-04), in short; in full by `python -m proof canary`."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from proof.canary import CRASHES, canary
from proof.searched import Watch, found_in, shapes

SECRET = 'canary-pä$$ \\wörd "x"'


@pytest.mark.timeout(120)
def test_c04_no_crash_leaves_the_password_anywhere(tmp_path: Path) -> None:
    """Just when it has logged in, by an error that repeats what was said to the server."""
    chosen = [crash for crash in CRASHES if str(crash) == "run by fd: error after smtp.login._said"]
    found = canary(tmp_path, chosen)
    assert (found.hits, found.missed, found.crashes) == ([], [], 1)
    assert found.logins > 0, "it was used"
    assert found.files > 5
    assert found.processes > 0


def test_c04_there_are_enough_points_and_no_two_alike() -> None:
    assert len(set(CRASHES)) == len(CRASHES) >= 30
    assert {crash.how for crash in CRASHES} == {"kill", "segv", "abort", "error", "forced"}


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        repr(SECRET),
        quote(SECRET),
        *(
            base64.b64encode(f"{front}{SECRET}{end}".encode()).decode()
            for front in ("", "\0me\0", "\0a\0")
            for end in "12"
        ),
        SECRET.encode().hex(),
    ],
)
def test_c04_the_search_has_eyes(tmp_path: Path, text: str) -> None:
    (tmp_path / "log").write_text(f"at the end of {text}.")
    assert found_in(tmp_path, SECRET) == ([str(tmp_path / "log")], 1)
    assert found_in(tmp_path, "another one") == ([], 1)


def test_c04_the_watch_sees_arguments_and_environments() -> None:
    assert all(shapes(SECRET))
    watch = Watch(SECRET)
    for words, environ in ((["sh", "-c", "read line", SECRET], {}), (["sleep", "10"], {"X": SECRET})):
        with subprocess.Popen(words, env=environ, stdin=subprocess.PIPE) as child:
            assert watch.sees(child)
            child.kill()
