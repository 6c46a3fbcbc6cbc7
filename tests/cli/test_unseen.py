"""A secret is asked for at a terminal without being shown, and whoever does not want to give it is let go at once."""

from __future__ import annotations

import asyncio
import os
import select
import sys
from collections.abc import Iterator

import pytest

from mailtui.cli.unseen import ask_unseen
from mailtui.errors import UsageError

pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The other side of a terminal on standard input."""
    master, slave = pty.openpty()
    with open(slave, encoding="utf-8", buffering=1) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        yield master
    os.close(master)


def shows(terminal: int) -> bool:
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


async def asked(master: int, answer: bytes) -> str | None:
    asking = asyncio.create_task(ask_unseen("Password of acme"))
    while shows(master):
        await asyncio.sleep(0.001)
    os.write(master, answer)
    return await asking


async def test_a_secret_is_not_shown_and_an_empty_line_is_none(master: int, capsys: pytest.CaptureFixture[str]) -> None:
    for answer, secret in ((b"gr\xc3\xbc\xc3\x9fe 1\n", "grüße 1"), (b"\n", None), (b"\x04", None), (b"pw\r\n", "pw")):
        assert await asked(master, answer) == secret
        assert shows(master)
    with pytest.raises(UsageError, match="no text in utf-8"):
        await asked(master, b"p\xff\xfe\n")
    assert select.select([master], [], [], 0)[0] == [], "the terminal showed nothing"
    assert capsys.readouterr().err == "Password of acme: \n" * 5


async def test_whoever_is_called_off_leaves_at_once_and_the_terminal_shows_again(master: int) -> None:
    """As Ctrl-C does. A thread that reads would hold the program until the next line."""
    asking = asyncio.create_task(ask_unseen("Password of acme"))
    while shows(master):
        await asyncio.sleep(0.001)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asking, 5)
    assert shows(master)
    assert await asked(master, b"next\n") == "next", "nobody else takes what is typed then"
