"""Owns a disk that is watched or fails under one process (`disk.c`), and what a power loss would leave of its files."""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_SECTOR = 512
_HEAD = struct.Struct("<cIqq")


def compiled(folder: Path) -> Path:
    """The library to preload; skips the test where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler to build the failing disk with")
    library = folder / "disk.so"
    source = Path(__file__).with_suffix(".c")
    built = subprocess.run(
        [compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl", "-lpthread"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "fatal error:" in built.stderr:
        pytest.skip("the C library's headers are missing (libc6-dev), so the failing disk cannot be built")
    assert built.returncode == 0, built.stderr
    return library


def watched_by(library: Path, outbox: Path, *, record: Path | None = None, eio: str = "") -> dict[str, str]:
    """The environment of a process whose writes to an outbox are recorded, or fail."""
    more = {"LD_PRELOAD": str(library), "DISK_UNDER": str(outbox)}
    if record is not None:
        more["DISK_RECORD"] = str(record)
    if eio:
        more["DISK_EIO"] = eio
    return {**os.environ, **more}


@dataclass(frozen=True, slots=True)
class Event:
    """W: written, T: truncated to `offset`, S: synced, U: removed, N: given to the network."""

    op: str
    name: str
    offset: int
    data: bytes


def read_events(record: Path) -> Iterator[Event]:
    """What the watched process did, in order."""
    with record.open("rb") as stream:
        while head := stream.read(_HEAD.size):
            op, named, offset, length = _HEAD.unpack(head)
            name = stream.read(named).decode()
            yield Event(op.decode(), name, offset, stream.read(length))


@dataclass(slots=True)
class Platter:
    """What of each file is safe on the disk, and what was written since and may be lost with the power."""

    safe: dict[str, bytes]
    pending: dict[str, list[Event]] = field(default_factory=dict)

    def take(self, event: Event) -> None:
        """Go on by one event."""
        if event.op == "S":
            image = self.safe.get(event.name, b"")
            for waiting in self.pending.pop(event.name, []):
                image = _applied(image, waiting)
            self.safe[event.name] = image
        elif event.op != "N":
            self.pending.setdefault(event.name, []).append(event)

    def after_power_loss(self, dice: random.Random) -> Mapping[str, bytes]:
        """The files as they may be found: of what was not synced any part is there, in any of its sectors."""
        found = dict(self.safe)
        for name, waiting in self.pending.items():
            image = found.get(name, b"")
            odds = dice.choice((0.0, 0.5, 0.9, 1.0))
            for event in waiting:
                if dice.random() < odds:
                    image = _applied(image, event if dice.random() < 0.8 else _torn(event, dice))
            found[name] = image
        return found


def _applied(image: bytes, event: Event) -> bytes:
    if event.op == "U":
        return b""
    if event.op == "T":
        return image[: event.offset].ljust(event.offset, b"\0")
    image = image.ljust(event.offset, b"\0")
    return image[: event.offset] + event.data + image[event.offset + len(event.data) :]


def _torn(event: Event, dice: random.Random) -> Event:
    """Only the first sectors of a write have reached the disk."""
    if event.op != "W":
        return event
    return Event("W", event.name, event.offset, event.data[: dice.randrange(0, len(event.data) + 1, _SECTOR)])
