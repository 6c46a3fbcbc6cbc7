"""Owns the attack on real servers of others, in every gear: kill -9 of the server, of the line, of the runner (G-09).

After each blow the outbox is read, then the server's queue, then the outbox again. Whatever the first reading calls
sent must be in the queue, and whatever is in the queue must be sent, in flight or unknown in the second:
`acked <= accepted <= acked + in doubt`. At the end nobody has it twice, and each has the body that is theirs.
"""

from __future__ import annotations

import random
import re
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from enum import StrEnum
from pathlib import Path
from typing import Any

import apsw

from mailtui.smtp.gear import Gear
from proof.campaign import addresses, environment
from proof.children import NEVER, Nursery, Stuck
from proof.foreign_servers import ForeignServer, Opening, Taken
from proof.geared import GEAR
from proof.judge import Acceptance, Verdict, judge, read_report
from proof.relay import Relay
from proof.senders import Mailtui, Prey
from proof.terms import Terms

GEARS = ((Gear.LOCKSTEP, 1), (Gear.FLIGHT, 1), (Gear.CROSS, 1), (Gear.CHUNKED, 4), (Gear.CHUNKED, 8))
"""Each with its window."""

_EVERY = 50  # recipients, one that the server refuses
_REFUSAL = "550 5.1.1 No such user"
_SIZE = 1_100  # bytes of one message on the wire, at least
_SHARE = (4, 40)  # messages between two blows
_ROWS_A_KILL = 100  # and for each transaction of the window so many more
_ROWS_A_PLACE = 50


class Target(StrEnum):
    """What a kill hits."""

    RUNNER = "runners killed"
    SERVER = "servers killed"
    LINE = "connections cut"


@dataclass
class Siege:
    """What one server and one gear went through, and what came of it.

    `most_in_doubt` is the most outcomes that became unknown between two blows, `unchanged` how many bodies were held
    against what they had to be, `refused` how many recipients the server refused, all of them rightly told so.
    """

    server: str
    gear: Gear
    terms: Terms
    verdict: Verdict
    kills: Counter[Target]
    looks: int
    most_in_doubt: int
    unchanged: int
    refused: int
    seconds: float

    @property
    def kept(self) -> bool:
        """Whether every promise was."""
        return not self.verdict.broken and self.most_in_doubt <= self.terms.most_in_doubt


@dataclass
class _Books:
    """What the outbox says at one moment."""

    sent: set[str] = field(default_factory=set)
    in_flight: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)


class _Besieger:
    def __init__(self, sender: Mailtui, server: ForeignServer, relay: Relay, terms: Terms, outbox: Path) -> None:
        self._sender, self._server, self._relay, self._terms = sender, server, relay, terms
        self._dice = random.Random(terms.seed)
        self._outbox = str(outbox)
        self.taken: list[Taken] = []
        self._accepted: set[str] = set()
        self.kills: Counter[Target] = Counter()
        self._deck: list[Target] = []  # those to come, so that all come equally often
        self.looks = 0
        self.most_in_doubt = 0
        self._known = 0  # of the unknown at the last blow

    def attack(self) -> None:
        first = self._sender.start(fresh=False)  # the runner that the launch left; nobody listens to it yet
        first.signal(signal.SIGKILL)
        first.wait()
        self._relay.open()
        prey: Prey | None = None
        while self.kills.total() < self._terms.blows:
            if prey is None or not prey.running:
                prey = self._sender.start(fresh=False)
            self._wait_for_work(prey)
            self._strike(prey)
        self._end(prey)

    def _end(self, prey: Prey | None) -> None:
        """Leave the rest unsent; what is under way comes to its end."""
        if prey is None or not prey.running:
            prey = self._sender.start(fresh=False)
        self._sender.cancel()
        prey.wait()
        self._count_doubts()
        self.look()

    def _wait_for_work(self, prey: Prey) -> None:
        enough = self._relay.passed + _SIZE * self._dice.randint(*_SHARE)
        deadline = time.monotonic() + NEVER
        while self._relay.passed < enough:
            if not prey.running or time.monotonic() > deadline:
                raise Stuck(f"nothing is sent any more; {self._sender.status()}")
            time.sleep(0.001)
        time.sleep(self._dice.uniform(0, 0.005))

    def _strike(self, prey: Prey) -> None:
        self._count_doubts()
        if not self._deck:
            self._deck = self._dice.sample(list(Target), len(Target))
        target = self._deck[-1]
        if target is Target.RUNNER:
            prey.signal(signal.SIGKILL)
            prey.wait()
        elif target is Target.SERVER:
            self._server.kill(self._dice)
        elif not self._relay.cut(self._dice):
            return
        self.kills[self._deck.pop()] += 1
        self.look()

    def _count_doubts(self) -> None:
        unknown = len(self._read().unknown)
        self.most_in_doubt = max(self.most_in_doubt, unknown - self._known)
        self._known = unknown

    def look(self) -> None:
        """Hold the books against the queue."""
        before = self._read()
        taken = self._server.take()
        self.taken += taken
        self._accepted.update(who for item in taken for who in item.recipients)
        after = self._read()
        assert before.sent <= self._accepted, f"called sent, and nobody has it: {before.sent - self._accepted}"
        told = after.sent | after.in_flight | after.unknown
        assert self._accepted <= told, f"accepted, and nobody knows: {self._accepted - told}"
        assert len(after.in_flight) <= self._terms.most_in_doubt, f"{len(after.in_flight)} in flight"
        self.looks += 1

    def _read(self) -> _Books:
        connection = apsw.Connection(self._outbox, flags=apsw.SQLITE_OPEN_READONLY)
        connection.set_busy_timeout(10_000)
        wanted = "SELECT address, state FROM delivery WHERE state IN ('sent', 'in_flight', 'unknown')"
        rows: list[Any] = connection.execute(wanted).fetchall()
        connection.close()
        books = _Books()
        for address, state in rows:
            getattr(books, state).add(address)
        return books


