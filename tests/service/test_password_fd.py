"""`--password-fd ACCOUNT=N`: read once, inherited by nobody, and never repeated in an error."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailtui.errors import ExitCode, UsageError
from mailtui.service.engine import main
from mailtui.service.password_fd import read_passwords

SECRET = "hunter2-canary"
NEW_LINE, NO_TEXT = b"\n", b"\xff"


def piped(text: bytes) -> int:
    """A descriptor from which this can be read."""
    reading, writing = os.pipe()
    os.write(writing, text)
    os.close(writing)
    return reading


def test_c04_each_descriptor_is_read_to_its_end_and_closed() -> None:
    first, second = piped("pä$$ wörd \n".encode()), piped(b"two\nlines\r\n")
    assert read_passwords([f"acme={first}", f"be-ta={second}"]) == {"acme": "pä$$ wörd ", "be-ta": "two\nlines"}
    for handle in (first, second):
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(handle)


def test_c04_what_cannot_be_read_is_told_without_what_was_given(tmp_path: Path) -> None:
    closed = piped(b"")
    os.close(closed)
    writing = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    cases = {
        f"acme={closed}": "is not open for reading",
        f"acme={writing}": "is not open for reading",
        f"acme={piped(b'')}": "has no password for acme",
        f"acme={piped(NEW_LINE)}": "has no password for acme",
        f"acme={piped(NO_TEXT)}": "no text in UTF-8",
        f"acme={SECRET}": "is written ACCOUNT=N",
        "acme=1": "is written ACCOUNT=N",
        "acme": "is written ACCOUNT=N",
        "=3": "is written ACCOUNT=N",
        "acme=-1": "is written ACCOUNT=N",
    }
    for given, words in cases.items():
        with pytest.raises(UsageError) as caught:
            read_passwords([given])
        assert words in str(caught.value), given
        assert SECRET not in str(caught.value)
    for twice in (["acme=5", "acme=6"], ["acme=5", "beta=5"]):
        with pytest.raises(UsageError):
            read_passwords([*twice])


def test_c04_the_runner_says_so_as_every_command_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    outbox = f"sqlite:///{tmp_path}/outbox.db"
    assert main(["--until-idle", "--outbox", outbox, "--password-fd", f"acme={SECRET}"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "is written ACCOUNT=N" in said
    assert SECRET not in said
