"""Owns the sandbox as a process of its own: starting it detached, finding the one of a folder, stopping it.

That a sandbox lives is known from an exclusive lock it holds on `sandbox.lock` in its folder, which the kernel
frees however it dies; its port and process id stand in `sandbox.json`. Nothing connects to it to find out, since
that would be a connection its faults count.

The child is started by `subprocess`, not by asyncio: from Python 3.12 on, closing an event loop kills every child
whose asyncio transport is still there (`BaseSubprocessTransport.__del__`), and this one is to outlive its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from mailtui.errors import ExitCode, MailtuiError, UsageError
from mailtui.kit.children import own_environment, own_module
from mailtui.kit.paths import touch_private, write_atomically

STATE = "sandbox.json"
LOCK = "sandbox.lock"
ERRORS = "sandbox.log"
START_SECONDS = 10.0
STOP_SECONDS = 5.0
_LOCK_PATIENCE = 0.5  # a process that looks whether a sandbox lives holds the lock for a moment


@dataclass(frozen=True, slots=True)
class SandboxHandle:
    """A sandbox that runs: its process, its port on 127.0.0.1, its folder."""

    pid: int
    port: int
    folder: Path


async def start_sandbox(
    folder: Path,
    *,
    port: int = 0,
    faults: Path | None = None,
    idle_seconds: float = 600,
    sync: bool = False,
) -> SandboxHandle:
    """Start a sandbox that outlives this process; it listens when this returns.

    It ends by itself once nobody has been connected for `idle_seconds`. Raises what it could not start for:
    port or folder in use, mistakes in the faults, always as a `MailtuiError` with the exit code that fits.
    """
    child = await asyncio.to_thread(
        _spawn, folder, _options(folder, port=port, faults=faults, idle_seconds=idle_seconds, sync=sync)
    )
    assert child.stdout is not None, "the child was started with a pipe"
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await asyncio.to_thread(child.stdout.readline)
    except TimeoutError:
        child.kill()
        raise _not_started(folder, f"No sign of life within {START_SECONDS:.0f} s.") from None
    except asyncio.CancelledError:
        child.kill()
        raise
    finally:
        # Collects the child when it ends, so that it leaves no zombie behind while this process lives on.
        threading.Thread(target=child.wait, name="sandbox-reaper", daemon=True).start()
        await asyncio.to_thread(child.stdout.close)
    if not line:
        raise _not_started(folder, "It ended at once.")
    return _ready(json.loads(line))


def find_sandbox(folder: Path) -> SandboxHandle | None:
    """The sandbox that lives in a folder, or None."""
    return _read_state(folder) if _is_held(folder) else None


async def stop_sandbox(handle: SandboxHandle) -> None:
    """Ask it to end (SIGTERM) and wait until it has; nothing happens when it is gone already.

    Everything it caught is written by then. Raises `MailtuiError` when it does not end within a few seconds.
    """
    if find_sandbox(handle.folder) != handle:
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(handle.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_held(handle.folder) and _read_state(handle.folder) in (handle, None):
        if time.monotonic() > deadline:
            raise MailtuiError(
                f"The sandbox does not end (process {handle.pid})", detail=str(handle.folder), hint="End it by hand."
            )
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold a folder for one sandbox. Raises `UsageError` when another holds it."""
    path = _own_file(folder / LOCK)
    deadline = time.monotonic() + _LOCK_PATIENCE
    with path.open("r+b") as lock:
        while not _try_lock(lock):
            if time.monotonic() > deadline:
                other = _read_state(folder)
                raise UsageError(
                    "Another sandbox already uses this folder" + (f" (process {other.pid})" if other else ""),
                    detail=str(folder),
                    hint="Use that one, or give another folder with --folder.",
                )
            time.sleep(0.02)
        yield


def write_state(handle: SandboxHandle) -> None:
    """Say in the folder where the sandbox is; its lock must be held."""
    state = {**asdict(handle), "folder": str(handle.folder)}
    write_atomically(handle.folder / STATE, json.dumps(state).encode())


def remove_state(folder: Path) -> None:
    """Take back what `write_state` said."""
    (folder / STATE).unlink(missing_ok=True)


def _options(folder: Path, *, port: int, faults: Path | None, idle_seconds: float, sync: bool) -> list[str]:
    options = ["--folder", str(folder.absolute()), "--port", str(port), "--idle", str(idle_seconds)]
    if faults is not None:
        options += ["--faults", str(faults.absolute())]
    return [*options, "--sync"] if sync else options


def _spawn(folder: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    with _own_file(folder / ERRORS).open("ab") as errors:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*own_module("mailtui.sandbox"), *options, "--ready-fd", "1"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            env=own_environment(os.environ),
        )


def _own_file(path: Path) -> Path:
    """An existing private file; what keeps it from existing is an error a person can act on."""
    try:
        return touch_private(path)
    except OSError as error:
        raise UsageError(
            "The sandbox cannot use this folder",
            detail=f"{path.parent}: {error.strerror or error}",
            hint="Give another with --folder.",
        ) from None


def _is_held(folder: Path) -> bool:
    """Whether a living process holds the folder."""
    try:
        lock = (folder / LOCK).open("r+b")
    except FileNotFoundError:
        return False
    with lock:
        return not _try_lock(lock)


def _ready(message: dict[str, object]) -> SandboxHandle:
    if "error" not in message:
        return SandboxHandle(int(str(message["pid"])), int(str(message["port"])), Path(str(message["folder"])))
    error = MailtuiError(str(message["error"]), detail=str(message["detail"]), hint=str(message["hint"]))
    error.exit_code = ExitCode(int(str(message["exit_code"])))
    raise error


def _not_started(folder: Path, why: str) -> MailtuiError:
    log = folder / ERRORS
    tail = log.read_text("utf-8", "replace").strip().rpartition("\n")[2] if log.exists() else ""
    return MailtuiError("The sandbox did not start", detail=f"{why} {tail}".strip(), hint=f"See {log}")


def _read_state(folder: Path) -> SandboxHandle | None:
    """What a living sandbox said; None while it is still starting."""
    try:
        state = json.loads((folder / STATE).read_bytes())
    except FileNotFoundError:
        return None
    return SandboxHandle(state["pid"], state["port"], Path(state["folder"]))


def _try_lock(lock: IO[bytes]) -> bool:
    """Take the lock if it is free; it is let go when the file is closed, also by the death of the process."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
