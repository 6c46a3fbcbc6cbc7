"""Owns the attack: a sender and its server are killed, stopped, cut off, paused and restarted at random, by a seed.

What happens in what order follows from the seed; at which instant of the sender's work it falls is the machine's mood,
which is why there are so many.
"""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mailtui.smtp.gear import Gear
from proof.campaign import addresses, environment
from proof.children import NEVER, Nursery, Stuck
from proof.judge import UNKNOWN, Verdict, judge, read_accepted, read_report
from proof.post import PostOffice
from proof.senders import Mailtui, Naive, Prey, Sender
from proof.terms import Terms

_FRESH = 0.1  # of the starts are of a Python of their own
_BLIND = 0.15  # of the blows fall without waiting for the sender to be at work: into its start, its recovery
_LINE = 300  # bytes; the server's log grows by more with each message, so that the blows do not outlast the list
_LONGEST_WAIT = 5.0  # seconds until a blow; what is left may be waiting for another attempt
_ROUNDS = 40  # starts that the rest may need once the attack is over
_ENDS = frozenset({0, 2, -signal.SIGKILL, -signal.SIGTERM, None})
"""How a sender may end: well, because an order had started another an instant before (2), killed, or by a SIGTERM that
came before it could listen for one.
"""


class Blow(StrEnum):
    """What befalls a send."""

    KILL = "kill -9"
    TERM = "SIGTERM"
    STOP = "SIGSTOP for a while"
    STOP_KILL = "SIGSTOP, then kill -9"
    PAUSE = "pause and resume"
    CHANGE = "other pace and workers"
    CRASH = "kill -9 of the server"
    RESTART = "restart of the server"
    STALL = "SIGSTOP of the server"


_DEADLY = frozenset({Blow.KILL, Blow.STOP_KILL})


@dataclass(frozen=True, slots=True)
class Attack:
    """How often each blow falls among the others, and which of them are counted until there were enough."""

    weights: Mapping[Blow, int]
    counted: frozenset[Blow]


KILLS = Attack(
    {
        Blow.KILL: 64,
        Blow.STOP_KILL: 6,
        Blow.TERM: 7,
        Blow.STOP: 6,
        Blow.PAUSE: 6,
        Blow.CHANGE: 3,
        Blow.CRASH: 3,
        Blow.RESTART: 2,
        Blow.STALL: 3,
    },
    _DEADLY,
)
"""D-01: mostly kill -9 of the sender."""

PAUSES = Attack({Blow.PAUSE: 60, Blow.KILL: 30, Blow.TERM: 5, Blow.STOP: 5}, frozenset({Blow.PAUSE}))
"""D-12: paused and resumed, with kills in between."""


@dataclass
class Ordeal:
    """What a sender went through, and what the judge said.

    `in_flight` adds up what was marked at the moment of each kill (twice where a runner was killed before it had taken
    stock of the last kill), `most_in_flight` is the most at one. `unknown_by_kill` of the unknown had their runner
    killed, the others lost a reply. `looks` is how often the books were read; they added up each time. `gears` is how
    often the server came with all that a gear needs, and no faster one.
    """

    sender: str
    terms: Terms
    verdict: Verdict
    blows: Counter[Blow] = field(default_factory=Counter)
    kills: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    unknown_by_kill: int = 0
    looks: int = 0
    seconds: float = 0.0
    gears: Counter[Gear] = field(default_factory=Counter)


