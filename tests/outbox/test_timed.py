"""What every outbox must hold about time (C4, R-08): starts to come, own times of recipients, recurrences, clocks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from mailtui.errors import OccurrenceTaken, RecurrenceChanged
from mailtui.outbox.records import Campaign, Claim, Mark, NewDelivery, Result
from mailtui.outbox.states import CampaignState, DeliveryState, RecurrenceState
from mailtui.outbox.timed_records import NewRecurrence
from tests.outbox.conftest import T0, Bench, deliveries, new_campaign

S = DeliveryState
HOUR = 3_600.0
DAY = 24 * HOUR


async def scheduled(bench: Bench, start_at: float, *, id: str = "abcd1234", occurrence: int = 1) -> Campaign:
    draft = await bench.draft(id=id, occurrence=occurrence)
    await bench.desk.add(draft.number, deliveries(2), now=T0)
    await bench.desk.go_live(draft.number, actor="ann", now=T0, start_at=start_at)
    return await bench.reader.campaign(id)


async def live(bench: Bench, rows: list[NewDelivery]) -> int:
    draft = await bench.draft()
    await bench.desk.add(draft.number, rows, now=T0)
    await bench.desk.go_live(draft.number, actor="ann", now=T0)
    return draft.number


def at(rows: list[NewDelivery], *times: float) -> list[NewDelivery]:
    return [row._replace(due_at=time) for row, time in zip(rows, times, strict=True)]


def recurrence(id: str = "rrrrrrrr", *, series: str = "s", next_at: float = T0 + HOUR) -> NewRecurrence:
    return NewRecurrence(id, series, "Spring", "/x/spring", '{"accounts":["acme"]}', '{"cron":"0 9 * * 1"}', next_at)


async def test_r08_a_campaign_that_is_to_begin_later_wakes_once_at_its_time(bench: Bench) -> None:
    late = await scheduled(bench, T0 + DAY)
    soon = await scheduled(bench, T0 + HOUR, id="bbbb2222", occurrence=2)
    assert (soon.state, soon.start_at, soon.woke_at) == (CampaignState.SCHEDULED, T0 + HOUR, None)
    assert await bench.ledger.active_campaigns() == []
    assert [one.id for one in await bench.ledger.to_start()] == [soon.id, late.id]
    assert [one.id for one in await bench.ledger.to_start(T0 + HOUR)] == [soon.id]
    assert await bench.ledger.to_start(T0 + HOUR - 1) == []
    assert await bench.ledger.next_wake() == T0 + HOUR

    for number, state, now in (
        (soon.number, CampaignState.RUNNING, T0 + HOUR + 0.2),
        (late.number, CampaignState.PAUSED, T0 + 2 * DAY),
    ):
        await bench.ledger.set_state(number, state, actor="runner", now=now)
    assert await bench.ledger.to_start() == [] and await bench.ledger.next_wake() is None
    assert [one.id for one in await bench.ledger.active_campaigns()] == [soon.id]
    assert (await bench.reader.campaign(soon.id)).woke_at == T0 + HOUR + 0.2
    assert (await bench.reader.campaign(late.id)).woke_at is None, "one that was missed and waits has not begun"
    await bench.ledger.set_state(late.number, CampaignState.RUNNING, actor="ann", now=T0 + 3 * DAY)
    await bench.ledger.set_state(soon.number, CampaignState.PAUSED, actor="ann", now=T0 + 3 * DAY)
    await bench.ledger.set_state(soon.number, CampaignState.RUNNING, actor="ann", now=T0 + 3 * DAY)
    assert (await bench.reader.campaign(late.id)).woke_at == T0 + 3 * DAY
    assert (await bench.reader.campaign(soon.id)).woke_at == T0 + HOUR + 0.2, "when it began is written once"
    plain = await bench.launch(1, id="cccc3333", occurrence=3)
    await bench.ledger.set_state(plain.number, CampaignState.RUNNING, actor="ann", now=T0)
    assert (await bench.reader.campaign(plain.id)).woke_at is None, "nobody said when it was to begin"


async def test_r08_a_start_is_put_off_until_something_was_claimed(bench: Bench) -> None:
    one = await scheduled(bench, T0 + HOUR)
    assert await bench.ledger.reschedule(one.number, T0 + DAY, actor="ann", now=T0, schedule='{"at":"x"}')
    await bench.ledger.set_state(
        one.number, CampaignState.PAUSED, actor="runner", now=T0, reason="was due", held=True, resume_at=T0 + 5
    )
    assert await bench.ledger.reschedule(one.number, T0 + 2 * DAY, actor="ann", now=T0)
    again = await bench.reader.campaign(one.id)
    assert (again.state, again.start_at, again.schedule) == (CampaignState.SCHEDULED, T0 + 2 * DAY, '{"at":"x"}')
    assert (again.reason, again.held, again.resume_at) == ("", False, None)
    assert await bench.ledger.next_wake() == T0 + 2 * DAY
    await bench.ledger.set_state(one.number, CampaignState.RUNNING, actor="runner", now=T0 + 2 * DAY)
    await bench.ledger.claim(one.number, 1, now=T0 + 2 * DAY, lease=60)
    assert not await bench.ledger.reschedule(one.number, T0 + 3 * DAY, actor="ann", now=T0)
    gone = await scheduled(bench, T0 + HOUR, id="bbbb2222", occurrence=2)
    await bench.ledger.set_state(gone.number, CampaignState.CANCELLED, actor="ann", now=T0)
    assert not await bench.ledger.reschedule(gone.number, T0 + DAY, actor="ann", now=T0)
    assert (await bench.reader.campaign(gone.id)).state is CampaignState.CANCELLED


async def test_c4_who_has_a_time_of_their_own_is_claimed_then_and_counts_as_no_retry(bench: Bench) -> None:
    rows = deliveries(12)
    number = await live(bench, [*rows[:4], *at(rows[4:], *(T0 + HOUR + n for n in range(8)))])
    first = await bench.ledger.claim(number, 99, now=T0, lease=60)
    assert [claim.row for claim in first] == [1, 2, 3, 4], "the others are not due"
    assert await bench.ledger.next_due(number) == await bench.reader.next_due(number) == T0 + HOUR
    assert await bench.reader.next_try(number) is None, "nobody was put off"
    back = [Result(c.campaign, c.id, c.fence, S.CLAIMED, S.QUEUED, 0, attempt=False) for c in first[:2]]
    off = [Result(c.campaign, c.id, c.fence, S.CLAIMED, S.DEFERRED, 1, due_at=T0 + 60) for c in first[2:]]
    await bench.ledger.commit([], back + off, [], now=T0)
    then = await bench.ledger.claim(number, 8, now=T0 + HOUR + 5, lease=60)
    assert sorted(claim.row for claim in then) == [3, 4, *range(5, 11)], "all whose time it is go before who has none"
    rest = await bench.ledger.claim(number, 8, now=T0 + DAY, lease=60)
    assert sorted(claim.row for claim in rest) == [1, 2, 11, 12]
    counts = await bench.reader.counts(number)
    assert (counts.claimed, counts.queued, counts.deferred) == (12, 0, 0)
    assert await bench.reader.next_due(number) is None, "nobody waits"
    assert {str(state): n for state, n in (await bench.recount(number)).items()} == {"claimed": 12}
    shown = await bench.reader.deliveries(number)
    assert [row.send_at for row in shown[:5]] == [0.0, 0.0, 0.0, 0.0, T0 + HOUR]


@pytest.mark.parametrize("limit", [1, 3, 8])
async def test_c4_retries_have_a_quarter_while_others_were_not_tried(bench: Bench, limit: int) -> None:
    number = await live(bench, deliveries(40))
    tried = await bench.ledger.claim(number, 20, now=T0, lease=60)
    off = [Result(c.campaign, c.id, c.fence, S.CLAIMED, S.DEFERRED, 1, due_at=T0 + 60) for c in tried]
    await bench.ledger.commit([], off, [], now=T0)
    taken = await bench.ledger.claim(number, limit, now=T0 + 60, lease=60)
    assert len(taken) == limit
    assert sum(claim.attempts == 1 for claim in taken) == max(1, limit // 4)
    everybody = await bench.ledger.claim(number, 99, now=T0 + 60, lease=60)
    assert len(everybody) == 40 - limit
    assert (await bench.reader.counts(number)).claimed == 40


async def test_c4_own_times_of_several_senders_are_claimed_in_turn(bench: Bench) -> None:
    rows = at(deliveries(8), *(T0 + n for n in range(8)))
    number = await live(bench, [row._replace(bound="a@x.test" if row.row <= 6 else "b@x.test") for row in rows])
    both = ["a@x.test", "b@x.test"]
    assert await bench.ledger.claim(number, 8, now=T0 - 1, lease=60, bounds=both) == []
    taken = await bench.ledger.claim(number, 4, now=T0 + 10, lease=60, bounds=both)
    assert sorted(claim.row for claim in taken) == [1, 2, 7, 8]
    assert len(await bench.ledger.claim(number, 9, now=T0 + 10, lease=60, bounds=["b@x.test"])) == 0
    assert len(await bench.ledger.claim(number, 9, now=T0 + 10, lease=60, bounds=both)) == 4


async def test_r08_pauses_move_with_the_clock_and_times_of_the_wall_do_not(bench: Bench) -> None:
    rows = deliveries(5)
    number = await live(bench, [*rows[:2], *at(rows[2:], T0 + HOUR, T0 + 40 * DAY, T0 + 2)])
    later = await scheduled(bench, T0 + 3 * DAY, id="bbbb2222", occurrence=2)
    assert await bench.desk.put_recurrence(recurrence(next_at=T0 + 9 * DAY), actor="ann", now=T0)
    taken = sorted(await bench.ledger.claim(number, 3, now=T0 + 2, lease=60), key=lambda claim: claim.row)
    assert [claim.row for claim in taken] == [1, 2, 5]
    put_off = Result(number, taken[0].id, taken[0].fence, S.CLAIMED, S.DEFERRED, 1, due_at=T0 + 60)
    no_room = replace_due(taken[1], T0 + 90)
    tried = replace_due(taken[2], T0 + 120)
    await bench.ledger.commit([], [put_off, no_room, tried], [], now=T0 + 2)

    async def due() -> list[float]:
        return [row.due_at - T0 for row in await bench.reader.deliveries(number)]

    for by in (10 * DAY, -10 * DAY, -HOUR, HOUR):
        await bench.ledger.clock_moved(by)
        if by == 10 * DAY:
            assert await due() == [60 + by, 90 + by, HOUR, 40 * DAY, 120 + by]
    assert await due() == [60.0, 90.0, HOUR, 40 * DAY, 120.0]
    waits = await bench.ledger.to_start()
    assert [one.start_at for one in waits] == [T0 + 3 * DAY] and later.id == waits[0].id
    again = await bench.reader.recurrence("rrrrrrrr")
    assert again is not None and again.next_at == T0 + 9 * DAY

    # A clock that was ahead while this was written: no pause lasts for years, and nobody's own time comes sooner.
    await bench.ledger.clock_moved(365 * DAY)
    await bench.ledger.recover(now=T0)
    pauses = await due()
    assert [pauses[n] for n in (2, 3)] == [HOUR, 40 * DAY]
    assert all(0 < pauses[n] < DAY for n in (0, 1, 4))


def replace_due(claim: Claim, due_at: float) -> Result:
    return Result(claim.campaign, claim.id, claim.fence, S.CLAIMED, S.QUEUED, 0, attempt=False, due_at=due_at)


async def test_r08_the_opening_of_a_window_is_a_time_of_the_wall_and_the_end_of_a_limit_is_not(bench: Bench) -> None:
    window = await bench.launch(1)
    limit = await bench.launch(1, id="bbbb2222", occurrence=2)
    for campaign, at_wall in ((window, True), (limit, False)):
        await bench.ledger.set_state(
            campaign.number,
            CampaignState.PAUSED,
            actor="runner",
            now=T0,
            reason="x",
            held=True,
            resume_at=T0 + 4 * DAY if at_wall else T0 + HOUR,
            at_wall=at_wall,
        )
    assert await bench.ledger.next_wake() == T0 + HOUR
    assert [one.id for one in await bench.ledger.to_resume(T0 + HOUR)] == [limit.id]
    await bench.ledger.recover(now=T0)
    assert [one.resume_at for one in await bench.ledger.to_resume()] == [T0 + HOUR, T0 + 4 * DAY], "neither is too late"
    await bench.ledger.clock_moved(2 * HOUR)
    assert [one.resume_at for one in await bench.ledger.to_resume()] == [T0 + 3 * HOUR, T0 + 4 * DAY]
    await bench.ledger.set_state(window.number, CampaignState.RUNNING, actor="runner", now=T0)
    await bench.ledger.set_state(
        window.number, CampaignState.PAUSED, actor="runner", now=T0, resume_at=T0 + HOUR, held=True, reason="x"
    )
    await bench.ledger.clock_moved(HOUR)
    assert [one.resume_at for one in await bench.ledger.to_resume()] == [T0 + 2 * HOUR, T0 + 4 * HOUR]


async def test_c4_a_recurrence_goes_on_by_compare_and_set_and_ends_for_good(bench: Bench) -> None:
    assert await bench.desk.put_recurrence(recurrence(), actor="ann", now=T0)
    assert not await bench.desk.put_recurrence(recurrence("other111"), actor="ann", now=T0), "one for a campaign file"
    assert await bench.desk.put_recurrence(recurrence("other222", series="t", next_at=T0 + 5), actor="ann", now=T0)
    assert await bench.ledger.next_wake() == T0 + 5
    assert [one.id for one in await bench.reader.recurrences()] == ["other222", "rrrrrrrr"]
    assert [one.id for one in await bench.ledger.due_recurrences(T0 + HOUR)] == ["other222", "rrrrrrrr"]
    assert [one.id for one in await bench.ledger.due_recurrences(T0 + HOUR - 1)] == ["other222"]

    async def advance(from_at: float, next_at: float | None, *, ran: bool = True) -> bool:
        return await bench.ledger.advance_recurrence("rrrrrrrr", from_at, next_at, reason="", ran=ran, now=T0)

    assert await advance(T0 + HOUR, T0 + 2 * HOUR)
    assert not await advance(T0 + HOUR, T0 + 2 * HOUR), "one that died after it had gone on does not do so twice"
    assert await advance(T0 + 2 * HOUR, T0 + 3 * HOUR, ran=False)
    found = await bench.reader.recurrence("rrrrrrrr")
    assert found is not None
    assert (found.next_at, found.last_at, found.runs) == (T0 + 3 * HOUR, T0 + HOUR, 1)
    assert (found.name, found.path, found.arguments) == ("Spring", "/x/spring", '{"accounts":["acme"]}')

    paused = RecurrenceState.PAUSED
    assert await bench.desk.change_recurrence("rrrrrrrr", actor="ann", now=T0, state=paused, reason="holiday")
    assert not await advance(T0 + 3 * HOUR, T0 + 4 * HOUR), "nobody goes on who is told to pause"
    assert [one.id for one in await bench.ledger.due_recurrences(math.inf)] == ["other222"]
    active = RecurrenceState.ACTIVE
    assert await bench.desk.change_recurrence(
        "rrrrrrrr", actor="ann", now=T0, state=active, reason="", next_at=T0 + DAY, schedule='{"every":"1 week"}'
    )
    again = await bench.reader.recurrence("rrrrrrrr")
    assert again is not None and (again.state, again.schedule) == (active, '{"every":"1 week"}')
    assert await advance(T0 + DAY, None)
    over = await bench.reader.recurrence("rrrrrrrr")
    assert over is not None and (over.state, over.next_at, over.runs) == (RecurrenceState.ENDED, None, 2)
    assert not await bench.desk.change_recurrence("rrrrrrrr", actor="ann", now=T0, state=active, next_at=T0)
    assert not await bench.desk.change_recurrence("nonesuch", actor="ann", now=T0, state=paused)
    assert await bench.desk.put_recurrence(recurrence("other333"), actor="ann", now=T0), "a new one may follow"
    ended = RecurrenceState.ENDED
    assert await bench.desk.change_recurrence("other333", actor="ann", now=T0, state=ended, next_at=T0)
    over = await bench.reader.recurrence("other333")
    assert over is not None and over.next_at is None


async def test_c4_one_time_of_a_recurrence_is_launched_once_whoever_else_died_at_it(bench: Bench) -> None:
    async def draft(id: str, occurrence: int, time: float = T0 + HOUR) -> Campaign:
        new = replace(new_campaign(id=id, occurrence=occurrence), recurrence="rrrrrrrr", occurrence_at=time)
        made = await bench.desk.create_draft(new, now=T0)
        assert made is not None
        return made

    left = await draft("aaaa1111", 1)  # by a process that was killed in the middle of it
    found = await bench.reader.occurrence("rrrrrrrr", T0 + HOUR)
    assert found is not None and found.state is CampaignState.DRAFT
    one, other = await draft("bbbb2222", 2), await draft("cccc3333", 3)
    await bench.desk.go_live(one.number, actor="runner", now=T0 + HOUR + 1)
    for number in (other.number, left.number):
        with pytest.raises(OccurrenceTaken, match="bbbb2222"):
            await bench.desk.go_live(number, actor="runner", now=T0 + HOUR + 1)
        await bench.desk.discard_draft(number, rows=10)
    found = await bench.reader.occurrence("rrrrrrrr", T0 + HOUR)
    assert found is not None and (found.id, found.state) == ("bbbb2222", CampaignState.RUNNING)
    assert (found.recurrence, found.occurrence_at, found.woke_at) == ("rrrrrrrr", T0 + HOUR, T0 + HOUR + 1)
    following = await draft("dddd4444", 2 + 1, T0 + 2 * HOUR)
    await bench.desk.go_live(following.number, actor="runner", now=T0 + 2 * HOUR)
    assert [one.id for one in await bench.reader.campaigns()] == ["bbbb2222", "dddd4444"]
    assert await bench.reader.occurrence("rrrrrrrr", T0) is None and await bench.reader.occurrence("", T0) is None


async def test_c8_nothing_goes_out_for_a_time_that_a_person_took_back_while_it_was_made(bench: Bench) -> None:
    assert await bench.desk.put_recurrence(recurrence(), actor="ann", now=T0)

    async def goes_live(occurrence: int, at: float = T0 + HOUR) -> bool:
        new = replace(new_campaign(id=f"aaaa111{occurrence}", occurrence=occurrence), recurrence="rrrrrrrr")
        made = await bench.desk.create_draft(replace(new, occurrence_at=at), now=T0 + HOUR)
        assert made is not None
        try:
            await bench.desk.go_live(made.number, actor="runner", now=T0 + HOUR + 1, start_at=at)
        except RecurrenceChanged as error:
            assert "Spring (rrrrrrrr) was paused, ended or put to another time" in error.title
            assert (await bench.reader.campaign(made.id)).state is CampaignState.DRAFT
            return False
        return True

    active, paused, ended = RecurrenceState.ACTIVE, RecurrenceState.PAUSED, RecurrenceState.ENDED
    for occurrence, state, next_at in ((1, paused, None), (2, active, T0 + DAY), (4, ended, None)):
        assert await bench.desk.change_recurrence("rrrrrrrr", actor="ann", now=T0, state=state, next_at=next_at)
        assert not await goes_live(occurrence)
        if state is active:
            assert await goes_live(3, T0 + DAY), "it goes at the other time"


async def test_r08_what_was_in_hand_of_a_runner_that_died_is_due_at_once(bench: Bench) -> None:
    rows = at(deliveries(3), T0 + 1, T0 + 2, T0 + DAY)
    number = await live(bench, rows)
    claims = await bench.ledger.claim(number, 9, now=T0 + 5, lease=60)
    await bench.ledger.commit([Mark(number, claims[0].id, claims[0].fence)], [], [], now=T0 + 5)
    found = await bench.ledger.recover(now=T0 + 9)
    assert (found.requeued, found.unknown) == (1, 1)
    assert [claim.row for claim in await bench.ledger.claim(number, 9, now=T0 + 9, lease=60)] == [2]
    assert await bench.ledger.next_due(number) == T0 + DAY
