"""Owns measuring several senders against the same server in turn, and that every message arrived.

A sender is tried out first, which says how many messages it needs for the time that is given; then come the rounds, in
each of which every sender runs once. Ratios are taken round by round.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.figures import Spread
from benchmarks.sinks import Counts, Sink

_LONG_ENOUGH = 1.0  # seconds that a try-out must take for its rate to be believed


class WrongCount(Exception):
    """A run did not send what it should have; nothing it measured is worth anything."""


@dataclass(frozen=True, slots=True)
class Take:
    """One run: its messages, seconds of sending, CPU seconds of the client, and what else it told."""

    messages: int
    seconds: float
    cpu: float
    extra: Mapping[str, float] = field(default_factory=dict)


Runner = Callable[[Sink, int, float], Take]
"""Sends so many messages to a server, with so many seconds of patience."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A sender. `first`: messages of the try-out, enough to have every connection at work; `share` of the time that
    is given, for those who are only compared with.
    """

    name: str
    run: Runner
    first: int = 1_000
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each part: `seconds` of a run, and `rounds`."""

    seconds: float = 3.0
    rounds: int = 3
    short: bool = False


@dataclass(slots=True)
class Result:
    """All takes of one sender."""

    name: str
    takes: list[Take] = field(default_factory=list)
    served: list[float] = field(default_factory=list)
    """CPU seconds of the server in each."""

    @property
    def rate(self) -> Spread:
        """Messages a second."""
        return Spread.of(take.messages / take.seconds for take in self.takes)

    @property
    def cpu(self) -> Spread:
        """CPU microseconds of the client a message."""
        return Spread.of(take.cpu / take.messages * 1e6 for take in self.takes)

    @property
    def server_cpu(self) -> Spread:
        """CPU microseconds of the server a message."""
        return Spread.of(served / take.messages * 1e6 for served, take in zip(self.served, self.takes, strict=True))

    @property
    def whole_rate(self) -> Spread:
        """Messages a second over the whole command, for those whose takes know its `wall` seconds."""
        return Spread.of(take.messages / take.extra["wall"] for take in self.takes)

    def extra(self, name: str) -> Spread:
        return Spread.of(take.extra[name] for take in self.takes)

    def as_json(self) -> dict[str, object]:
        found: dict[str, object] = {
            "messages": [take.messages for take in self.takes],
            "rate": self.rate.as_json(),
            "cpu_us": self.cpu.as_json(),
            "server_cpu_us": self.server_cpu.as_json(),
        }
        return found | {name: self.extra(name).as_json() for name in self.takes[0].extra}


def contest(sink: Sink, contenders: Sequence[Contender], size: Size) -> dict[str, Result]:
    """Measure them all; results by name. Raises `WrongCount` when a message did not arrive, or one too many."""
    results = {item.name: Result(item.name) for item in contenders}
    counts = {}
    for item in contenders:
        tried, _ = _run(sink, item, item.first, _patience(size.seconds))
        if tried.seconds < _LONG_ENOUGH < size.seconds:
            more = max(item.first, int(tried.messages / tried.seconds * _LONG_ENOUGH))
            tried, _ = _run(sink, item, more, _patience(size.seconds))
        wanted = tried.messages / tried.seconds * size.seconds * item.share
        counts[item.name] = max(item.first, int(wanted))
    for turn in range(size.rounds):
        start = turn % len(contenders)  # nobody always comes after the same one
        for item in (*contenders[start:], *contenders[:start]):
            take, served = _run(sink, item, counts[item.name], _patience(size.seconds))
            results[item.name].takes.append(take)
            results[item.name].served.append(served)
            told = f"{take.messages / take.seconds:>10,.0f}/s  {take.cpu / take.messages * 1e6:>8,.1f} µs"
            print(f"    {item.name:<42}{told}", file=sys.stderr, flush=True)
    return results


def _run(sink: Sink, contender: Contender, messages: int, patience: float) -> tuple[Take, float]:
    before = sink.counts()
    start = time.monotonic()
    take = contender.run(sink, messages, patience)
    after = sink.counts()
    _check(contender.name, messages, take, before, after)
    if time.monotonic() - start > patience:
        raise TimeoutError(f"{contender.name} took {time.monotonic() - start:.0f} s for {messages:,} messages")
    return take, after.cpu - before.cpu


def _check(name: str, messages: int, take: Take, before: Counts, after: Counts) -> None:
    arrived = after.messages - before.messages
    if not messages == take.messages == arrived:
        raise WrongCount(
            f"{name} was to send {messages:,}, says that it sent {take.messages:,}, and {arrived:,} arrived"
        )


def _patience(seconds: float) -> float:
    """Far more than a run should take, and still an end."""
    return 90.0 + 10 * seconds
