"""What a worker makes of a connection's end: told to go, idle for too long, or of no use."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import ProgressSnapshot
from mailtui.sandbox.faults import Action, FaultRule, Stage
from tests.dispatch.bench import House
from tests.dispatch.test_runner import reply, sandbox


async def _snapshot(house: House, campaign: int) -> ProgressSnapshot:
    """The last one, once there is one."""
    while (snapshot := await house.reader.snapshot(campaign)) is None:
        await asyncio.sleep(0.02)
    return snapshot


async def test_a_connection_that_was_told_to_end_is_no_failure(house: House, tmp_path: Path) -> None:
    """The second connection comes when all rows wait for their next attempt: it is let go at once, unused."""
    rules = (
        reply(Stage.RCPT, "451 4.3.0 later", times=3),
        FaultRule(Stage.CONNECT, Action.DELAY, seconds=0.4, connection=2),
    )
    async with sandbox(tmp_path, *rules) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=2))
        task = asyncio.create_task(house.send(scale=0.01))
        await house.until(campaign, lambda counts: counts.deferred == 3)
        async with asyncio.timeout(10):
            while server.counters.connections < 2 or server.counters.open:
                await asyncio.sleep(0.01)
            ended = time.time()
            while (await _snapshot(house, campaign.number)).at < ended:
                await asyncio.sleep(0.02)
        assert (await house.counts(campaign)).deferred == 3, "still waiting"
        assert "no connection" not in (await _snapshot(house, campaign.number)).note
        await task
    assert (await house.counts(campaign)).sent == 3


async def test_a_connection_that_ends_unused_by_itself_is_one(house: House, tmp_path: Path) -> None:
    """The difference: nobody told these to end."""
    async with sandbox(tmp_path, FaultRule(Stage.MAIL, Action.DROP)) as server:
        campaign = await house.launch(3, server.port, SendPlan(workers=2))
        runner = house.runner(scale=0.1, until_idle=False)
        task = asyncio.create_task(runner.run(lambda: None))
        async with asyncio.timeout(10):
            while "no connection" not in (await _snapshot(house, campaign.number)).note:
                await asyncio.sleep(0.02)
        runner.stop()
        await task
    assert (await house.counts(campaign)).queued == 3
