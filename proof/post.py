"""Owns the server of a proof from the harness's side: one that may crash, comes back on its port, and keeps its log."""

from __future__ import annotations

import random
import signal
from collections import Counter
from pathlib import Path

from mailtui.smtp.gear import Gear
from proof.children import Child, Nursery
from proof.faults import write_faults

_MAY_BE_MISSING = ("PIPELINING", "CHUNKING")  # what decides how fast a client may speak


class PostOffice:
    """The server in a folder. Each time it comes back it may offer other extensions, and its faults fall otherwise."""

    def __init__(
        self, nursery: Nursery, folder: Path, dice: random.Random, *, delay: float, strength: float = 1.0
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._nursery = nursery
        self._folder = folder
        self._dice = dice
        self._delay = delay
        self._strength = strength
        self._child: Child | None = None
        self.port = 0
        self.gears: Counter[Gear] = Counter()
        """How often it came with all that this gear needs, and no faster one."""
        self.log = folder / "caught" / "accepted.jsonl"

    def open(self) -> None:
        """Listen, on the same port as before if there was one."""
        faults = self._folder / "faults.yaml"
        write_faults(faults, seed=self._dice.randrange(1 << 30), delay=self._delay, strength=self._strength)
        arguments = ["--folder", str(self.log.parent), "--port", str(self.port), "--faults", str(faults)]
        missing = [word for word in _MAY_BE_MISSING if self._dice.random() < 0.4]
        for word in missing:
            arguments += ["--without", word]
        self.gears[Gear.LOCKSTEP if "PIPELINING" in missing else Gear.CROSS if missing else Gear.CHUNKED] += 1
        self._child = self._nursery.start("proof.server", arguments)
        self.port = int(self._child.first_line())

    def close(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End by this signal."""
        if self._child is not None:
            self._child.signal(number)
            self._child.wait()

    def stall(self, *, stopped: bool) -> None:
        """Stop answering, or go on."""
        assert self._child is not None
        self._child.signal(signal.SIGSTOP if stopped else signal.SIGCONT)

    @property
    def size(self) -> int:
        """How much its log holds, in bytes."""
        return self.log.stat().st_size if self.log.exists() else 0