def refused(rows: int) -> list[str]:
    """Whom the server refuses."""
    return list(addresses(rows))[_EVERY // 2 :: _EVERY]


def siege(nursery: Nursery, folder: Path, name: str, server: ForeignServer, gear: Gear, terms: Terms) -> Siege:
    """Send in one gear to a server, kill so many times, and judge. Raises `AssertionError` at a broken promise."""
    folder.mkdir(parents=True)
    home, report = folder / "home", folder / "report.jsonl"
    started = time.monotonic()
    nursery.environment = {**environment(home, scale=terms.scale), GEAR: str(gear)}
    with Relay(server.port) as relay:
        terms = terms.at(relay.port)
        sender = Mailtui(nursery, folder, home, terms, program="proof.geared")
        sender.launch()
        besieger = _Besieger(sender, server, relay, terms, home / "data" / "outbox.db")
        besieger.attack()
        sender.report(report)
        assert (relay.said[b"BDAT"] > 0) == (gear is Gear.CHUNKED), f"{gear}: {relay.said}"
    rows = read_report(report)
    no = {row["address"] for row in rows if row["state"] == "failed"}
    assert no <= set(refused(terms.messages)), f"called refused, and they were not: {no}"
    return Siege(
        name,
        gear,
        terms,
        judge(rows, acceptances(besieger.taken), audience=addresses(terms.messages)),
        besieger.kills,
        besieger.looks,
        besieger.most_in_doubt,
        check_bodies(besieger.taken),
        len(no),
        time.monotonic() - started,
    )


def sieges(
    folder: Path,
    servers: Mapping[str, Opening],
    *,
    kills: int,
    connections: int,
    seed: int,
    gears: Sequence[tuple[Gear, int]] = GEARS,
) -> Iterator[Siege]:
    """Every server in every gear, with this many kills for each."""
    rows = {window: kills * (_ROWS_A_KILL + _ROWS_A_PLACE * window) for _, window in gears}
    with Nursery(folder / "said", environment(folder)) as nursery:
        for name, opening in servers.items():
            with opening(dict.fromkeys(refused(max(rows.values())), _REFUSAL)) as server:
                for gear, window in gears:
                    seed += 1
                    terms = Terms(rows[window], kills, connections, seed, window=window)
                    yield siege(nursery, folder / f"{name}-{gear}-{window}", name, server, gear, terms)


_BOUNDARY = re.compile(rb'boundary="?([^"\n;]+)')
_ID = re.compile(rb"^Message-ID: *(\S+)", re.IGNORECASE | re.MULTILINE)


def acceptances(taken: Iterable[Taken]) -> Iterable[Acceptance]:
    """As the judge reads them."""
    for item in taken:
        found = _ID.search(item.content)
        assert found is not None, f"no Message-ID for {item.recipients}"
        for recipient in item.recipients:
            yield Acceptance(recipient, found[1].decode())


def check_bodies(taken: list[Taken]) -> int:
    """Hold each body against its recipient's; how many there were.

    All of them must be the first one, but for the name and the boundary; the first is read as a mail program would.
    """
    pattern: bytes | None = None
    for item in taken:
        [recipient] = item.recipients
        number = recipient.partition("@")[0].removeprefix("p").encode()
        header, _, body = item.content.partition(b"\n\n")
        found = _BOUNDARY.search(header)
        assert found is not None, f"{recipient} has no parts"
        name = "Zoë ".encode() + number
        assert body.count(name) == 2 and b"To: " + recipient.encode() in header, f"{recipient} has another's mail"
        plain = body.replace(name, b"<name>").replace(found[1], b"<boundary>")
        if pattern is None:
            pattern = plain
            message = message_from_bytes(item.content, policy=default)
            part = message.get_body(("plain",))
            text = "" if part is None else part.get_content()
            assert text == f"Dear {name.decode()},\n\nspring is here.\n.\n..dots stay.\n", text
        assert plain == pattern, f"the body of {recipient} was changed: {plain!r} is not {pattern!r}"
    return len(taken)
