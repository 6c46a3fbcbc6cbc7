"""Owns a lock between processes: held by the operating system, so whoever dies holding it leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailtui.kit.paths import touch_private

_LOOK_EVERY = 0.02
_INSTANT, _INSTANTS = 0.001, 10  # seconds, times


@asynccontextmanager
async def exclusive(path: Path, *, wait: bool = True) -> AsyncIterator[None]:
    """Hold the file's lock, made with mode 0600 when missing; waits for as long as another process has it.

    Raises `BlockingIOError` where another has it and there is to be no `wait`.
    """
    touch_private(path)
    handle = os.open(path, os.O_RDWR)
    try:
        while not try_lock(handle):
            if not wait:
                raise BlockingIOError(str(path))
            await asyncio.sleep(_LOOK_EVERY)
        yield
    finally:
        os.close(handle)  # lets the lock go


def try_lock(handle: int, *, shared: bool = False) -> bool:
    """Take a file's lock if it is free; `shared` with others who share it (Windows knows no shared one)."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def holder_pid(path: Path) -> int | None:
    """The process id that stands in a file whose lock is held, 0 when none does, None when nobody holds it.

    Whoever takes the lock names itself an instant later, and takes its name back an instant before it lets go: that is
    waited for, a few milliseconds at most. No signal may be sent to 0, which to the kernel is the caller's whole group.
    """
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        # Shared: two who ask at the same instant must not take each other for the holder.
        for _ in range(_INSTANTS):
            if try_lock(handle, shared=True):
                return None
            if pid := pid_in(path):
                return pid
            time.sleep(_INSTANT)
        return 0
    finally:
        os.close(handle)


def pid_in(path: Path) -> int | None:
    """The process id that a lock's file names; the lock is the truth, the text is a courtesy."""
    try:
        return int(json.loads(path.read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # being written at this instant
