"""C8, T-02: a scheduled campaign begins at its time, once; missed times go by what it says about them."""

from __future__ import annotations

import asyncio
import dataclasses
import time
from pathlib import Path

from mailtui.dispatch.attention import Attention
from mailtui.dispatch.missed import lateness, turn_of
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign, NewDelivery
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind, RecurrenceState
from mailtui.outbox.timed_records import Recurrence
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from mailtui.schedule.schedule import Missed, Schedule
from tests.dispatch.bench import House, accepted, address

HOUR = 3_600.0


def once(missed: Missed = Missed.ASK, *, grace: float = HOUR) -> str:
    """What a campaign has on record that goes out once; its time is its `start_at`."""
    return Schedule(at="2026-12-01 09:00", timezone="Europe/Berlin", missed=missed, grace=grace).to_json()


async def missed(house: House, port: int, late: float, schedule: str, *, id: str = "c1") -> Campaign:
    """A campaign of three that was to begin so many seconds ago, launched a day before that."""
    due = time.time() - late
    return await house.launch(3, port, id=id, schedule=schedule, start_at=due, launched_at=due - 24 * HOUR)


async def test_c8_a_runner_stays_for_what_is_scheduled_and_begins_it_at_its_time(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        due = time.time() + 0.6
        campaign = await house.launch(5, server.port, schedule=once(), start_at=due)
        assert campaign.state is CampaignState.SCHEDULED
        await house.send()
        found = await house.reader.campaign(campaign.id)
        assert (found.state, found.start_at) == (CampaignState.FINISHED, due)
        assert found.woke_at is not None and 0 <= found.woke_at - due < 5, "its lateness is on record"
        assert all(row.updated_at >= due for row in (await house.check_books(campaign, server.folder)).values())
        assert len(accepted(server.folder)) == 5


async def test_t02_the_policy_for_missed_times_holds_when_nothing_ran(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        port = server.port
        asks = await missed(house, port, 3 * HOUR, once(), id="c1")
        skips = await missed(house, port, 3 * HOUR, once(Missed.SKIP), id="c2")
        sends = await missed(house, port, HOUR / 2, once(Missed.SEND), id="c3")
        too_late = await missed(house, port, 3 * HOUR, once(Missed.SEND), id="c4")
        hardly = await missed(house, port, 30, once(Missed.SKIP), id="c5")
        await house.send()
        found = {one.id: one for one in await house.reader.campaigns()}
        for asked in (found["c1"], found["c4"]):
            assert (asked.state, asked.held, asked.woke_at) == (CampaignState.PAUSED, True, None)
            assert "3 h" in asked.reason and "ago, and mailtui was not running" in asked.reason
            assert asked.reason.endswith(f"send it now: mailtui resume {asked.id}")
        assert (found["c2"].state, found["c2"].held) == (CampaignState.CANCELLED, False)
        assert "left out" in found["c2"].reason
        assert {row.state for row in (await house.rows(skips)).values()} == {DeliveryState.CANCELLED}
        assert found["c3"].state is found["c5"].state is CampaignState.FINISHED
        both = set(await house.rows(sends)) | set(await house.rows(hardly))
        assert accepted(server.folder) == dict.fromkeys(both, 1)
        await house.order(asks, OrderKind.RESUME)
        await house.send()
        assert await house.state(asks) is CampaignState.FINISHED and await house.state(too_late) is CampaignState.PAUSED
        assert accepted(server.folder) == dict.fromkeys(both | set(await house.rows(asks)), 1)


async def test_c8_what_is_scheduled_obeys_orders_before_its_time(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        later = time.time() + 24 * HOUR
        ids = ("c1", "c2", "c3", "c4")
        now, paused, cancelled, moved = [
            await house.launch(3, server.port, id=id, schedule=once(), start_at=later) for id in ids
        ]
        running = asyncio.create_task(house.send())
        await house.order(now, OrderKind.RESUME)
        top_up = await house.order(moved, OrderKind.TOP_UP)
        await house.order(paused, OrderKind.PAUSE)
        await house.order(cancelled, OrderKind.CANCEL)
        await house.until_state(now, CampaignState.FINISHED)
        await house.until_state(paused, CampaignState.PAUSED)
        await house.until_state(cancelled, CampaignState.CANCELLED)
        assert await house.reader.answer(top_up) == "scheduled", "who was added waits with the others"
        assert not running.done(), "one is to come"
        too_late = await house.order(now, OrderKind.SCHEDULE, at=later)
        await house.add(now.number, range(4, 5))
        added = await house.order(now, OrderKind.SCHEDULE, at=later, added=True)
        again = await house.order(paused, OrderKind.SCHEDULE, at=time.time() + 0.5)
        await house.order(moved, OrderKind.SCHEDULE, at=time.time() + 0.5, schedule=once(Missed.SEND))
        async with asyncio.timeout(30):
            await running
        assert await house.reader.answer(again) == "scheduled"
        assert "its mails have begun" in (await house.reader.answer(too_late) or "")
        assert await house.reader.answer(added) == "sending", "it began while somebody was added"
        states = [await house.state(one) for one in (now, paused, cancelled, moved)]
        done = CampaignState.FINISHED
        assert states == [done, done, CampaignState.CANCELLED, done]
        assert Schedule.from_json((await house.reader.campaign("c4")).schedule).missed is Missed.SEND
        assert len(accepted(server.folder)) == 10 == sum(accepted(server.folder).values())


async def test_t02_the_time_that_a_launch_takes_does_not_count_as_late(house: House) -> None:
    one = await house.launch(1, 9)
    due = 1_000_000.0

    def late(created_at: float, launched_at: float, now: float) -> float:
        launched = dataclasses.replace(one, start_at=due, created_at=created_at, launched_at=launched_at)
        return lateness(launched, now, Attention(now))

    assert late(due - HOUR, due - HOUR, due + 5) == 5, "once, launched an hour before"
    assert late(due - HOUR, due + HOUR, due + HOUR) == 0, "its launch was not through in time"
    assert late(due - HOUR, due + 60, due + 3 * HOUR) == 3 * HOUR - 60, "and nobody was there afterwards"


async def test_t02_what_a_runner_makes_itself_is_late_only_where_it_was_not_there(house: House) -> None:
    one, due = await house.launch(1, 9), 1_800_000_000.0
    made = dataclasses.replace(one, created_at=due + HOUR, launched_at=due + HOUR)
    occurrence = dataclasses.replace(made, start_at=due, recurrence="every1", occurrence_at=due)
    skips = Schedule(at="2027-01-15 08:00", every="1 day", timezone="UTC", missed=Missed.SKIP).to_json()
    active = RecurrenceState.ACTIVE
    recurrence = Recurrence("every1", "", "", "", "{}", skips, due, active, "", "ann", 0.0, None, 0, "[]")
    attention = Attention(due - HOUR)

    def late(since: float, until: float) -> float:
        for at in range(int(since), int(until) + 1, 30):
            attention.look(at)
        return lateness(occurrence, until, attention)

    assert late(due - HOUR, due + 2 * HOUR) == 0, "its list took long to read, or it came behind others"
    assert turn_of(recurrence, due + 2 * HOUR, attention).skipped == ""
    assert late(due - 2 * HOUR, due) == 0, "the clock was put back before it came"
    assert late(due + 3 * HOUR, due + 4 * HOUR) == 3 * HOUR, "the machine slept over it"
    assert turn_of(recurrence, due + 4 * HOUR, attention).skipped.startswith("it was due at Fri 2027-01-15 08:00")
    assert "asleep" in attention.why(due) and "not running" in attention.why(due - 2 * HOUR)
    assert lateness(dataclasses.replace(occurrence, start_at=due + HOUR), due + HOUR + 5, attention) == 5, "put off"


async def test_c8_who_is_due_meanwhile_does_not_wait_for_a_slow_reply_to_another(house: House, tmp_path: Path) -> None:
    slow = FaultRule(Stage.DOT, Action.DELAY, nth=1, seconds=1.5)
    async with SandboxServer(tmp_path / "sandbox", faults=Faults((slow,))) as server:
        campaign = await house.launch(1, server.port, SendPlan(workers=2))
        later = NewDelivery(address(2), 2, address(2), ("Zoé",), due_at=time.time() + 0.5)
        await house.desk.add(campaign.number, [later], now=time.time())
        sending = asyncio.create_task(house.send(scale=1.0))
        counts = await house.until(campaign, lambda counts: counts.queued == 0)
        assert time.time() >= later.due_at and counts.sent == 0, "both are under way, at their time"
        await sending
        assert (await house.counts(campaign)).sent == 2
