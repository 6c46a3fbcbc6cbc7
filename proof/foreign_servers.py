"""Owns the servers of others under a proof: a real Postfix and a real Exim that queue whatever they accept.

What counts as accepted is read from their queues, so it is what these servers themselves hold on to, whatever they
told the client: a message is complete there before its 250.
"""

from __future__ import annotations

import random
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from tests.servers.exim import Exim, exim_server, find_exim
from tests.servers.postfix import Postfix, postfix_server
from tests.servers.programs import find_program


@dataclass(frozen=True, slots=True)
class Taken:
    """One accepted message: its recipients, and its header and body with LF line ends."""

    recipients: tuple[str, ...]
    content: bytes


class ForeignServer(Protocol):
    """A server that can be killed, and asked for what it has accepted."""

    port: int

    def take(self) -> list[Taken]:
        """The messages accepted since the last time."""
        ...

    def kill(self, dice: random.Random) -> None:
        """kill -9 of the server, or of its processes that talk to clients; it is back when this returns."""
        ...


class QueueingPostfix:
    """Postfix that holds everything. Its smtpd processes are killed, its master starts others."""

    def __init__(self, postfix: Postfix) -> None:
        self._postfix = postfix
        self.port = postfix.port

    def take(self) -> list[Taken]:
        found = []
        for path in (self._postfix.folder / "spool" / "hold").iterdir():
            if path.stat().st_mode & stat.S_IXUSR:  # else cleanup(8) is still writing
                found.append(read_queue_file(path.read_bytes()))
                path.unlink()
        return found

    def kill(self, dice: random.Random) -> None:  # noqa: ARG002
        self._postfix.kill_children("smtpd")


class QueueingExim:
    """Exim without a queue runner. It is killed as a whole, or its processes that talk to clients are."""

    def __init__(self, exim: Exim) -> None:
        self._exim = exim
        self.port = exim.port

    def take(self) -> list[Taken]:
        return [Taken(item.recipients, item.content) for item in self._exim.take_spooled()]

    def kill(self, dice: random.Random) -> None:
        if dice.random() < 0.5:
            self._exim.kill_children()
        else:
            self._exim.kill()
            self._exim.start()


@contextmanager
def _postfix(refuse: Mapping[str, str]) -> Iterator[ForeignServer]:
    with postfix_server(hold=True, refuse=refuse, settings={"service_throttle_time": "1s"}) as server:
        yield QueueingPostfix(server)


@contextmanager
def _exim(refuse: Mapping[str, str]) -> Iterator[ForeignServer]:
    with exim_server(refuse=refuse) as server:
        yield QueueingExim(server)


Opening = Callable[[Mapping[str, str]], AbstractContextManager[ForeignServer]]


def foreign_servers() -> dict[str, Opening]:
    """Those that are here, by name; each is given its replies to recipients that it refuses."""
    found: dict[str, Opening] = {}
    if find_program("postfix") is not None:
        found["Postfix"] = _postfix
    if find_exim() is not None:
        found["Exim"] = _exim
    return found


def read_queue_file(data: bytes) -> Taken:
    """A file of Postfix's queue: records of a type, a length in groups of seven bits, and data (rec_type.h)."""
    recipients: list[str] = []
    content = bytearray()
    at = 0
    while at < len(data):
        kind = data[at : at + 1]
        at, length, shift = at + 1, 0, 0
        while True:
            group = data[at]
            at, length, shift = at + 1, length | (group & 0x7F) << shift, shift + 7
            if group < 0x80:
                break
        record, at = data[at : at + length], at + length
        if kind == b"R":
            recipients.append(record.decode())
        elif kind in b"NL":
            content += record + (b"\n" if kind == b"N" else b"")
        elif kind == b"E":
            break
    return Taken(tuple(recipients), bytes(content))
