"""T-02 for recipients who have times of their own: what passed while nobody was there goes by the campaign's policy,
and what is late for another reason is simply sent.
"""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path

import pytest

from mailtui.outbox.records import Campaign, NewDelivery, RunnerRow
from mailtui.outbox.states import CampaignState, DeliveryState, OrderKind
from mailtui.sandbox.server import SandboxServer
from mailtui.schedule.schedule import Missed, Schedule
from tests.dispatch.bench import House, accepted, address
from tests.dispatch.test_clock import Clock, runner_at
from tests.dispatch.test_scheduled import once

HOUR, DAY = 3_600.0, 86_400.0
FINISHED, PAUSED = CampaignState.FINISHED, CampaignState.PAUSED
SENT, EXPIRED = DeliveryState.SENT, DeliveryState.EXPIRED


def own_times(missed: Missed) -> str:
    return Schedule(timezone="Europe/Berlin", missed=missed, send_at_column="when").to_json()


async def launch(
    house: House, port: int, missed: Missed, *due_in: float, id: str = "c1", start_in: float | None = None
) -> Campaign:
    """One of recipients who are due in so many seconds, launched a day ago."""
    now = time.time()
    start_at = None if start_in is None else now + start_in
    schedule = own_times(missed)
    campaign = await house.launch(0, port, id=id, schedule=schedule, launched_at=now - DAY, start_at=start_at)
    rows = [
        NewDelivery(address(n, id), n, address(n, id), ("Zoé",), due_at=now + due) for n, due in enumerate(due_in, 1)
    ]
    await house.desk.add(campaign.number, rows, now=now - DAY)
    return campaign


async def states(house: House, campaign: Campaign) -> list[DeliveryState]:
    return [row.state for row in sorted((await house.rows(campaign)).values(), key=lambda row: row.row)]


