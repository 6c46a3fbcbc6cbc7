"""Owns the processes of a proof: started from scratch or forked by a nursery, waited for, signalled."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self

NEVER = 120.0  # seconds; nothing in a proof takes so long, so what does is a failure


class Stuck(AssertionError):
    """Something that should have happened long ago did not."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


class Child:
    """A process of the nursery."""

    def __init__(self, nursery: Nursery, pid: int, out: Path, err: Path) -> None:
        self._nursery = nursery
        self.pid = pid
        self.out = out
        self.err = err

    @property
    def running(self) -> bool:
        return self._nursery.code(self.pid, seconds=0.0) is None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal; nothing happens when it has ended meanwhile."""
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def wait(self, seconds: float = NEVER) -> int:
        """Its exit code, or minus the signal that ended it. Raises `Stuck`."""
        code = self._nursery.code(self.pid, seconds=seconds)
        if code is None:
            raise Stuck(f"process {self.pid} did not end within {seconds:g} s; {self.err.read_text()[-2000:]}")
        return code

    def first_line(self) -> str:
        """What it says first. Raises `Stuck` when it ends without a word."""
        deadline = time.monotonic() + NEVER
        while not (text := self.out.read_text() if self.out.exists() else "").endswith("\n"):
            if not self.running or time.monotonic() > deadline:
                raise Stuck(f"nothing was said; {self.err.read_text()[-2000:]}")
            time.sleep(0.002)
        return text.splitlines()[0]


class Nursery:
    """The nursery's process; `with` it. Its children end with it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """`folder` takes what the children say; `environment` is theirs."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.environment = environment
        self._numbers = count(1)
        self._codes: dict[int, int] = {}
        self._pids: list[int] = []
        self._rest = b""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "proof.nursery"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment, bufsize=0
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=NEVER)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def start(self, program: str, arguments: Sequence[str], *, fresh: bool = False) -> Child:
        """A process that is `python -m program arguments`; a `fresh` one shares nothing with the nursery."""
        number = next(self._numbers)
        out, err = self._folder / f"{number}.out", self._folder / f"{number}.err"
        order = {
            "program": program,
            "arguments": list(arguments),
            "fresh": fresh,
            "environment": self.environment,
            "out": str(out),
            "err": str(err),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        while not self._pids:
            self._listen(NEVER)
        return Child(self, self._pids.pop(0), out, err)

    def run(self, program: str, arguments: Sequence[str]) -> Done:
        """A command to its end; its files are removed."""
        child = self.start(program, arguments)
        done = Done(child.wait(), child.out.read_text(), child.err.read_text())
        child.out.unlink()
        child.err.unlink()
        return done

    def code(self, pid: int, *, seconds: float) -> int | None:
        """The exit code of a child, or None when it has not ended after `seconds`."""
        deadline = time.monotonic() + seconds
        while pid not in self._codes:
            left = deadline - time.monotonic()
            if not self._listen(max(0.0, left)) and left <= 0:
                return None
        return self._codes[pid]

    def _listen(self, seconds: float) -> bool:
        """Take in what the nursery says within `seconds`; whether it said anything."""
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        if not select.select([handle], [], [], seconds)[0]:
            return False
        read = os.read(handle, 65_536)
        if not read:
            raise Stuck("the nursery has ended")
        *lines, self._rest = (self._rest + read).split(b"\n")
        for line in lines:
            said = json.loads(line)
            if "pid" in said:
                self._codes.pop(said["pid"], None)  # the system gives numbers out again
                self._pids.append(said["pid"])
            else:
                self._codes[said["ended"]] = said["code"]
        return True
