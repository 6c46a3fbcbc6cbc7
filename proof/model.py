"""Owns the state machine (Q-04): launches, pauses, resumes, cancels, kills and crashes of the server in any order, on a
real outbox with real runners and a real server, held against what must be true after each step.

Hypothesis chooses the steps. Orders are written as a face writes them; the runner is `mailtui runner` in a process that
SIGKILL ends. The judge's two sources, the server's log and the outbox as a reader sees it, are compared all the time.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mailtui.dispatch.plan import SendPlan
from mailtui.message.frozen import MessageSource
from mailtui.message.templates import TemplateText
from mailtui.outbox.copies import copy_key
from mailtui.outbox.opening import Outbox, parse_outbox
from mailtui.outbox.records import Campaign, NewCampaign, NewDelivery
from mailtui.outbox.states import OPEN_STATES, CampaignState, DeliveryState, OrderKind
from mailtui.smtp.endpoint import Endpoint, Security
from proof.campaign import environment
from proof.children import Child, Nursery, Stuck
from proof.judge import read_accepted
from proof.post import PostOffice

_SCALE = 0.004
_TEXT = "Hello {{ name }}\n"
_CAMPAIGNS = 3
_AT_WORK = 1.0  # seconds within which something arrives, if anything does
_ROUNDS = 40
_ARRIVED = frozenset({DeliveryState.SENT, DeliveryState.UNKNOWN, DeliveryState.IN_FLIGHT})
_FINAL = frozenset(DeliveryState) - OPEN_STATES
_ORDERS = (OrderKind.PAUSE, OrderKind.RESUME, OrderKind.PAUSE, OrderKind.RESUME, OrderKind.CANCEL)
_RESTS = (CampaignState.FINISHED, CampaignState.CANCELLED)


def _copies(row: NewDelivery, number: int) -> list[NewDelivery]:
    """So many copies of somebody's mail, each to an address of its own."""
    to = [f"copy{n}.{row.address}" for n in range(number)]
    return [row._replace(key=copy_key(row.key, who), address=who, copy_of=(row.key, row.address)) for who in to]


@dataclass
class Tally:
    """What was done over all runs."""

    runs: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    accepted: int = 0


@dataclass
class World:
    """What all runs share: the nursery and one server."""

    folder: Path
    nursery: Nursery
    post: PostOffice
    tally: Tally = field(default_factory=Tally)


@dataclass
class Launched:
    """The model of one campaign: what is known of it whatever the runner does."""

    campaign: Campaign
    addresses: frozenset[str]
    suppressed: frozenset[str]
    cancelled: bool = False
    final: dict[str, DeliveryState] = field(default_factory=dict)
    marked: set[str] = field(default_factory=set)  # in flight when a runner was killed


