"""C3: what paused for a limit goes on when that is raised, and says so where somebody resumes it too early."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import AccountRest, Campaign
from mailtui.outbox.states import CampaignState, OrderKind, RestKind
from mailtui.sandbox.server import SandboxServer
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.window import Window
from mailtui.smtp.limits import Limits
from tests.dispatch.bench import House
from tests.dispatch.test_limits_shared import acme

FULL = "hourly limit of acme reached"


@asynccontextmanager
async def running(house: House) -> AsyncIterator[None]:
    runner = house.runner(until_idle=False)
    task = asyncio.create_task(runner.run(lambda: None))
    try:
        yield
    finally:
        runner.stop()
        await task


async def answered(house: House, campaign: Campaign, kind: OrderKind, **arguments: object) -> str:
    order = await house.order(campaign, kind, **arguments)
    async with asyncio.timeout(20):
        while (answer := await house.reader.answer(order)) is None:
            await asyncio.sleep(0.01)
    return answer


async def put(house: House, limits: Limits) -> None:
    await house.desk.put_limits({"acme": limits.to_json()})


async def paused(house: House, campaign: Campaign) -> Campaign:
    """The same, which waits for an hour after what its server said."""
    ledger, now = house.outbox.ledger(), time.time()
    said, ends = "451 4.7.500 Server busy", now + 3600.0
    state = CampaignState.PAUSED
    await ledger.set_state(campaign.number, state, actor="runner", now=now, reason=said, held=True, resume_at=ends)
    ledger.close()
    return await house.reader.campaign(campaign.id)


def pauses(house: House) -> int:
    """How often a campaign paused, as it is on record."""
    connection = apsw.Connection(str(house.outbox.path))
    try:
        [(count,)] = connection.execute("SELECT count(*) FROM event WHERE kind = 'paused'")
    finally:
        connection.close()
    return int(count)


async def test_c3_a_limit_that_is_raised_wakes_what_paused_for_it_and_nothing_else(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        members = acme(server, Limits(per_hour=10))
        other = [dataclasses.replace(members[0], endpoint=dataclasses.replace(members[0].endpoint, account="other"))]
        first = await house.launch(20, 0, id="c1", members=members)
        elsewhere = await paused(house, await house.launch(1, 0, id="c2", members=other))
        stopped = await house.launch(3, 0, id="c3", members=members)
        async with running(house):
            await house.order(stopped, OrderKind.PAUSE)
            await house.until_state(stopped, CampaignState.PAUSED)
            before = (await house.counts(stopped)).sent
            await house.until_state(first, CampaignState.PAUSED)
            await put(house, Limits(per_hour=15))
            await house.until(first, lambda counts: counts.sent == 15 - before)
            await house.until_state(first, CampaignState.PAUSED)
            assert (await house.reader.campaign(first.id)).reason == FULL
            await put(house, Limits())
            await house.until_state(first, CampaignState.FINISHED)
            assert await house.reader.campaign(elsewhere.id) == elsewhere, "by another account"
            assert await house.state(stopped) is CampaignState.PAUSED, "somebody wanted that"


@pytest.mark.parametrize("lived", [True, False], ids=["a runner lives", "nobody was there"])
async def test_c3_a_campaigns_own_limit_that_is_taken_away_wakes_it_and_one_that_was_raised_meanwhile_too(
    house: House, tmp_path: Path, *, lived: bool
) -> None:
    own = SendPlan(workers=2, limits=Limits(per_day=5))
    async with SandboxServer(tmp_path / "sandbox") as server:
        members = acme(server, Limits(per_hour=5) if not lived else Limits())
        campaign = await house.launch(9, 0, own if lived else SendPlan(), members=members)
        async with running(house):
            await house.until_state(campaign, CampaignState.PAUSED)
            if lived:
                more = json.loads(Limits(per_day=7).to_json())
                assert await answered(house, campaign, OrderKind.SET, limits=more) == "changed"
                await house.until(campaign, lambda counts: counts.sent == 7)
                await house.until_state(campaign, CampaignState.PAUSED)
                await answered(house, campaign, OrderKind.SET, limits={})
                await house.until_state(campaign, CampaignState.FINISHED)
        if not lived:
            await put(house, Limits())
            async with running(house):
                await house.until_state(campaign, CampaignState.FINISHED)


async def test_c3_who_resumes_while_a_limit_is_spent_hears_until_when_and_nothing_is_tried(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(12, 0, members=acme(server, Limits(per_hour=10)))
        async with running(house):
            await house.until_state(campaign, CampaignState.PAUSED)
            paused, connections = await house.reader.campaign(campaign.id), server.counters.connections
            said = await answered(house, campaign, OrderKind.RESUME)
            assert said.startswith("it waits, and goes on by itself at ") and said.endswith(FULL)
            assert await house.reader.campaign(campaign.id) == paused and pauses(house) == 1
            await answered(house, campaign, OrderKind.PAUSE)  # a person's own pause has no end
            assert (await house.reader.campaign(campaign.id)).resume_at is None
            assert (await answered(house, campaign, OrderKind.RESUME)).endswith(FULL)
            again = await house.reader.campaign(campaign.id)
            assert again.reason == FULL
            assert again.resume_at == pytest.approx(paused.resume_at, abs=20)
            assert server.counters.connections == connections and server.counters.accepted == 10
            await put(house, Limits(per_hour=11))
            await house.until(campaign, lambda counts: counts.sent == 11)


async def test_c3_an_account_that_waits_for_a_person_wakes_nobody_before_the_others_limit_has_room(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        members = acme(server, Limits(per_hour=2))
        members += [dataclasses.replace(members[0], endpoint=dataclasses.replace(members[0].endpoint, account="spare"))]
        ledger = house.outbox.ledger()
        await ledger.rest_account(AccountRest("spare", None, RestKind.REFUSED, "login refused", time.time() + 60))
        ledger.close()
        campaign = await house.launch(5, 0, members=members)
        async with running(house):
            await house.until_state(campaign, CampaignState.PAUSED)
            before = await house.reader.campaign(campaign.id)
            assert before.reason == f"spare: login refused; {FULL}" and before.resume_at is not None
            assert await answered(house, campaign, OrderKind.SET, retry={"max_attempts": 3}) == "changed"
            after = await house.reader.campaign(campaign.id)
            assert (after.state, after.reason, pauses(house)) == (CampaignState.PAUSED, before.reason, 1)
            assert after.resume_at == pytest.approx(before.resume_at, abs=20)


async def test_c8_who_resumes_outside_its_hours_hears_when_they_open(house: House, tmp_path: Path) -> None:
    closed = Window(days=((datetime.now(UTC).weekday() + 3) % 7,))
    async with SandboxServer(tmp_path / "sandbox") as server:
        schedule = Schedule(timezone="UTC", window=closed).to_json()
        campaign = await house.launch(2, server.port, schedule=schedule)
        async with running(house):
            await house.until_state(campaign, CampaignState.PAUSED)
            said = await answered(house, campaign, OrderKind.RESUME)
            assert "sending window closed; opens " in said and pauses(house) == 1
            resume_at = (await house.reader.campaign(campaign.id)).resume_at
            assert resume_at is not None and resume_at > time.time() + 24 * 3600
    assert server.counters.connections == 0
