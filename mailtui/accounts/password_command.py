"""Owns asking another program for a password: `password_command` of an account, such as `pass show acme`.

It is started without a shell, without a terminal and without passwords in its environment. Of what it prints the first
line counts; nothing of it appears anywhere else.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import IO

from mailtui.errors import AccountError
from mailtui.kit.children import foreign_environment
from mailtui.kit.hidden import hide
from mailtui.kit.left_behind import left_behind
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import sentence

_SECONDS = 30.0
_AFTERWARDS = 0.5
"""What it left behind may hold its pipes open for ever: what is in them when it has ended is read, no more."""
_MOST = 64 * 1024
_TOLD = 300


class CommandFailed(AccountError):
    """A `password_command` gave no password. `word` says why in a few words."""

    def __init__(self, account: str, program: str, word: str) -> None:
        super().__init__(
            f"The password_command of {account} gave no password",
            detail=sentence(f"{program}: {word}"),
            hint="Try it in a shell. It is started without one, and without a terminal: a program that asks for "
            "something needs a window of its own for that.",
        )
        self.word = f"{program}: {word}"


async def ask_command(
    account: str, command: Sequence[str], environ: Mapping[str, str], *, seconds: float = _SECONDS
) -> str:
    """The first line that a command prints. Raises `CommandFailed`: it cannot be started, ends with an error, prints
    nothing, or takes too long.
    """
    program = safe_text(os.path.basename(command[0]), limit=_TOLD)  # noqa: PTH119 - a word that was typed, no path yet
    try:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - the person's own command; the fork takes milliseconds
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=foreign_environment(environ),
            # A group of its own, so that it ends with all that it started; without the terminal, which the app has.
            start_new_session=True,
        )
    except OSError as error:
        raise CommandFailed(account, program, f"it cannot be started: {error.strerror or error}") from None
    said, complained = _Heard(process.stdout), _Heard(process.stderr)
    try:
        code = await left_behind(process.wait, seconds=seconds, name="password command")
        over = time.monotonic() + _AFTERWARDS
        for heard in (said, complained):
            await left_behind(partial(heard.to_its_end, over), seconds=seconds, name="its words")
    except TimeoutError:
        raise CommandFailed(account, program, f"it has not ended within {seconds:g} seconds") from None
    finally:
        _end(process)
    if code != 0:
        words = _first_line(complained.kept).decode("utf-8", "replace")
        because = f": {safe_text(words, limit=_TOLD)}" if words else ""
        raise CommandFailed(account, program, f"it ended with {code}{because}")
    return _password(account, program, _first_line(said.kept))


def _password(account: str, program: str, line: bytes) -> str:
    if not line:
        raise CommandFailed(account, program, "it printed nothing")
    if len(line) >= _MOST:
        raise CommandFailed(account, program, "its first line is too long for a password")
    try:
        return hide(line.decode())
    except UnicodeDecodeError:
        raise CommandFailed(account, program, "its first line is no text in UTF-8") from None


def _first_line(text: bytearray) -> bytes:
    return bytes(text).partition(b"\n")[0].rstrip(b"\r")


class _Heard:
    """Reads a pipe from now on, in a thread, and keeps its beginning."""

    def __init__(self, pipe: IO[bytes] | None) -> None:
        assert pipe is not None
        self.kept = bytearray()
        self._pipe = pipe
        self._thread = threading.Thread(target=self._read, name="password command", daemon=True)
        self._thread.start()

    def to_its_end(self, until: float) -> None:
        """Wait until it is closed, or until this instant of the monotonic clock."""
        self._thread.join(max(0.0, until - time.monotonic()))

    def _read(self) -> None:
        with self._pipe:
            while part := os.read(self._pipe.fileno(), _MOST):
                self.kept += part[: _MOST - len(self.kept)]


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it with all that it started; what has ended is left alone."""
    if process.poll() is not None:
        return
    with contextlib.suppress(ProcessLookupError):  # it ended at this instant
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
