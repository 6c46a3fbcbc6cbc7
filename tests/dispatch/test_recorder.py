"""Group commit on a real outbox: many marks in one transaction, a busy and a full one, and nothing lost between."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import apsw
import pytest

from mailtui.dispatch.recorder import Recorder
from mailtui.dispatch.storage import Storage
from mailtui.errors import OutboxBusy, OutboxError, OutboxFull
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import Claim, Mark, ProgressSnapshot, Result, RunnerRow
from mailtui.outbox.states import DeliveryState
from tests.dispatch.bench import House


class Desk:
    """A recorder at work, with what it said."""

    def __init__(self, ledger: Ledger, claims: list[Claim]) -> None:
        self.ledger = ledger
        self.claims = claims
        self.trouble: list[OutboxError | None] = []
        self.answers: dict[int, bool] = {}
        self.commits = 0
        self.recorder = Recorder(ledger, wall=time.time, riders=self._riders, on_trouble=self.trouble.append)

    def _riders(self, now: float) -> Sequence[tuple[int, ProgressSnapshot]]:
        self.commits += 1
        return ()

    def mark(self, claim: Claim) -> None:
        self.recorder.mark(
            Mark(claim.campaign, claim.id, claim.fence), lambda held: self.answers.update({claim.id: held})
        )

    def result(self, claim: Claim, before: DeliveryState, after: DeliveryState) -> None:
        self.recorder.record(Result(claim.campaign, claim.id, claim.fence, before, after, 1))


@asynccontextmanager
async def desk(house: House, size: int) -> AsyncIterator[Desk]:
    campaign = await house.launch(size, 1)
    ledger = house.outbox.ledger()
    await ledger.sign_on(RunnerRow("r", 1, "h", "0", 0.0, 0.0))
    claims = await ledger.claim(campaign.number, size, now=time.time(), lease=60)
    built = Desk(ledger, claims)
    task = asyncio.create_task(built.recorder.run())
    try:
        yield built
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        ledger.close()


async def test_many_marks_and_results_are_one_commit(house: House) -> None:
    async with desk(house, 60) as it:
        for claim in it.claims:
            it.mark(claim)
        assert it.answers == {}, "not before the commit"
        await it.recorder.settle()
        assert it.commits == 1
        assert it.answers == {claim.id: True for claim in it.claims}
        for claim in it.claims[:30]:
            it.result(claim, DeliveryState.IN_FLIGHT, DeliveryState.SENT)
        assert it.commits == 1, "not yet on record"
        await it.recorder.settle()
        assert it.commits == 2
    counts = await house.reader.counts(it.claims[0].campaign)
    assert (counts.sent, counts.in_flight) == (30, 30)


async def test_marks_that_follow_at_once_join_the_commit(house: House) -> None:
    async with desk(house, 9) as it:
        for claim in it.claims[:3]:
            it.mark(claim)
            await asyncio.sleep(0)
        await it.recorder.settle()
        assert it.commits == 1
        assert len(it.answers) == 3


async def test_a_mark_on_what_was_cancelled_does_not_hold(house: House) -> None:
    async with desk(house, 4) as it:
        await it.ledger.cancel_waiting(it.claims[0].campaign, 2, now=time.time())
        for claim in it.claims:
            it.mark(claim)
        await it.recorder.settle()
        assert sorted(it.answers.values()) == [False, False, True, True]
        assert it.trouble == []


async def test_a_busy_outbox_is_asked_again_and_nothing_is_lost(house: House) -> None:
    async with desk(house, 3) as it:
        other = apsw.Connection(str(house.outbox.path))
        other.execute("BEGIN IMMEDIATE")
        it.mark(it.claims[0])
        await asyncio.sleep(0.1)
        it.mark(it.claims[1])
        assert it.answers == {}
        assert it.commits > 3
        assert it.commits < 40, "by a timer, not in a circle"
        other.execute("ROLLBACK")
        other.close()
        await it.recorder.settle()
        assert it.answers == {claim.id: True for claim in it.claims[:2]}
        assert it.trouble == []


async def test_s03_s05_a_full_outbox_answers_marks_no_and_keeps_results(house: House) -> None:
    async with desk(house, 40) as it:
        for claim in it.claims[:20]:
            it.mark(claim)
        await it.recorder.settle()
        connection: apsw.Connection = it.ledger._connection  # type: ignore[attr-defined]
        pages = connection.pragma("page_count")
        connection.pragma("max_page_count", pages)
        # a reply of some size for every row needs pages that there are not
        for claim in it.claims[:20]:
            it.recorder.record(
                Result(
                    claim.campaign,
                    claim.id,
                    claim.fence,
                    DeliveryState.IN_FLIGHT,
                    DeliveryState.FAILED,
                    1,
                    reply="x" * 4000,
                )
            )
        for claim in it.claims[20:]:
            it.mark(claim)
        async with asyncio.timeout(2):
            while len(it.answers) < 40:
                await asyncio.sleep(0.01)
        assert [it.answers[claim.id] for claim in it.claims] == [True] * 20 + [False] * 20
        assert isinstance(it.trouble[0], OutboxFull)
        assert it.recorder.in_trouble
        assert (await house.reader.counts(it.claims[0].campaign)).failed == 0, "results wait until they can be recorded"
        connection.pragma("max_page_count", pages + 1000)
        async with asyncio.timeout(2):
            await it.recorder.settle()
        assert it.trouble[-1] is None
    counts = await house.reader.counts(it.claims[0].campaign)
    assert (counts.failed, counts.claimed) == (20, 20)


async def test_storage_is_patient_and_then_is_not() -> None:
    storage = Storage(patience=0.3, say=print)
    tries = 0

    async def busy() -> str:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise OutboxBusy("x")
        return "done"

    def in_trouble() -> bool:
        return storage.error is not None

    async def full() -> str:
        raise OutboxFull("x", reason="no room")

    assert await storage.patiently(busy) == "done"
    assert not in_trouble()
    started = time.monotonic()
    with pytest.raises(OutboxFull):
        await storage.patiently(full)
    assert time.monotonic() - started > 0.25
    storage.report(None)
    storage.report(OutboxFull("x", reason="the recorder's group did not fit"))
    assert await storage.patiently(busy) == "done"
    assert in_trouble(), "what fits of another's writes says nothing about the recorder's"
    storage.report(None)
    storage.check()
