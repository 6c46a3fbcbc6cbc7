"""Owns what crosses the pipe between the runner and its render processes.

To a renderer go `kit.frames`; only the runner writes there. Back comes nothing that is more than bytes with their
lengths: a process that runs strangers' templates is not to be believed further than that. Answers come in the order of
the rows, so that they need no name.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeAlias

from mailtui.errors import Place
from mailtui.kit.frames import frame
from mailtui.message.dkim import DkimSpec, Signer
from mailtui.message.files import FileRef
from mailtui.message.rendered import RenderProblem

File: TypeAlias = tuple[str, str, str, int]  # a `FileRef`
Row: TypeAlias = tuple[str, int, str, tuple[str, ...], tuple[tuple[str, ...], ...], float, int, int, tuple[File, ...]]
"""key, number, address, cells, the cells of a group's further rows, date, the number of the message, and of the one
that gives the Message-ID or -1, and the files of its own."""

Signing: TypeAlias = tuple[str, str, bytes]
"""A `DkimSpec` and the private key, PEM."""

_NOWHERE = Place()
_HEAD = struct.Struct("<BHI")  # kind, length of the sender, length of what follows it
_LONGEST = 256 * 1024 * 1024  # ten million characters of four bytes each, in quoted-printable, and to spare


class Order(IntEnum):
    """What the runner asks."""

    BEGIN = 0  # columns, secret, the campaign's id, bytes of memory, seconds a row, how to sign
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
    """A rendered message; the recipient is the row's.

    `dotless`: no line of `data` begins with a dot. Only the runner itself can say so: a renderer is not believed,
    since a dot that is not doubled ends a message.
    """

    sender: str
    data: bytes
    dotless: bool = False


@dataclass(frozen=True, slots=True)
class Overran:
    """A row whose render was stopped, and where in the templates it was, as far as that is known."""

    place: Place = _NOWHERE


Outcome: TypeAlias = "Mail | RenderProblem | Overran"


class Nonsense(Exception):
    """What came over the pipe is no answer."""


def files_of(own: Sequence[FileRef]) -> tuple[File, ...]:
    """A claim's own files as they cross."""
    return tuple((path, name, digest, size) for path, name, digest, size in own) if own else ()


def own_bytes(own: Sequence[FileRef]) -> int:
    """About how many bytes a claim's own files add to its mail."""
    return sum(ref.size for ref in own) * 4 // 3 if own else 0


def signing_of(signer: Signer | None) -> Signing | None:
    """How mails are signed, as it crosses."""
    return None if signer is None else (signer.spec.selector, signer.spec.domain, signer.pem)


def signer_of(signing: Signing | None) -> Signer | None:
    """The signer that `signing_of` was given."""
    if signing is None:
        return None
    selector, domain, pem = signing
    return Signer(DkimSpec(selector, domain), pem)


def order(kind: Order, *values: Any) -> bytes:
    """An order as it crosses."""
    return frame((int(kind), *values))


def mail(sender: str, data: bytes) -> bytes:
    name = sender.encode()
    return _HEAD.pack(Kind.MAIL, len(name), len(data)) + name + data


def problem(found: RenderProblem) -> bytes:
    return _said(Kind.PROBLEM, found.reason, found.place)


def overrun(place: Place) -> bytes:
    return _said(Kind.OVERRUN, "", place)


def _said(kind: Kind, reason: str, place: Place) -> bytes:
    text = json.dumps([reason, place.file, place.line, place.column, place.key]).encode()
    return _HEAD.pack(kind, 0, len(text)) + text


def ready() -> bytes:
    return _HEAD.pack(Kind.READY, 0, 0)


class Answers:
    """Cuts what comes from a renderer into answers; of what lies whole in what came, only the mail is copied."""

    def __init__(self) -> None:
        self._begun = bytearray()  # an answer of which the end is to come

    def feed(self, data: bytes) -> list[Mail | Overran | str | Kind]:
        """The answers that are complete; a problem as its text. Raises `Nonsense`."""
        answers: list[Mail | Overran | str | Kind] = []
        at, begun = 0, self._begun
        while begun and at < len(data):
            more = data[at : at + _size(begun, 0) - len(begun)]
            begun += more
            at += len(more)
            if len(begun) >= _HEAD.size and len(begun) == _size(begun, 0):
                answers.append(_answer(memoryview(begun), 0))
                begun = bytearray()
        with memoryview(data) as view:
            while len(data) - at >= _HEAD.size and (end := at + _size(view, at)) <= len(data):
                answers.append(_answer(view, at))
                at = end
            begun += view[at:]
        self._begun = begun
        return answers


def _size(raw: bytearray | memoryview, at: int) -> int:
    """How long the answer is that begins there; as long as its head while that is not whole."""
    if len(raw) - at < _HEAD.size:
        return _HEAD.size
    kind, name, length = _HEAD.unpack_from(raw, at)
    if kind > Kind.OVERRUN or length > _LONGEST:
        raise Nonsense
    return _HEAD.size + name + length  # type: ignore[no-any-return]


def _answer(raw: memoryview, at: int) -> Mail | Overran | str | Kind:
    kind, name, length = _HEAD.unpack_from(raw, at)
    begin = at + _HEAD.size + name
    if kind == Kind.MAIL:
        return Mail(_text(raw[at + _HEAD.size : begin]), bytes(raw[begin : begin + length]))
    if kind == Kind.PROBLEM:
        return _text(raw[begin : begin + length])
    if kind == Kind.OVERRUN:
        return Overran(_reason_and_place(_text(raw[begin : begin + length]))[1])
    return Kind(kind)


def problem_of(row: int, text: str) -> RenderProblem:
    """What `problem` said about a row. Raises `Nonsense`."""
    return RenderProblem(row, *_reason_and_place(text))


def _reason_and_place(text: str) -> tuple[str, Place]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        raise Nonsense from None
    if not isinstance(said, list) or len(said) != 5:
        raise Nonsense
    reason, file, line, column, key = said
    numbers = all(value is None or type(value) is int for value in (line, column))
    if not numbers or not all(isinstance(value, str) for value in (reason, file, key)):
        raise Nonsense
    return reason, Place(file, line, column, key)


def _text(raw: memoryview) -> str:
    try:
        return str(raw, "utf-8")
    except UnicodeDecodeError:
        raise Nonsense from None
