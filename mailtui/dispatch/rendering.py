"""Owns what crosses the pipe between the runner and its render processes.

To a renderer: a length and a `marshal` of plain values, which is the cheapest way to many small texts; only the runner
writes there. Back comes nothing that is more than bytes with their lengths: a process that runs strangers' templates is
not to be believed further than that. Answers come in the order of the rows, so that they need no name.
"""

from __future__ import annotations

import json
import marshal
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from mailtui.errors import Place
from mailtui.message.rendered import RenderProblem

Row: TypeAlias = tuple[str, int, str, tuple[str, ...], float, int, int]
"""key, number, address, cells, date, the number of the message, and of the one that gives the Message-ID or -1."""

LENGTH = struct.Struct("<I")
_HEAD = struct.Struct("<BHI")  # kind, length of the sender, length of what follows it
_LONGEST = 256 * 1024 * 1024  # ten million characters of four bytes each, in quoted-printable, and to spare


class Order(IntEnum):
    """What the runner asks."""

    BEGIN = 0  # columns, secret, bytes of memory, seconds a row
    MESSAGE = 1  # number, the frozen message's JSON
    RENDER = 2  # transfer encoding, smtputf8, rows


class Kind(IntEnum):
    """What a renderer says."""

    READY = 0
    MAIL = 1
    PROBLEM = 2
    OVERRUN = 3


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered message; the recipient is the row's."""

    sender: str
    data: bytes


class Overran:
    """A row whose render was stopped."""


Outcome: TypeAlias = "Mail | RenderProblem | Overran"


class Nonsense(Exception):
    """What came over the pipe is no answer."""


def order(kind: Order, *values: Any) -> bytes:
    """An order as it crosses."""
    body = marshal.dumps((int(kind), *values))
    return LENGTH.pack(len(body)) + body


def orders(read: Callable[[int], bytes]) -> Iterator[tuple[Any, ...]]:
    """The orders that come in, until there are no more."""
    while len(head := read(LENGTH.size)) == LENGTH.size:
        (length,) = LENGTH.unpack(head)
        yield marshal.loads(read(length))  # noqa: S302 - written by the runner that started this process


def mail(sender: str, data: bytes) -> bytes:
    name = sender.encode()
    return _HEAD.pack(Kind.MAIL, len(name), len(data)) + name + data


def problem(found: RenderProblem) -> bytes:
    place = found.place
    text = json.dumps([found.reason, place.file, place.line, place.column, place.key]).encode()
    return _HEAD.pack(Kind.PROBLEM, 0, len(text)) + text


def word(kind: Kind) -> bytes:
    """READY or OVERRUN."""
    return _HEAD.pack(kind, 0, 0)


class Answers:
    """Cuts what comes from a renderer into answers."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> list[Mail | str | Kind]:
        """The answers that are complete; a problem as its text. Raises `Nonsense`."""
        self._bytes += data
        answers: list[Mail | str | Kind] = []
        at, end = 0, len(self._bytes)
        with memoryview(self._bytes) as view:
            while end - at >= _HEAD.size:
                kind, name, length = _HEAD.unpack_from(view, at)
                if length > _LONGEST or kind > Kind.OVERRUN:
                    raise Nonsense
                begin = at + _HEAD.size + name
                if begin + length > end:
                    break
                if kind == Kind.MAIL:
                    answers.append(Mail(_text(view[at + _HEAD.size : begin]), bytes(view[begin : begin + length])))
                elif kind == Kind.PROBLEM:
                    answers.append(_text(view[begin : begin + length]))
                else:
                    answers.append(Kind(kind))
                at = begin + length
        del self._bytes[:at]
        return answers


def problem_of(row: int, text: str) -> RenderProblem:
    """What `problem` said about a row. Raises `Nonsense`."""
    try:
        reason, file, line, column, key = json.loads(text)
    except ValueError:
        raise Nonsense from None
    numbers = all(value is None or type(value) is int for value in (line, column))
    if not numbers or not all(isinstance(value, str) for value in (reason, file, key)):
        raise Nonsense
    return RenderProblem(row, reason, Place(file, line, column, key))


def _text(raw: memoryview) -> str:
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise Nonsense from None
