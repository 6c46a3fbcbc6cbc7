"""Owns plain values on their way to a child process of ours: a length, and a `marshal` of them.

It is the cheapest way to many small texts. Only for what goes to a child: `marshal` must not read what a process wrote
that is not to be believed.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Callable, Iterator
from typing import Any

_LENGTH = struct.Struct("<I")


def frame(values: Any) -> bytes:
    """Plain values as they cross."""
    body = marshal.dumps(values)
    return _LENGTH.pack(len(body)) + body


def frames(read: Callable[[int], bytes]) -> Iterator[Any]:
    """What comes in, until there is no more."""
    while len(head := read(_LENGTH.size)) == _LENGTH.size:
        (length,) = _LENGTH.unpack(head)
        yield marshal.loads(read(length))  # noqa: S302 - written by the process that started this one