async def test_t02_own_times_that_passed_while_nothing_ran_go_by_the_policy(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        port, passed = server.port, (-3 * HOUR - 9, -3 * HOUR - 9, -1.0, 0.5)
        asks = await launch(house, port, Missed.ASK, *passed, id="c1")
        skips = await launch(house, port, Missed.SKIP, *passed, id="c2")
        sends = await launch(house, port, Missed.SEND, -HOUR / 2, -HOUR / 3, id="c3")
        too_late = await launch(house, port, Missed.SEND, *passed, id="c4")
        await house.send()
        for asked in (asks, too_late):
            found = await house.reader.campaign(asked.id)
            assert (found.state, found.held, found.resume_at) == (PAUSED, True, None)
            assert found.reason.startswith(
                "the times of 2 recipients passed while mailtui was not running, the first at "
            )
            assert ", 3 h 00 min ago; send to them now: mailtui resume " in found.reason
            assert found.reason.endswith(f"leave them out: mailtui resume {found.id} --skip-missed")
            assert set(await states(house, asked)) == {DeliveryState.QUEUED}
        assert await states(house, skips) == [EXPIRED, EXPIRED, SENT, SENT]
        reasons = [row.reason for row in (await house.rows(skips)).values() if row.state is EXPIRED]
        assert reasons == ["its time passed by 3 h 00 min while mailtui was not running"] * 2
        assert await states(house, sends) == [SENT, SENT], "within the grace"
        assert await house.state(skips) is FINISHED and await house.state(sends) is FINISHED

        now, without = [
            await house.order(asks, OrderKind.RESUME), await house.order(too_late, OrderKind.RESUME, skip_missed=True)
        ]  # fmt: skip
        await house.send()
        assert await states(house, asks) == [SENT] * 4 and await states(house, too_late) == [
            EXPIRED,
            EXPIRED,
            SENT,
            SENT,
        ]
        assert await house.reader.answer(now) == "sending"
        assert await house.reader.answer(without) == "sending; 2 recipients left out, whose time had passed"
        for campaign in (asks, skips, sends, too_late):
            await house.check_books(campaign, server.folder)


async def test_t02_who_is_late_for_another_reason_is_not_missed(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        ledger, now = house.outbox.ledger(), time.time()
        await ledger.sign_on(RunnerRow("before", 1, "here", "0", now - DAY, now - 10))
        await ledger.attended()
        slow = await launch(house, server.port, Missed.ASK, -3 * HOUR, id="c1")  # a runner was there until just now
        await ledger.sign_off()
        await house.send()
        assert await house.state(slow) is FINISHED

        paused = await launch(house, server.port, Missed.ASK, -3 * HOUR, id="c2")
        limited = await launch(house, server.port, Missed.SKIP, -3 * HOUR, -HOUR, id="c3")
        resumed_at, held = now - 2 * HOUR, CampaignState.PAUSED
        await ledger.sign_on(RunnerRow("before", 1, "here", "0", now - DAY, now - DAY))
        await ledger.attended()
        await ledger.set_state(paused.number, held, actor="ann", now=now - 4 * HOUR)
        await ledger.set_state(paused.number, CampaignState.RUNNING, actor="ann", now=now - 2 * HOUR)
        await ledger.set_state(limited.number, held, actor="runner", now=now - DAY, held=True, resume_at=resumed_at)
        ledger.close()
        await house.send()
        assert await states(house, paused) == [SENT], "its time came while somebody had it paused"
        assert await states(house, limited) == [SENT, EXPIRED], (
            "the first one waited for the limit, the other for nobody"
        )


async def test_t02_a_scheduled_campaign_that_was_missed_goes_on_with_those_whose_time_is_to_come(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        some = await launch(house, server.port, Missed.SKIP, -3 * HOUR, 0.5, id="c1", start_in=-3 * HOUR)
        none = await launch(house, server.port, Missed.SKIP, -3 * HOUR, -HOUR, id="c2", start_in=-3 * HOUR)
        asks = await launch(house, server.port, Missed.ASK, -3 * HOUR, DAY, id="c3", start_in=-3 * HOUR)
        died = await launch(house, server.port, Missed.SKIP, -3 * HOUR, 0.5, id="c4", start_in=-3 * HOUR)
        ledger, now = house.outbox.ledger(), time.time()
        assert await ledger.expire(died.number, 0.0, now - HOUR, 9, lambda _: "by one that died then", now=now) == 1
        ledger.close()
        await house.send()
        for campaign in (some, died):
            assert await states(house, campaign) == [EXPIRED, SENT] and await house.state(campaign) is FINISHED
        assert await house.state(none) is CampaignState.CANCELLED
        assert (await house.reader.campaign(asks.id)).reason.endswith("mailtui resume c3 --skip-missed")


async def test_t02_many_that_were_missed_keep_no_other_campaign_waiting(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Orders for others are obeyed while they are left out, by the policy as by somebody's word."""
    monkeypatch.setattr("mailtui.dispatch.own_times._STEP", 1)
    async with SandboxServer(tmp_path / "sandbox") as server, asyncio.timeout(60):
        other = await house.launch(1, server.port, id="other", schedule=once(Missed.ASK), start_at=time.time() + DAY)
        many = [-3 * HOUR] * 700
        skips = await launch(house, server.port, Missed.SKIP, *many, 0.5, id="c1", start_in=-3 * HOUR)
        asks = await launch(house, server.port, Missed.ASK, *many, 0.5, id="c2", start_in=-3 * HOUR)
        running = asyncio.create_task(house.runner().run(lambda: None))
        for campaign in (skips, asks):
            if campaign is asks:
                await house.until_state(asks, PAUSED)
                own = await house.order(asks, OrderKind.RESUME, skip_missed=True)
            await house.until(campaign, lambda counts: counts.expired > 0)
            order = await house.order(other, OrderKind.SCHEDULE, at=time.time() + 2 * DAY)
            while await house.reader.answer(order) is None:
                await asyncio.sleep(0.001)
            assert (await house.counts(campaign)).expired < 700, "the beat goes on meanwhile"
            await house.until_state(campaign, FINISHED)
            assert (await house.counts(campaign)).sent == 1
        assert await house.reader.answer(own) == "sending; 700 recipients left out, whose time had passed"
        await house.order(other, OrderKind.CANCEL)
        await running


@pytest.mark.parametrize("state", [CampaignState.RUNNING, FINISHED])
async def test_t02_nobody_is_sent_to_while_it_is_settled_who_is_left_out(
    house: House, tmp_path: Path, state: CampaignState
) -> None:
    """Its runner died, and another one lived until just now; or a launch died that added some to a finished one."""
    async with SandboxServer(tmp_path / "sandbox") as server:
        ledger, now = house.outbox.ledger(), time.time()
        await ledger.sign_on(RunnerRow("before", 1, "here", "0", now - DAY, now - 10))
        await ledger.attended()
        campaign = await launch(house, server.port, Missed.ASK, *[-3 * HOUR] * 1_500, -1.0)
        await ledger.set_state(campaign.number, state, actor="ann", now=now)
        await ledger.sign_off()
        ledger.close()
        order = await house.order(campaign, OrderKind.RESUME, skip_missed=True)
        await house.send()
        counts = await house.counts(campaign)
        assert (counts.sent, counts.expired, await house.state(campaign)) == (1, 1_500, FINISHED)
        assert await house.reader.answer(order) == "sending; 1,500 recipients left out, whose time had passed"


async def test_t02_own_times_that_pass_while_the_machine_sleeps(house: House, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    async with SandboxServer(tmp_path / "sandbox") as server, asyncio.timeout(60):
        asks = await launch(house, server.port, Missed.ASK, 0.0, HOUR, 3 * DAY, id="c1")
        skips = await launch(house, server.port, Missed.SKIP, 0.0, HOUR, 2 * HOUR + 2, id="c2")
        async with runner_at(house, clock.file) as runner:
            for campaign in (asks, skips):
                await house.until(campaign, lambda counts: counts.sent == 1, 30)
            runner.send_signal(signal.SIGSTOP)
            clock.put(2 * HOUR)
            runner.send_signal(signal.SIGCONT)
            await house.until_state(asks, PAUSED)
            reason = (await house.reader.campaign(asks.id)).reason
            assert "the times of 1 recipient passed while the machine was asleep, or its clock was put" in reason
            await house.until(skips, lambda counts: counts.expired == 1)
            await house.until_state(skips, FINISHED)
            assert await runner.wait() == 0
        assert await states(house, asks) == [SENT, DeliveryState.QUEUED, DeliveryState.QUEUED]
        assert await states(house, skips) == [SENT, EXPIRED, SENT]
    assert max(accepted(server.folder).values()) == 1