class Sends(RuleBasedStateMachine):
    """One outbox; `world` is set before the runs."""

    world: World

    def __init__(self) -> None:
        super().__init__()
        self.launched: list[Launched] = []
        self.runner: Child | None = None

    @initialize()
    def open(self) -> None:
        self.world.tally.runs += 1
        self.number = self.world.tally.runs
        folder = self.world.folder / f"{self.number}"
        self.outbox: Outbox = parse_outbox(f"sqlite:///{folder}/outbox.db")
        self.desk = self.outbox.desk()
        self.reader = self.outbox.reader()
        self.log_before = self.world.post.size

    # steps

    @precondition(lambda self: len(self.launched) < _CAMPAIGNS)
    @rule(size=st.integers(1, 40), suppressed=st.integers(0, 4), copies=st.integers(0, 2), workers=st.integers(1, 4))
    def launch(self, size: int, suppressed: int, copies: int, workers: int) -> None:
        self._did("launch")
        id = f"r{self.number}c{len(self.launched)}"
        rows = [
            NewDelivery(a := f"p{n}.{id}@example.com", n, a, ("Zoë",), "on a list" if n <= suppressed else "")
            for n in range(1, size + 1)
        ]
        rows = [mail for row in rows for mail in (row, *_copies(row, copies))]
        campaign = asyncio.run(self._launch(id, rows, SendPlan(workers=workers)))
        everybody = frozenset(row.address for row in rows)
        self.launched.append(Launched(campaign, everybody, frozenset(row.address for row in rows if row.suppressed)))

    async def _launch(self, id: str, rows: list[NewDelivery], plan: SendPlan) -> Campaign:
        source = MessageSource("News <news@acme.test>", "Hi", TemplateText("text", _TEXT), None, campaign=id)
        to = Endpoint("acme", "127.0.0.1", self.world.post.port, Security.PLAIN)
        draft = await self.desk.create_draft(
            NewCampaign(
                id, id, 1, id, source.digest, source.to_json().encode(), to.to_json(), plan.to_json(), ("name",),
                "list.csv", "", b"secret",
            ),
            now=time.time(),
        )  # fmt: skip
        assert draft is not None
        await self.desk.add(draft.number, rows, now=time.time())
        await self.desk.go_live(draft.number, actor="ann", now=time.time())
        return await self.reader.campaign(id)

    @precondition(lambda self: self.launched)
    @rule(milliseconds=st.integers(0, 120))
    def send(self, milliseconds: int) -> None:
        self._start()
        time.sleep(milliseconds / 1000)

    @precondition(lambda self: self.launched)
    @rule(milliseconds=st.integers(0, 120))
    def kill(self, milliseconds: int) -> None:
        self._start()
        self._kill(milliseconds / 1000)

    @precondition(lambda self: self.launched)
    @rule(milliseconds=st.integers(0, 20))
    def kill_at_work(self, milliseconds: int) -> None:
        """As soon as something has arrived, if anything does."""
        self._start()
        before, deadline = self.world.post.size, time.monotonic() + _AT_WORK
        while self.world.post.size <= before and self._alive() and time.monotonic() < deadline:
            time.sleep(0.002)
        self._kill(milliseconds / 1000)

    def _kill(self, seconds: float) -> None:
        self._did("kill -9")
        time.sleep(seconds)
        self._end(signal.SIGKILL)
        for item in self.launched:
            item.marked |= {who for who, state in self._rows(item).items() if state is DeliveryState.IN_FLIGHT}

    @precondition(lambda self: self.runner is not None)  # the same at a replay, unlike whether it still runs
    @rule()
    def leave(self) -> None:
        self._did("SIGTERM")
        self._end(signal.SIGTERM)

    @precondition(lambda self: self.launched)
    @rule(which=st.integers(0, _CAMPAIGNS - 1), kind=st.sampled_from(_ORDERS))
    def order(self, which: int, kind: OrderKind) -> None:
        self._did(kind)
        item = self.launched[which % len(self.launched)]
        item.cancelled |= kind is OrderKind.CANCEL
        self._order(item, kind)

    @precondition(lambda self: self.launched)
    @rule(number=st.sampled_from([signal.SIGKILL, signal.SIGTERM]))
    def crash(self, number: signal.Signals) -> None:
        self._did("server ends")
        self.world.post.close(number)
        self.world.post.open()

    # what must be true after each

    @invariant()
    def books(self) -> None:
        before = self._arrived()
        found = [(item, self._rows(item)) for item in self.launched]
        after = self._arrived()
        assert max(after.values(), default=0) <= 1, f"got it twice: {after.most_common(3)}"
        for item, rows in found:
            assert rows.keys() == item.addresses
            for who, state in rows.items():
                assert state is not DeliveryState.SENT or after[who], f"{who} is sent and did not arrive"
                assert not before[who] or state in _ARRIVED, f"{who} arrived and is {state}"
                assert (who in item.suppressed) == (state is DeliveryState.SUPPRESSED)
                assert item.final.setdefault(who, state) is state if state in _FINAL else who not in item.final
                assert who not in item.marked or state in (DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN)
                assert item.cancelled or state is not DeliveryState.CANCELLED
            counts = asdict(asyncio.run(self.reader.counts(item.campaign.number)))
            assert sum(counts.values()) == len(rows)

    def teardown(self) -> None:
        """Let everything come to its end, and look for the last time."""
        try:
            for _ in range(_ROUNDS):
                if not self._drained():
                    self._start()
                    assert self.runner is not None
                    code = self.runner.wait()
                    assert code == 0, f"the runner ended with {code}: {self.runner.err.read_text()[-2000:]}"
                self.books()
                if self._drained():
                    break
            else:
                stuck = [
                    (asyncio.run(self.reader.campaign(item.campaign.id)), self._rows(item)) for item in self.launched
                ]
                raise Stuck(f"not at rest after {_ROUNDS} starts: {stuck}")
            for item in self.launched:
                rows = self._rows(item)
                assert not OPEN_STATES & set(rows.values())
                self.world.tally.states.update(rows.values())
            self.world.tally.accepted += self._arrived().total()
        finally:
            if self._alive():
                self._end(signal.SIGKILL)
            if hasattr(self, "desk"):
                self.desk.close()
                self.reader.close()

    # small parts

    def _did(self, step: str) -> None:
        self.world.tally.steps[str(step)] += 1

    def _alive(self) -> bool:
        return self.runner is not None and self.runner.running

    def _start(self) -> None:
        if not self._alive():
            self._did("start")
            arguments = ["runner", "--until-idle", "--outbox", self.outbox.url]
            self.runner = self.world.nursery.start("mailtui.__main__", arguments)

    def _end(self, number: signal.Signals) -> None:
        assert self.runner is not None
        self.runner.signal(number)
        code = self.runner.wait()
        assert code in (0, -number), f"the runner ended with {code}: {self.runner.err.read_text()[-2000:]}"
        self.runner = None

    def _order(self, item: Launched, kind: OrderKind) -> None:
        asyncio.run(self.desk.order(item.campaign.number, kind, {}, actor="ann", now=time.time()))

    def _drained(self) -> bool:
        """Whether all campaigns are at rest; what is paused is told to go on."""
        rests = True
        for item in self.launched:
            state = asyncio.run(self.reader.campaign(item.campaign.id)).state
            if state not in _RESTS:
                rests = False
                if state is CampaignState.PAUSED and not self._alive():
                    self._order(item, OrderKind.RESUME)
        return rests

    def _rows(self, item: Launched) -> dict[str, DeliveryState]:
        page = asyncio.run(self.reader.deliveries(item.campaign.number))
        return {row.address: row.state for row in page}

    def _arrived(self) -> Counter[str]:
        """Who got how many, in this run."""
        return Counter(item.recipient for item in read_accepted(self.world.post.log, start=self.log_before))


def run_model(folder: Path, *, runs: int, steps: int, seed: int) -> Tally:
    """So many runs of up to so many steps each. Raises `AssertionError` with the steps that led to what is wrong."""
    with Nursery(folder / "said", environment(folder / "home", scale=_SCALE)) as nursery:
        post = PostOffice(nursery, folder / "post", random.Random(seed), delay=0.03, strength=2.0)
        post.open()
        machine: Any = hypothesis.seed(seed)(type("Sends", (Sends,), {"world": World(folder, nursery, post)}))
        quiet = settings(
            max_examples=runs,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        run_state_machine_as_test(machine, settings=quiet)
        post.close()
    tally: Tally = machine.world.tally
    return tally
