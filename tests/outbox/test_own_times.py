"""What every outbox must hold about recipients' own times that passed (T-02), and about nobody having been there."""

from __future__ import annotations

from mailtui.outbox.records import NewDelivery, Result, RunnerRow
from mailtui.outbox.states import CampaignState, DeliveryState
from mailtui.outbox.timed_records import Passed
from tests.outbox.conftest import T0, Bench, deliveries

S = DeliveryState
HOUR, DAY = 3_600.0, 86_400.0


async def live(bench: Bench, rows: list[NewDelivery]) -> int:
    draft = await bench.draft()
    await bench.desk.add(draft.number, rows, now=T0)
    await bench.desk.go_live(draft.number, actor="ann", now=T0)
    return draft.number


def at(*times: float) -> list[NewDelivery]:
    return [row._replace(due_at=time) for row, time in zip(deliveries(len(times)), times, strict=True)]


async def test_t02_those_have_passed_that_wait_untried_for_a_time_of_their_own(bench: Bench) -> None:
    number = await live(bench, at(0.0, T0 - DAY, T0 + HOUR, T0 + HOUR + 1, T0 + 2 * HOUR, T0 + DAY))
    ledger, until = bench.ledger, T0 + 3 * HOUR
    assert await ledger.own_times_passed(number, T0, until) == Passed(3, T0 + HOUR)
    assert await ledger.own_times_passed(number, 0.0, until) == Passed(3, T0 + HOUR), "one had passed when it was added"
    assert await ledger.own_times_passed(number, T0 + HOUR, until) == Passed(2, T0 + HOUR + 1)
    assert await ledger.own_times_passed(number, T0 + 2 * HOUR, until) is None
    taken = sorted(await ledger.claim(number, 5, now=until, lease=60), key=lambda claim: claim.row)
    assert [claim.row for claim in taken] == [1, 2, 3, 4, 5]
    assert await ledger.own_times_passed(number, T0, until) is None, "a runner has them"
    tried = Result(number, taken[2].id, taken[2].fence, S.CLAIMED, S.DEFERRED, 1, due_at=T0 + HOUR)
    back = Result(number, taken[3].id, taken[3].fence, S.CLAIMED, S.QUEUED, 0, attempt=False)
    await ledger.commit([], [tried, back], [], now=until)
    assert await ledger.own_times_passed(number, T0, until) == Passed(1, T0 + HOUR + 1), "it was given back"
    await ledger.recover(now=until)  # their runner died with the others
    assert await ledger.own_times_passed(number, T0, until) == Passed(2, T0 + HOUR + 1)


async def test_t02_who_is_left_out_is_expired_with_the_reason_and_the_others_wait(bench: Bench) -> None:
    number = await live(bench, at(0.0, T0 + HOUR, T0 + HOUR + 60, T0 + 2 * HOUR, T0 + DAY))
    until, now = T0 + 3 * HOUR, T0 + 4 * HOUR

    async def expire() -> int:
        why = lambda send_at: f"late by {now - send_at:.0f}"  # noqa: E731
        return await bench.ledger.expire(number, T0, until, 2, why, now=now)

    assert [await expire() for _ in range(3)] == [2, 1, 0]
    rows = {row.row: row for row in await bench.reader.deliveries(number)}
    assert {n for n, row in rows.items() if row.state is S.EXPIRED} == {2, 3, 4}
    assert (rows[2].reason, rows[4].reason) == (f"late by {3 * HOUR:.0f}", f"late by {2 * HOUR:.0f}")
    counts = await bench.reader.counts(number)
    assert (counts.queued, counts.expired, counts.total) == (2, 3, 5)
    assert {str(state): n for state, n in (await bench.recount(number)).items()} == {"queued": 2, "expired": 3}
    assert await bench.ledger.next_due(number) == 0


async def test_t02_since_when_nobody_was_there_is_known_until_it_has_been_seen_to(bench: Bench) -> None:
    ledger = bench.ledger

    async def signs_on(id: str, now: float) -> float | None:
        await ledger.sign_on(RunnerRow(id, 1, "here", "0", now, now))
        return await ledger.absent_since()

    assert await signs_on("first", T0) == 0.0, "nobody ever was"
    await ledger.attended()
    assert await ledger.absent_since() is None
    await ledger.commit([], [], [], now=T0 + 60)
    assert await signs_on("killed the first", T0 + DAY) == T0 + 60
    await ledger.sign_off()  # it did not get round to it
    assert await signs_on("third", T0 + 2 * DAY) == T0 + 60
    await ledger.attended()
    await ledger.commit([], [], [], now=T0 + 2 * DAY + 60)
    await ledger.sign_off()
    assert await signs_on("fourth", T0 + 3 * DAY) == T0 + 2 * DAY + 60


async def test_t02_when_a_campaign_last_went_on(bench: Bench) -> None:
    number = await live(bench, at(T0 + HOUR))
    assert await bench.ledger.went_on_at(number) == T0
    for state, now in (
        (CampaignState.PAUSED, T0 + 5),
        (CampaignState.RUNNING, T0 + 9),
        (CampaignState.PAUSED, T0 + 12),
    ):
        await bench.ledger.set_state(number, state, actor="ann", now=now)
    assert await bench.ledger.went_on_at(number) == T0 + 9
