"""However a runner or a campaign ends: what the server said is on record, and nobody is left in between."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.faults import Action, FaultRule, Stage
from tests.dispatch.bench import House, accepted
from tests.dispatch.test_runner import sandbox


async def test_s05_replies_that_have_come_are_recorded_though_a_defect_ends_the_runner(
    house: House, tmp_path: Path
) -> None:
    """The outbox is busy while four replies come; the runner breaks then, and gets them in before it goes."""
    async with sandbox(tmp_path, FaultRule(Stage.DOT, Action.DELAY, seconds=0.5)) as server:
        campaign = await house.launch(40, server.port, SendPlan(workers=4))
        running = asyncio.create_task(house.runner().run(lambda: None))
        await house.until(campaign, lambda counts: counts.in_flight == 4)
        other = apsw.Connection(str(house.outbox.path))
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.timeout(10):
            while len(accepted(server.folder)) < 4:
                await asyncio.sleep(0.01)
        await asyncio.sleep(1.5)  # the replies are on their way

        def broken() -> None:
            raise RuntimeError("a defect in a callback")

        asyncio.get_running_loop().call_soon(broken)
        await asyncio.sleep(0.3)
        other.execute("ROLLBACK")
        other.close()
        with pytest.raises(RuntimeError, match="a defect in a callback"):
            await running
    counts = await house.counts(campaign)
    assert (counts.sent, counts.in_flight, counts.unknown) == (4, 0, 0)
    assert sum(accepted(server.folder).values()) == 4


async def test_d13_a_campaign_whose_message_cannot_be_read_can_be_cancelled(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(2_500, server.port)
        await house.desk.put_message(campaign.number, "f" * 64, b"{")
        ledger = house.outbox.ledger()
        await ledger.set_terms(campaign.number, actor="ann", now=0.0, message_digest="f" * 64)
        ledger.close()
        await house.send()
        held = await house.reader.campaign(campaign.id)
        assert (held.state, held.held) == (CampaignState.PAUSED, True)
        assert "cannot be read" in held.reason
        await house.order(campaign, OrderKind.CANCEL)
        await house.send()
    assert await house.state(campaign) is CampaignState.CANCELLED
    counts = await house.counts(campaign)
    assert (counts.cancelled, counts.total) == (2_500, 2_500)
    assert not accepted(server.folder)
