"""Owns finding server programs and free ports."""

from __future__ import annotations

import ctypes
import os
import random
import shutil
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

_LIBC = ctypes.CDLL(None)  # loaded here: between fork and exec nothing may be
_FOLDERS = (
    "/usr/sbin",
    "/sbin",
    "/usr/lib/postfix/sbin",
    "/usr/lib/postfix",
    "/usr/libexec/postfix",
    "/usr/local/sbin",
)
_PORTS = range(15_000, 32_000)  # below the ephemeral range, out of which the kernel gives outgoing connections ports


def find_program(name: str) -> Path | None:
    """The program, also where PATH does not say so."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *_FOLDERS]))
    return Path(found) if found else None


def need_program(name: str, *, package: str) -> Path:
    """The program, or skip the test with what to install."""
    found = find_program(name)
    if found is None:
        pytest.skip(f"{name} is missing; on Debian it is in the package {package}")
    return found


def die_with_parent() -> None:
    """Ask the kernel to end this process with the one that started it (prctl(2), PR_SET_PDEATHSIG); Linux only."""
    if sys.platform == "linux":
        _LIBC.prctl(1, signal.SIGKILL)


def children_of(pid: int) -> list[int]:
    """The processes that a process has started and that have not ended; Linux only."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except FileNotFoundError:
        return []


def kill_program(pid: int, name: str) -> bool:
    """kill -9 of a process if that is the name of its program; whether it was."""
    try:
        if Path(f"/proc/{pid}/comm").read_text().strip() != name:
            return False
        os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return False
    return True


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on, below 32768."""
    dice = random.Random(os.urandom(8))
    for _ in range(200):
        port = dice.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port was found between 15000 and 32000")


def is_listening(port: int) -> bool:
    """Whether somebody listens on a port, read from the kernel so that no connection is made."""
    wanted = f"{port:04X}"
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        path = Path(table)
        if not path.exists():
            continue
        for line in path.read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            if state == "0A" and local.endswith(":" + wanted):
                return True
    return False


def wait_listening(port: int, *, seconds: float = 10.0) -> None:
    """Wait until somebody listens on the port. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while not is_listening(port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody listens on port {port} after {seconds} s")
        time.sleep(0.01)


def wait_until_gone(port: int, *, seconds: float = 10.0) -> None:
    """Wait until nobody listens on the port any more. Raises `TimeoutError`."""
    deadline = time.monotonic() + seconds
    while is_listening(port):
        if time.monotonic() > deadline:
            raise TimeoutError(f"somebody still listens on port {port} after {seconds} s")
        time.sleep(0.01)
