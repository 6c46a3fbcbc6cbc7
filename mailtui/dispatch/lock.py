"""Owns the lock that makes one runner the only one on an SQLite outbox.

The lock is held by the operating system for the process's life, so a killed runner leaves none behind. What stands
in the file (process id, version, boot id) is for people only.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from mailtui.errors import RunnerBusy
from mailtui.kit.file_lock import holder_pid, pid_in, try_lock
from mailtui.kit.paths import touch_private

_PATIENCE = 0.5  # seconds: somebody who only asks whether a runner lives holds the lock for an instant


class RunnerLock:
    """Held from `acquire` to `release`, or to the end of the process."""

    def __init__(self, path: Path, handle: int) -> None:
        self._path = path
        self._handle = handle

    @classmethod
    def acquire(cls, path: Path, *, version: str) -> RunnerLock:
        """Take the lock. Raises `RunnerBusy` with the process that has it."""
        touch_private(path)
        handle = os.open(path, os.O_RDWR)
        deadline = time.monotonic() + _PATIENCE
        while not try_lock(handle):
            if time.monotonic() > deadline:
                os.close(handle)
                raise RunnerBusy(str(path), pid=pid_in(path))
            time.sleep(0.02)
        text = json.dumps({"pid": os.getpid(), "version": version, "boot": _boot_id()})
        os.ftruncate(handle, 0)
        os.pwrite(handle, text.encode(), 0) if hasattr(os, "pwrite") else os.write(handle, text.encode())
        return cls(path, handle)

    def release(self) -> None:
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


def runner_pid(path: Path) -> int | None:
    """The process id of the runner that lives, 0 when it does not say, None when none lives."""
    return holder_pid(path)


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
