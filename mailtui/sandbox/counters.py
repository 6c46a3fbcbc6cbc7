"""Owns what a sandbox counts while it runs, the words for it, and the file of it that remains."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mailtui.kit.paths import write_atomically
from mailtui.kit.words import counted

COUNTERS = "counters.json"


@dataclass(frozen=True, slots=True)
class Counters:
    """What a server has seen so far. `peak` is the most connections open at once.

    `refused` counts every MAIL, RCPT, DATA, BDAT, content and dot that did not succeed; `improper_pipelining` the times
    a client sent on where RFC 2920 makes it wait for the reply. `auth_attempts` are AUTH commands, and
    `auth_clear_bytes` what came of them, line by line with the line ends, over connections without TLS.
    `handshakes` are those of TLS that came to their end. `commands` counts what was said, by verb; DOT is the end of
    a message that came by DATA, BDAT each chunk.
    """

    connections: int = 0
    open: int = 0
    peak: int = 0
    accepted: int = 0
    refused: int = 0
    auth_attempts: int = 0
    auth_failures: int = 0
    auth_clear_bytes: int = 0
    handshakes: int = 0
    improper_pipelining: int = 0
    commands: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> str:
        """One line for a person."""
        said = ", ".join(f"{verb} {number:,}" for verb, number in self.commands.items())
        return "; ".join(
            [
                f"{counted(self.connections, 'connection')}, {self.peak:,} at once",
                counted(self.auth_attempts, "login") + f", {counted(self.auth_clear_bytes, 'byte')} of them in clear",
                said or "no commands",
            ]
        )


def write_counters(folder: Path, counters: Counters) -> None:
    """Keep in the folder of a sandbox that ends what it has seen."""
    write_atomically(folder / COUNTERS, json.dumps(dataclasses.asdict(counters)).encode())


def read_counters(folder: Path) -> Counters | None:
    """What the last sandbox of this folder had seen when it ended; None before any did."""
    try:
        return Counters(**json.loads((folder / COUNTERS).read_bytes()))
    except FileNotFoundError:
        return None


@dataclass(slots=True)
class Tally:
    """The running server's own copy of the counters; `commands` by verb as on the wire."""

    connections: int = 0
    open: int = 0
    peak: int = 0
    accepted: int = 0
    refused: int = 0
    auth_attempts: int = 0
    auth_failures: int = 0
    auth_clear_bytes: int = 0
    handshakes: int = 0
    improper_pipelining: int = 0
    commands: dict[bytes, int] = field(default_factory=dict)

    def snapshot(self) -> Counters:
        """The counters as they stand."""
        said = {verb.decode("ascii"): number for verb, number in self.commands.items() if number}
        return Counters(**{**dataclasses.asdict(self), "commands": said})
