"""Owns whether the write-ahead log beside an outbox was cut short by damage (sqlite.org/fileformat2.html, section 4).

SQLite takes a log up to its first frame with a wrong checksum and drops the rest without a word. That is right for the
one commit that a power loss tore, and wrong for commits that were durable: the outbox would forget them, and with them
whom it was about to send to.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_HEADER = struct.Struct(">8I")  # magic, version, page size, sequence, two salts, two checksums
_FRAME = struct.Struct(">6I")  # page, size of the database after a commit, two salts, two checksums
_MAGIC = (0x377F0682, 0x377F0683)
_TORN = 3
"""So many commits may stand after the end: what a power loss tore, and what a failing disk let nobody finish."""


def log_faults(log: Path, *, frames: int) -> tuple[str, ...]:
    """What is wrong with a log of which SQLite takes `frames` frames; nothing for one that is not there."""
    if not log.exists():
        return ()
    with log.open("rb") as stream:
        start = stream.read(_HEADER.size)
        if len(start) < _HEADER.size or not stream.read(1):
            return ()
        if not _header_holds(start):
            return (f"the beginning of {log} is damaged",)
        _, _, page_size, _, salt1, salt2, _, _ = _HEADER.unpack(start)
        dropped = sum(1 for _ in _commits(stream, frames, page_size, (salt1, salt2)))
    if dropped > _TORN:
        return (f"{log} is damaged in its middle: {dropped} commits after it would be lost",)
    return ()


def _header_holds(start: bytes) -> bool:
    magic = _HEADER.unpack(start)[0]
    if magic not in _MAGIC:
        return False
    first = second = 0
    words = struct.unpack(f"{'>' if magic & 1 else '<'}6I", start[:24])
    for left, right in zip(words[::2], words[1::2], strict=True):
        first = (first + left + second) & 0xFFFFFFFF
        second = (second + right + first) & 0xFFFFFFFF
    return (first, second) == struct.unpack(">2I", start[24:])


def _commits(stream: BinaryIO, frames: int, page_size: int, salts: tuple[int, int]) -> Iterator[int]:
    """The frames after the first so many that end a commit of the same log; older ones have other salts."""
    number = frames
    while True:
        stream.seek(_HEADER.size + number * (_FRAME.size + page_size))
        head = stream.read(_FRAME.size)
        if len(head) < _FRAME.size:
            return
        _, size_after, salt1, salt2, _, _ = _FRAME.unpack(head)
        if size_after and (salt1, salt2) == salts:
            yield number
        number += 1
