"""Owns asking for a secret at the terminal: it is not shown while it is typed, and Ctrl-C ends the question at once.

A thread that waits for a line could not be ended: the program would stay, with the terminal's echo off, until somebody
pressed enter.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from mailtui.errors import UsageError
from mailtui.kit.hidden import hide

_MOST = 64 * 1024


async def ask_unseen(question: str) -> str | None:
    """What a person types at the terminal on standard input; None for an empty line or the end of input.

    Raises `UsageError` for what is no text.
    """
    if sys.platform == "win32":
        return await asyncio.to_thread(_prompt, question)
    with _echo_off(sys.stdin.fileno()):
        click.echo(f"{question}: ", nl=False, err=True)
        answer = await _line(sys.stdin.fileno())
        click.echo(err=True)
    try:
        return hide(answer.decode(sys.stdin.encoding)) if answer else None
    except UnicodeDecodeError:
        raise not_text() from None


def first_line(what: str) -> str:
    """The secret on standard input, its first line; asked for where that is a terminal. Raises `UsageError`."""
    if sys.stdin.isatty():
        return asyncio.run(ask_unseen(what.capitalize())) or ""
    try:
        line = sys.stdin.readline(_MOST)
        line.encode()  # where nobody says how text is encoded, other bytes come as halves of characters
    except UnicodeError:
        raise not_text() from None
    secret = line.removesuffix("\n").removesuffix("\r")
    if not secret:
        raise UsageError(f"There is no {what} on standard input")
    if len(line) == _MOST and not line.endswith("\n"):
        raise UsageError(f"That is no {what}: it is longer than {_MOST:,} characters")
    return hide(secret)


def not_text() -> UsageError:
    """The error for an answer that has other bytes than its text can have."""
    return UsageError(f"That is no text in {sys.stdin.encoding}", hint="Give it in the encoding of this terminal.")


def _prompt(question: str) -> str | None:
    answer: str = click.prompt(question, hide_input=True, default="", show_default=False, err=True)
    return hide(answer) if answer else None


async def _line(terminal: int) -> bytes:
    """The next line without its end; the system hands lines over as wholes."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[bytes] = loop.create_future()
    typed = bytearray()

    def read() -> None:
        try:
            data = os.read(terminal, _MOST)
        except OSError:  # the window was closed
            data = b""
        typed.extend(data)
        if not line.done() and (not data or typed.endswith(b"\n")):
            line.set_result(bytes(typed).rstrip(b"\r\n"))

    loop.add_reader(terminal, read)
    try:
        return await line
    finally:
        loop.remove_reader(terminal)


@contextmanager
def _echo_off(terminal: int) -> Iterator[None]:
    """What was typed before is dropped: it was shown, so it is no answer."""
    import termios

    before = termios.tcgetattr(terminal)
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(terminal, termios.TCSAFLUSH, quiet)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
