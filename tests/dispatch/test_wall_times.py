"""Times of the wall under a runner whose clock is put, and that sleeps (T-02, T-03, T-04): each campaign begins once,
as its schedule says, and nothing is marked outside its hours.

The runner sees the time that Debian's `faketime` makes up; its waits are real.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import signal
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.windows import SendingWindow
from mailtui.errors import OutboxError
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from mailtui.schedule.schedule import Missed, Schedule
from mailtui.schedule.window import Window
from mailtui.smtp.limits import Limits
from tests.dispatch.bench import House, accepted
from tests.dispatch.test_clock import Clock, runner_at
from tests.dispatch.test_scheduled import once

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0
SCHEDULED, FINISHED = CampaignState.SCHEDULED, CampaignState.FINISHED
PAUSED, CANCELLED = CampaignState.PAUSED, CampaignState.CANCELLED


async def _states(house: House, *campaigns: Campaign) -> list[CampaignState]:
    return [await house.state(one) for one in campaigns]


async def test_t03_each_campaign_begins_once_whatever_is_done_to_the_clock(house: House, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    async with SandboxServer(tmp_path / "sandbox") as server, asyncio.timeout(60):

        async def launch(id: str, due_in: float, missed: Missed) -> Campaign:
            return await house.launch(2, server.port, id=id, schedule=once(missed), start_at=time.time() + due_in)

        sends = await launch("c1", 30 * MINUTE, Missed.SEND)
        asks = await launch("c2", 30 * MINUTE, Missed.ASK)
        skips = await launch("c3", 30 * MINUTE, Missed.SKIP)
        later = await launch("c4", 2 * DAY, Missed.ASK)
        asleep = await launch("c5", 3 * DAY, Missed.ASK)
        async with runner_at(house, clock.file) as runner:
            while not await house.reader.runners():
                await asyncio.sleep(0.02)
            for by in (-HOUR, -DAY, DAY - time.time()):  # the last is in 1970
                clock.put(by)
                await asyncio.sleep(0.2)
                assert await _states(house, sends, asks, skips, later, asleep) == [SCHEDULED] * 5
            clock.put(HOUR)
            await house.until_state(skips, CANCELLED)
            await house.until_state(asks, PAUSED)
            await house.until_state(sends, FINISHED)
            assert "and the machine was asleep, or its clock was put" in (await house.reader.campaign("c2")).reason
            for by in (0, HOUR, DAY):  # as somebody who cannot make up his mind
                clock.put(by)
                await asyncio.sleep(0.2)
            assert await _states(house, sends, asks, skips, later, asleep) == [
                FINISHED, PAUSED, CANCELLED, SCHEDULED, SCHEDULED,
            ]  # fmt: skip
            clock.put(2 * DAY + 30)
            await house.until_state(later, FINISHED)
            runner.send_signal(signal.SIGSTOP)  # a laptop that is closed, and opened five days later
            clock.put(8 * DAY)
            runner.send_signal(signal.SIGCONT)
            await house.until_state(asleep, PAUSED)
            assert "5 d 0 h ago" in (await house.reader.campaign("c5")).reason
            assert await runner.wait() == 0, "nothing is left to wait for"
    assert set(accepted(server.folder)) == set(await house.rows(sends)) | set(await house.rows(later))
    assert max(accepted(server.folder).values()) == 1


@pytest.mark.long
@pytest.mark.parametrize("jump", [-1.05, 600.0], ids=["they end", "the clock is put behind their end"])
async def test_t04_nothing_is_marked_outside_the_hours_also_when_the_server_is_slow(
    house: House, tmp_path: Path, jump: float
) -> None:
    clock, zone = Clock(tmp_path / "clock"), "America/New_York"
    hours = Schedule(timezone=zone, window=Window(opens=9 * 60, closes=17 * 60, days=(0, 1, 2, 3, 4))).to_json()
    # A Friday in winter, when New York is five hours behind; it opens again on Monday.
    today = datetime.now(UTC).replace(hour=22, minute=0, second=0, microsecond=0)
    friday = today + timedelta(days=(4 - today.weekday()) % 7 + 7)
    while friday.month not in (12, 1, 2):
        friday += timedelta(days=7)
    closes = friday.timestamp()
    opens = closes + 2 * DAY + 16 * HOUR
    slow = FaultRule(Stage.DATA, Action.DELAY, seconds=1.3)  # what begins in time is answered when it is over
    async with SandboxServer(tmp_path / "sandbox", faults=Faults((slow,))) as server, asyncio.timeout(60):
        plan = SendPlan(workers=3, limits=Limits(per_day=1_000))  # so that marks are counted
        campaign = await house.launch(12, server.port, plan, schedule=hours)
        clock.put(closes - HOUR - time.time())
        async with runner_at(house, clock.file) as runner:
            await house.until(campaign, lambda counts: counts.sent > 2, 30)
            clock.put(closes + jump - time.time())
            await house.until_state(campaign, PAUSED, 30)
            by_then = clock.by
            found = await house.reader.campaign(campaign.id)
            counts = await house.counts(campaign)
            assert (found.held, found.resume_at) == (True, opens)
            assert "sending window closed; opens Mon " in found.reason and "09:00 EST" in found.reason
            assert 0 < counts.sent < 12 and counts.sent + counts.queued == 12, "the others wait, and nothing failed"
            assert counts.sent == sum(accepted(server.folder).values())
            *_, last = [mail.at.timestamp() + by_then for mail in read_captured(server.folder)]
            assert last < closes + max(0.0, jump)
            marks = sum(one.sent for one in await house.reader.sent_since(0.0))
            assert marks == counts.sent, "nobody else was marked"
            order = await house.order(campaign, OrderKind.RESUME)  # by somebody who is in a hurry
            while await house.reader.answer(order) is None:
                await asyncio.sleep(0.02)
            await house.until_state(campaign, PAUSED)
            assert (await house.counts(campaign)).sent == counts.sent
            clock.put(opens - 0.4 - time.time())
            await house.until_state(campaign, FINISHED, 30)
            later = [mail.at.timestamp() + clock.by for mail in read_captured(server.folder)][counts.sent :]
            assert len(later) == 12 - counts.sent and min(later) >= opens
            assert await runner.wait() == 0
    await house.check_books(campaign, server.folder)


async def test_t04_the_last_second_of_the_hours_is_kept_for_marks_that_are_under_way(house: House) -> None:
    now = [0.0]
    nine_to_six = Schedule(timezone="Asia/Kolkata", window=Window(opens=9 * 60, closes=18 * 60))
    campaign = await house.launch(1, 9, schedule=nine_to_six.to_json())
    hours, always = SendingWindow(campaign, lambda: now[0]), dataclasses.replace(campaign, schedule="")
    assert SendingWindow(always, lambda: 0.0).is_open() and SendingWindow(always, lambda: 0.0).closes_in() == math.inf
    nowhere = dataclasses.replace(campaign, schedule=nine_to_six.to_json().replace("Kolkata", "Nowhere"))
    with pytest.raises(OutboxError, match="schedule of c1 cannot be read"):
        SendingWindow(nowhere, time.time)
    opens = datetime(2026, 12, 1, 3, 30, tzinfo=UTC).timestamp()  # 09:00 in Kolkata
    closes = opens + 9 * HOUR
    seen = []
    for at in (opens - 1, opens, closes - 1.1, closes - 1, closes - 0.1, closes, opens + 1, opens + DAY):
        now[0] = at
        seen.append((hours.is_open(), hours.is_past()))
    shut, last, open_ = (False, True), (False, False), (True, False)
    assert seen == [shut, open_, open_, last, last, shut, open_, open_], "also when the clock is put back"
    now[0] = closes - 0.5
    assert hours.opens_at() == opens + DAY and hours.closes_in() == 0.0
    now[0] = opens + 60
    assert hours.closes_in() == 9 * HOUR - 61
    assert hours.opens_at() == now[0], "for one that comes to rest for other hours than these"
    hours.take_over(always)
    now[0] = closes
    assert hours.is_open() and hours.opens_at() == closes


async def test_c8_other_hours_are_taken_over_by_one_that_is_sent_and_by_one_that_waits_for_them(
    house: House, tmp_path: Path
) -> None:
    weekday = datetime.now(UTC).weekday()
    closed, later = (Window(days=((weekday + ahead) % 7,)) for ahead in (3, 4))
    said = [Schedule(timezone="UTC", window=window).to_json() for window in (closed, later)]
    async with SandboxServer(tmp_path / "sandbox") as server, asyncio.timeout(60):
        campaign = await house.launch(10, server.port, SendPlan(workers=1, rate=0.5))
        running = asyncio.create_task(house.runner().run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent == 1)

        async def change(schedule: str) -> str | None:
            order = await house.order(campaign, OrderKind.SET, schedule=schedule)
            while (answer := await house.reader.answer(order)) is None:
                await asyncio.sleep(0.02)
            return answer

        assert await change(Schedule(missed=Missed.SEND).to_json()) == "changed", "no hours, no zone, and none before"
        assert await change(said[0]) == "changed"
        await house.until_state(campaign, PAUSED)
        first = await house.reader.campaign(campaign.id)
        assert "sending window closed; opens " in first.reason and first.resume_at is not None
        assert (await change("{}x") or "").startswith("not changed: The schedule of c1 cannot be read")
        assert await change(said[1]) == "changed"
        second = await house.reader.campaign(campaign.id)
        assert second.resume_at == first.resume_at + DAY and second.reason != first.reason
        await house.order(campaign, OrderKind.SET, rate=None)
        assert await change("{}") == "changed", "no hours any more, and no zone either"
        await house.until_state(campaign, FINISHED)
        await running
    await house.check_books(campaign, server.folder)


async def test_c8_a_schedule_without_hours_and_zone_is_taken_over_by_one_that_waits_for_a_limit(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(1, server.port)
        ledger, now = house.outbox.ledger(), time.time()
        await ledger.set_state(
            campaign.number, PAUSED, actor="runner", now=now, reason="hourly limit", held=True, resume_at=now + HOUR
        )
        ledger.close()
        order = await house.order(campaign, OrderKind.SET, schedule="{}")
        await house.send()
        assert await house.reader.answer(order) == "changed"
        assert await house.state(campaign) is FINISHED
    await house.check_books(campaign, server.folder)


async def test_t04_a_mark_that_the_disk_kept_waiting_until_the_hours_were_over_is_not_used(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = iter([False, False, True, True, True, False, True])
    monkeypatch.setattr(SendingWindow, "is_past", lambda _self: next(late, False))
    all_day = Schedule(timezone="UTC", window=Window()).to_json()
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(20, server.port, SendPlan(workers=2), schedule=all_day)
        await house.send()
    assert next(late, None) is None, "it was asked after every mark"
    assert await house.state(campaign) is FINISHED
    rows = await house.check_books(campaign, server.folder)
    assert {row.state for row in rows.values()} == {"sent"} and {row.attempts for row in rows.values()} == {1}