class Nemesis:
    """One attack on one sender."""

    def __init__(
        self, sender: Sender, post: PostOffice, terms: Terms, dice: random.Random, attack: Attack = KILLS
    ) -> None:
        self._attack = attack
        self._sender = sender
        self._post = post
        self._terms = terms
        self._dice = dice
        self.blows: Counter[Blow] = Counter()
        self.kills = 0
        self.in_flight: list[int] = []
        self.looks = 0

    def attack(self) -> None:
        """Until there were enough blows, or nothing is left to send; then let the rest go, and wait for it."""
        sender = self._sender
        sender.launch()
        prey: Prey | None = None
        while sum(self.blows[blow] for blow in self._attack.counted) < self._terms.blows:
            if prey is None or not prey.running:
                self._see_off(prey)
                if sender.finished:
                    break
                prey = sender.start(fresh=self._dice.random() < _FRESH)
            self._wait_for_work(prey)
            self._strike(prey)
        sender.hurry()
        self._drain(prey)

    def _see_off(self, prey: Prey | None) -> None:
        """Wait for its end."""
        if prey is not None:
            code = prey.wait(10 * NEVER)
            assert code in _ENDS, f"a sender ended with {code}"

    def _drain(self, prey: Prey | None) -> None:
        for _ in range(_ROUNDS):
            self._see_off(prey)
            self._look(dead=True)
            if self._sender.finished:
                return
            prey = self._sender.start(fresh=False)
        raise Stuck(f"it is not finished after {_ROUNDS} starts without a blow")

    def _wait_for_work(self, prey: Prey) -> None:
        """Until the server has accepted this blow's share of the list, so that blows fall all over it."""
        if self._dice.random() < _BLIND:
            time.sleep(self._dice.uniform(0, 0.15))
            return
        enough, deadline = self._post.size + self._share(), time.monotonic() + _LONGEST_WAIT
        while self._post.size <= enough and prey.running and time.monotonic() < deadline:
            time.sleep(0.002)
        time.sleep(self._dice.uniform(0, 0.01))

    def _share(self) -> int:
        """How much the server's log grows until the next blow, in bytes."""
        attack = self._attack
        counted = sum(attack.weights[blow] for blow in attack.counted) / sum(attack.weights.values())
        left = max(0, self._terms.messages * _LINE - self._post.size)
        blows = self._terms.blows - sum(self.blows[blow] for blow in attack.counted)
        return int(min(self._dice.uniform(0, 2) * left * counted / blows, left / 2))

    def _strike(self, prey: Prey) -> None:
        weights = self._attack.weights
        blow = self._dice.choices(list(weights), list(weights.values()))[0]
        done = _BLOWS[blow](self, prey)
        self.blows[blow] += done
        killed = done and blow in _DEADLY
        self._look(dead=killed)
        self.kills += killed

    def _look(self, *, dead: bool) -> None:
        found = self._sender.look(dead=dead)
        self.looks += 1
        if dead:
            self.in_flight.append(found)

    # the blows; each says whether it fell

    def _kill(self, prey: Prey) -> bool:
        if not prey.running:
            return False
        prey.signal(signal.SIGKILL)
        prey.wait()
        return True

    def _term(self, prey: Prey) -> bool:
        prey.signal(signal.SIGTERM)
        prey.wait()
        return True

    def _stop(self, prey: Prey) -> bool:
        prey.signal(signal.SIGSTOP)
        time.sleep(self._dice.uniform(0.05, 0.5))
        prey.signal(signal.SIGCONT)
        return True

    def _stop_kill(self, prey: Prey) -> bool:
        prey.signal(signal.SIGSTOP)
        time.sleep(self._dice.uniform(0.05, 0.3))
        return self._kill(prey)

    def _pause(self, _: Prey) -> bool:
        if not self._sender.pause():
            return False
        resting = self._post.size
        time.sleep(self._dice.uniform(0, 0.2))
        assert self._post.size == resting, "something was sent after the pause was carried out"
        return True

    def _change(self, _: Prey) -> bool:
        return self._sender.change(self._dice)

    def _crash(self, _: Prey) -> bool:
        return self._reopen(signal.SIGKILL)

    def _restart(self, _: Prey) -> bool:
        return self._reopen(signal.SIGTERM)

    def _reopen(self, number: signal.Signals) -> bool:
        self._post.close(number)
        time.sleep(self._dice.uniform(0, 0.2))
        self._post.open()
        return True

    def _stall(self, _: Prey) -> bool:
        self._post.stall(stopped=True)
        time.sleep(self._dice.uniform(0.05, 0.4))
        self._post.stall(stopped=False)
        return True


_BLOWS: dict[Blow, Callable[[Nemesis, Prey], bool]] = {
    Blow.KILL: Nemesis._kill,
    Blow.TERM: Nemesis._term,
    Blow.STOP: Nemesis._stop,
    Blow.STOP_KILL: Nemesis._stop_kill,
    Blow.PAUSE: Nemesis._pause,
    Blow.CHANGE: Nemesis._change,
    Blow.CRASH: Nemesis._crash,
    Blow.RESTART: Nemesis._restart,
    Blow.STALL: Nemesis._stall,
}


def ordeal(folder: Path, terms: Terms, *, attack: Attack = KILLS, naive: bool = False) -> Ordeal:
    """Put a sender through an attack in a new folder, and have it judged."""
    dice = random.Random(terms.seed)
    folder.mkdir(parents=True)
    home, report = folder / "home", folder / "report.jsonl"
    started = time.monotonic()
    with Nursery(folder / "said", environment(home, scale=terms.scale)) as nursery:
        post = PostOffice(nursery, folder / "post", dice, delay=terms.delay)
        post.open()
        terms = terms.at(post.port)
        sender: Sender = Naive(nursery, folder, terms) if naive else Mailtui(nursery, folder, home, terms)
        nemesis = Nemesis(sender, post, terms, dice, attack)
        nemesis.attack()
        sender.report(report)
        post.close()
    rows = read_report(report)
    return Ordeal(
        sender.name,
        terms,
        judge(rows, read_accepted(post.log), audience=addresses(terms.messages)),
        nemesis.blows,
        nemesis.kills,
        sum(nemesis.in_flight),
        max(nemesis.in_flight, default=0),
        sum(row["state"] == UNKNOWN and row["reason"].startswith("the runner stopped") for row in rows),
        nemesis.looks,
        time.monotonic() - started,
        post.gears,
    )
