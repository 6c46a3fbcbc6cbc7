"""Owns a real terminal that a program is driven in: a tmux server of its own, its keys and its screen."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

WIDTH, HEIGHT = 80, 24
_LOOK_EVERY = 0.05
_LOOKS_FOR_CALM = 20


class NeverSeen(AssertionError):
    """What was waited for did not come in time; says what stood on the screen instead."""


class Tmux:
    """One window of 80 by 24 with a shell in it. `folder` holds its socket and is where the shell starts."""

    def __init__(self, folder: Path, environ: Mapping[str, str], *, patience: float) -> None:
        """`patience` is how many seconds are waited for anything before `NeverSeen` is raised."""
        self._socket = folder / f"tmux-{time.monotonic_ns()}"
        self._environ = {**environ, "LANG": "C.UTF-8", "ENV": ""}
        self._environ.pop("TMUX", None)
        self._patience = patience
        size = ("-x", str(WIDTH), "-y", str(HEIGHT))
        self._run("-f", "/dev/null", "new-session", "-d", *size, "-c", str(folder), "/bin/sh")
        self._run("set", "-g", "status", "off")
        self._run("resize-window", *size)
        server, shell = self._run("display-message", "-p", "#{pid} #{pane_pid}").split()
        self._server, self._shell = int(server), int(shell)
        self.type("PS1='$ '; clear")  # some shells do not take it from the environment
        self.press("Enter")
        self.until(lambda screen: screen.strip() == "$", "the shell's prompt")

    @staticmethod
    def is_there() -> bool:
        """Whether this machine has tmux at all."""
        return shutil.which("tmux") is not None

    def press(self, *keys: str) -> None:
        """Press keys by the names tmux has for them: Enter, Escape, C-s, F3, or a letter."""
        self._run("send-keys", *keys)

    def type(self, text: str) -> None:
        self._run("send-keys", "-l", text)

    def screen(self) -> str:
        """What stands on the screen, line by line."""
        return self._run("capture-pane", "-p")

    def fact(self, name: str) -> str:
        """What tmux knows of the window by a name such as `pane_title` or `buffer_sample`."""
        return self._run("display-message", "-p", f"#{{{name}}}").strip()

    def until(self, seen: Callable[[str], object], what: str, *, seconds: float | None = None) -> str:
        """Wait until the screen satisfies this and, where it does not change all the time, stands still."""
        deadline = time.monotonic() + (seconds or self._patience)
        while not seen(screen := self.screen()):
            if time.monotonic() > deadline:
                raise NeverSeen(f"not seen: {what}; on the screen stands\n{screen}")
            time.sleep(_LOOK_EVERY)
        for _ in range(_LOOKS_FOR_CALM):
            time.sleep(_LOOK_EVERY)
            before, screen = screen, self.screen()
            if screen == before and seen(screen):
                break
        return screen

    def kill(self) -> None:
        """kill -9 of the terminal, as when its window crashes; returns when what ran in it has ended."""
        inside = _session(self._shell)
        os.kill(self._server, signal.SIGKILL)
        deadline = time.monotonic() + self._patience
        while any(_lives(pid) for pid in inside):
            if time.monotonic() > deadline:
                raise NeverSeen("the end of what ran in the killed terminal")
            time.sleep(_LOOK_EVERY)

    def close(self) -> None:
        """End the terminal, if it has not been killed."""
        subprocess.run(self._command("kill-server"), capture_output=True, check=False)

    def _run(self, *arguments: str) -> str:
        done = subprocess.run(
            self._command(*arguments), env=self._environ, capture_output=True, text=True, check=False, timeout=60
        )
        if done.returncode:
            raise NeverSeen(f"tmux {arguments[0]}: {done.stderr.strip()}")
        return done.stdout

    def _command(self, *arguments: str) -> list[str]:
        return ["tmux", "-S", str(self._socket), *arguments]


def _lives(pid: int) -> bool:
    """Whether a process is there and not only waits to be collected."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.lstrip().startswith("Z")


def _session(leader: int) -> list[int]:
    """The processes of a terminal: what detached itself from it is not among them."""
    found = subprocess.run(["ps", "-e", "-o", "pid=,sess="], capture_output=True, text=True, check=True).stdout
    pairs = [(int(pid), int(session)) for pid, session in re.findall(r"(\d+)\s+(\d+)", found)]
    return [pid for pid, session in pairs if session == leader]
