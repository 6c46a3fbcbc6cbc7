"""What a worker makes of a connection's end: told to go, idle for too long, or of no use."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mailtui.dispatch.plan import SendPlan
from mailtui.sandbox.faults import Action, FaultRule, Stage
from tests.dispatch.bench import House
from tests.dispatch.test_runner import reply, sandbox


async def _note(house: House, campaign: int) -> str:
    snapshot = await house.reader.snapshot(campaign)
    return snapshot.note if snapshot is not None else ""


async def test_a_connection_that_was_told_to_end_is_no_failure(house: House, tmp_path: Path) -> None:
    """The second connection comes when all rows wait for their next attempt: it is let go at once, unused."""
    rules = (
        reply(Stage.RCPT, "451 4.3.0 later", times=3),
        FaultRule(Stage.CONNECT, Action.DELAY, seconds=0.4, connection=2),
    )
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=2))
        task = asyncio.create_task(house.send(scale=0.005))
        await house.until(campaign, lambda counts: counts.deferred == 3)
        async with asyncio.timeout(10):
            while server.counters.connections < 2 or server.counters.open:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)  # a snapshot is written meanwhile
        assert "no connection" not in await _note(house, campaign.number)
        await task
    assert (await house.counts(campaign)).sent == 3


async def test_a_connection_that_ends_unused_by_itself_is_one(house: House, tmp_path: Path) -> None:
    """The difference: nobody told these to end."""
    async with sandbox(tmp_path, FaultRule(Stage.MAIL, Action.DROP)) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=2))
        runner = house.runner(scale=0.1, until_idle=False)
        task = asyncio.create_task(runner.run(lambda: None))
        async with asyncio.timeout(10):
            while "no connection" not in await _note(house, campaign.number):
                await asyncio.sleep(0.02)
        runner.stop()
        await task
    assert (await house.counts(campaign)).queued == 3
