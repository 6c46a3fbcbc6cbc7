"""A real Secret Service: gnome-keyring on a D-Bus session of its own, never this machine's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

UNLOCKED = "printf 'test\\n' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1"
"""Begins a session whose keyring is open. Without it the first who asks has the daemon started, with nobody there who
could unlock or make a keyring."""

needs_secret_service = pytest.mark.skipif(
    not (shutil.which("dbus-run-session") and shutil.which("gnome-keyring-daemon")),
    reason="needs gnome-keyring and dbus-run-session (Debian: gnome-keyring, dbus)",
)


@contextmanager
def session(script: str = "", *, home: Path | None = None) -> Iterator[dict[str, str]]:
    """The variables that lead a program to a session's keyring. With a `home` that cannot be used, and no run folder,
    whoever asks waits for ever.
    """
    with tempfile.TemporaryDirectory(prefix="mailtui-", ignore_cleanup_errors=True) as folder:
        environ = {"PATH": os.environ["PATH"], "HOME": str(home or folder), "LANG": "C.UTF-8"}
        if home is None:
            environ["XDG_RUNTIME_DIR"] = folder
        with subprocess.Popen(
            ["dbus-run-session", "--", "sh", "-c", f'{script}\necho "$DBUS_SESSION_BUS_ADDRESS"; exec cat'],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stdin is not None
            yield environ | {"DBUS_SESSION_BUS_ADDRESS": process.stdout.readline().strip()}
            process.stdin.close()
            process.wait(30)
