"""Owns a lock between processes: held by the operating system, so whoever dies holding it leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from mailtui.kit.paths import touch_private

_LOOK_EVERY = 0.02


@asynccontextmanager
async def exclusive(path: Path) -> AsyncIterator[None]:
    """Hold the file's lock, made with mode 0600 when missing; waits for as long as another process has it."""
    touch_private(path)
    handle = os.open(path, os.O_RDWR)
    try:
        while not try_lock(handle):  # noqa: ASYNC110 - what happens in another process sets no event here
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
