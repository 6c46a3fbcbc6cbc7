"""Owns what is put on record about prebuilt mail while it is sent: nothing, what the product records, or what a naive
program would.

Only benchmarks send without an outbox, or commit twice a message; the product knows neither.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from mailtui.dispatch.recorder import Recorder
from mailtui.errors import OutboxError
from mailtui.outbox.opening import parse_outbox, sqlite_url
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import Claim, Mark, NewCampaign, NewDelivery, Result, RunnerRow
from mailtui.outbox.states import DeliveryState
from mailtui.smtp.verdict import Verdict

_CLAIM = 500
_LEASE = 1800.0
_TIDY_EVERY = 0.25  # seconds, as the runner does

RECORDS = ("none", "group", "each")
"""nothing; marks and results in group commits, as the product does; a commit for every mark and every result"""


class Books(Protocol):
    """Hands out claims, and takes marks and results."""

    def next(self) -> Any | None:
        """The next claim, or None when none is left, or at hand."""
        ...

    def mark(self, claim: Any, answer: Callable[[bool], None]) -> None: ...
    def sent(self, claim: Any, verdict: Verdict) -> None: ...
    async def settle(self) -> None:
        """Wait until all of it is durable."""
        ...


@asynccontextmanager
async def books(
    kind: str, folder: Path, count: int, *, gathers: bool, more: Callable[[], None]
) -> AsyncIterator[Books]:
    """The books of `count` messages. `gathers`: marks are answered when the loop comes round, not at once; `more` is
    called when there are claims again.
    """
    if kind == "none":
        yield NoBooks(count, gathers=gathers)
        return
    outbox = parse_outbox(sqlite_url(folder / "outbox.db"))
    desk = outbox.desk()
    draft = await desk.create_draft(_campaign(), now=time.time())
    assert draft is not None
    await desk.add(draft.number, _deliveries(count), now=time.time())
    await desk.go_live(draft.number, actor="benchmark", now=time.time())
    desk.close()
    ledger = outbox.ledger()
    now = time.time()
    await ledger.sign_on(RunnerRow("benchmark", 1, "localhost", "0", now, now))
    own = Outbox(ledger, draft.number, more) if kind == "group" else TwoCommits(ledger, draft.number, more)
    tasks = [asyncio.create_task(own.keep()), asyncio.create_task(own.claim())]
    try:
        await own.ready.wait()
        yield own
        counts = await ledger.counts(draft.number)
        if counts.sent != count:
            raise RuntimeError(f"{count} were sent, and the outbox has {counts}")
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        ledger.close()
    for error in ended:
        if not isinstance(error, asyncio.CancelledError) and isinstance(error, BaseException):
            raise error


class NoBooks:
    """Nothing is remembered."""

    def __init__(self, count: int, *, gathers: bool) -> None:
        self._left = iter(range(count))
        self._gathers = gathers
        self._waiting: list[Callable[[bool], None]] = []
        self._loop = asyncio.get_running_loop()

    def next(self) -> int | None:
        return next(self._left, None)

    def mark(self, claim: int, answer: Callable[[bool], None]) -> None:  # noqa: ARG002 - others record it
        if not self._gathers:
            answer(True)  # noqa: FBT003 - the callback's one argument
            return
        if not self._waiting:
            self._loop.call_soon(self._answer)
        self._waiting.append(answer)

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer(True)  # noqa: FBT003

    def sent(self, claim: int, verdict: Verdict) -> None:
        pass

    async def settle(self) -> None:
        pass


class Outbox:
    """The product's outbox: claims ahead, marks and results in group commits, synchronous=FULL."""

    def __init__(self, ledger: Ledger, campaign: int, more: Callable[[], None]) -> None:
        self.ready = asyncio.Event()
        self._ledger = ledger
        self._campaign = campaign
        self._more = more
        self._waiting: deque[Claim] = deque()
        self._low = asyncio.Event()
        self._low.set()
        self._recorder = Recorder(ledger, wall=time.time, riders=lambda _: (), on_trouble=self._trouble)

    def next(self) -> Claim | None:
        if len(self._waiting) < _CLAIM // 2:
            self._low.set()
        return self._waiting.popleft() if self._waiting else None

    def mark(self, claim: Claim, answer: Callable[[bool], None]) -> None:
        self._recorder.mark(Mark(claim.campaign, claim.id, claim.fence), answer)

    def sent(self, claim: Claim, verdict: Verdict) -> None:
        self._recorder.record(_result(claim, verdict))

    async def settle(self) -> None:
        await self._recorder.settle()

    async def keep(self) -> None:
        """Commit, and keep the log short, for ever."""
        tidying = asyncio.create_task(self._tidy())
        try:
            await self._recorder.run()
        finally:
            tidying.cancel()

    async def claim(self) -> None:
        """Claim ahead until none is left."""
        while True:
            await self._low.wait()
            self._low.clear()
            claims = await self._ledger.claim(self._campaign, _CLAIM, now=time.time(), lease=_LEASE)
            self._waiting.extend(claims)
            self.ready.set()
            if not claims:
                return
            self._more()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY_EVERY)
            self._ledger.tidy()

    def _trouble(self, error: OutboxError | None) -> None:
        if error is not None:
            raise error


class TwoCommits(Outbox):
    """The same outbox with a transaction for every mark, and another one for every result."""

    def __init__(self, ledger: Ledger, campaign: int, more: Callable[[], None]) -> None:
        super().__init__(ledger, campaign, more)
        self._todo: asyncio.Queue[tuple[list[Mark], list[Result], Callable[[bool], None] | None]] = asyncio.Queue()

    def mark(self, claim: Claim, answer: Callable[[bool], None]) -> None:
        self._todo.put_nowait(([Mark(claim.campaign, claim.id, claim.fence)], [], answer))

    def sent(self, claim: Claim, verdict: Verdict) -> None:
        self._todo.put_nowait(([], [_result(claim, verdict)], None))

    async def settle(self) -> None:
        await self._todo.join()

    async def keep(self) -> None:
        tidying = asyncio.create_task(self._tidy())
        try:
            while True:
                marks, results, answer = await self._todo.get()
                held = await self._ledger.commit(marks, results, [], now=time.time())
                if answer is not None:
                    answer(held[0])
                self._todo.task_done()
                await asyncio.sleep(0)  # what came meanwhile is read, as where a commit runs in a thread
        finally:
            tidying.cancel()


def _result(claim: Claim, verdict: Verdict) -> Result:
    return Result(
        claim.campaign,
        claim.id,
        claim.fence,
        DeliveryState.IN_FLIGHT,
        DeliveryState.SENT,
        1,
        stage=verdict.stage,
        code=verdict.code,
        enhanced=verdict.enhanced,
        reply=verdict.text,
    )


def _campaign() -> NewCampaign:
    return NewCampaign(
        id="benchmark",
        series="benchmark",
        occurrence=1,
        name="Benchmark",
        message_digest=hashlib.sha256(b"").hexdigest(),
        message=b"",
        endpoint="{}",
        plan="{}",
        columns=("email", "name"),
        source="list.csv",
        filter="",
        secret=b"secret",
    )


def _deliveries(count: int) -> Iterator[NewDelivery]:
    for number in range(1, count + 1):
        address = f"p{number}@example.com"
        yield NewDelivery(address, number, address, (address, f"Zoë {number}"))
