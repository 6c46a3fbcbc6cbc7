"""A real terminal for the app: a pseudo terminal that keeps everything that was written to it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence

ENTERED, LEFT = b"\x1b[?1049h", b"\x1b[?1049l"
MOUSE_ON, MOUSE_OFF = b"\x1b[?1000h", b"\x1b[?1000l"


class Terminal:
    """One program in a terminal of 80 by 24. Use it in a `with`."""

    def __init__(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        self.output = b""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self._master = master
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environ, "TERM": "xterm-256color"},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def read_until(self, done: Callable[[bytes], object], *, seconds: float = 20.0) -> None:
        """Read what is written until it satisfies `done`."""
        deadline = time.monotonic() + seconds
        while not done(self.output):
            assert time.monotonic() < deadline, f"not written in time; the end was {self.output[-600:]!r}"
            self._read(0.1)

    def shows(self, text: str) -> None:
        self.read_until(lambda output: text.encode() in output)

    def ends(self, *, seconds: float = 20.0) -> int:
        """Its exit code, with everything read that it wrote."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it does not end; the end was {self.output[-600:]!r}"
            self._read(0.05)
        while self._read(0.1):
            pass
        return self.process.returncode

    def _read(self, seconds: float) -> bool:
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux: nobody holds the other end any more
            return False
        self.output += data
        return bool(data)

    def vanish(self) -> None:
        """The terminal is gone, as when its window is killed."""
        os.close(self._master)
        self._master = os.open(os.devnull, os.O_RDONLY)

    def is_restored(self) -> bool:
        """Whether the terminal's own screen is back and the mouse is off."""
        return (
            self.output.rfind(LEFT) > self.output.rfind(ENTERED) >= 0
            and self.output.rfind(MOUSE_OFF) > self.output.rfind(MOUSE_ON) >= 0
        )
