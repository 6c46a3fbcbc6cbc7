"""A real notification daemon: dunst, on a D-Bus session and a screen of its own, never this machine's."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.programs import need_program

_SCRIPT = """
Xvfb -displayfd 3 -screen 0 320x240x8 -nolisten tcp 3>display >/dev/null 2>&1 &
while ! [ -s display ]; do sleep 0.02; done
DISPLAY=":$(cat display)"; export DISPLAY
dunst -print >shown 2>/dev/null &
while ! dbus-send --session --print-reply --dest=org.freedesktop.Notifications /org/freedesktop/Notifications \
  org.freedesktop.Notifications.GetServerInformation >/dev/null 2>&1; do sleep 0.02; done
echo "$DBUS_SESSION_BUS_ADDRESS $DISPLAY"
cat >/dev/null
kill %2 %1
"""


@contextmanager
def desktop() -> Iterator[tuple[dict[str, str], Path]]:
    """The variables that lead a program to it, and the file in which it writes down what it shows."""
    for name, package in (("dbus-run-session", "dbus"), ("Xvfb", "xvfb"), ("dunst", "dunst")):
        need_program(name, package=package)
    with tempfile.TemporaryDirectory(prefix="mailtui-", ignore_cleanup_errors=True) as folder:
        environ = {"PATH": os.environ["PATH"], "HOME": folder, "XDG_RUNTIME_DIR": folder, "LANG": "C.UTF-8"}
        with subprocess.Popen(
            ["dbus-run-session", "--", "bash", "-c", _SCRIPT],
            cwd=folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None and process.stdin is not None
            bus, display = process.stdout.readline().split()
            yield {"DBUS_SESSION_BUS_ADDRESS": bus, "DISPLAY": display}, Path(folder) / "shown"
            process.stdin.close()
            process.wait(30)
