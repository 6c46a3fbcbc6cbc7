"""C9: a campaign that is paused for a time goes on by itself, and its runner stays for that."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.limits import Limits
from tests.dispatch.bench import House, accepted
from tests.dispatch.test_runner import reply
from tests.servers.programs import free_port

_LONG = 3_600.0


async def paused(house: House, port: int, seconds: float, *, id: str = "c1") -> Campaign:
    """A campaign that goes on by itself in so many seconds."""
    campaign = await house.launch(5, port, id=id)
    ledger = house.outbox.ledger()
    at = time.time() + seconds
    why = "451 4.7.500 Server busy"
    await ledger.set_state(
        campaign.number, CampaignState.PAUSED, actor="runner", now=time.time(), reason=why, held=True, resume_at=at
    )
    ledger.close()
    return await house.reader.campaign(campaign.id)


async def test_c9_a_runner_stays_until_a_campaign_goes_on_by_itself_and_leaves_after_it(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await paused(house, server.port, 0.4)
        assert campaign.resume_at is not None
        began = time.time()
        await house.send()
        assert (await house.counts(campaign)).sent == 5 == len(accepted(server.folder))
        assert await house.state(campaign) is CampaignState.FINISHED
        [took] = {row.updated_at >= campaign.resume_at > began for row in (await house.rows(campaign)).values()}
        assert took, "not before its time"


async def test_c9_one_for_a_single_campaign_does_not_stay_and_whoever_pauses_or_resumes_has_the_last_word(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        one = await paused(house, server.port, _LONG)
        async with asyncio.timeout(20):
            await house.runner(only=one.number).run(lambda: None)  # as mailtui run does: it ends, and says so
        assert (await house.reader.campaign(one.id)).resume_at == one.resume_at
        other = await paused(house, server.port, _LONG, id="c2")
        staying = asyncio.create_task(house.runner().run(lambda: None))
        await house.order(one, OrderKind.RESUME)
        await house.until_state(one, CampaignState.FINISHED)
        assert not staying.done(), "it stays for the other one"
        order = await house.order(other, OrderKind.PAUSE)
        async with asyncio.timeout(20):
            await staying
        assert await house.reader.answer(order) == "paused until somebody says go on"
        found = await house.reader.campaign(other.id)
        assert (found.state, found.resume_at, found.held) == (CampaignState.PAUSED, None, False)
        assert len(accepted(server.folder)) == 5


async def test_c9_whoever_pauses_while_a_limit_stops_the_campaign_has_the_last_word(
    house: House, tmp_path: Path
) -> None:
    slowly = FaultRule(Stage.DOT, Action.DELAY, seconds=0.35)
    full = reply(Stage.MAIL, "550 5.4.5 Daily user sending limit exceeded", nth=2)
    async with SandboxServer(tmp_path / "sandbox", faults=Faults((slowly, full))) as server:
        campaign = await house.launch(20, server.port, SendPlan(workers=2))
        running = asyncio.create_task(house.send())
        await asyncio.sleep(0.2)  # it was told by now, and waits for the other reply
        await house.order(campaign, OrderKind.PAUSE)
        async with asyncio.timeout(20):
            await running
    found = await house.reader.campaign(campaign.id)
    assert (found.state, found.resume_at) == (CampaignState.PAUSED, None)


async def test_c9_where_one_account_is_full_another_that_cannot_be_reached_is_tried_again_soon(
    house: House, tmp_path: Path
) -> None:
    dead = Member(Endpoint("acme", "127.0.0.1", free_port(), Security.PLAIN))
    async with SandboxServer(tmp_path / "sandbox") as server:
        full = Member(Endpoint("backup", "127.0.0.1", server.port, Security.PLAIN), limits=Limits(per_hour=10))
        campaign = await house.launch(20, 0, SendPlan(workers=4), members=[dead, full])
        await house.send(scale=0.02, only=campaign)
    found = await house.reader.campaign(campaign.id)
    assert (found.state, found.held) == (CampaignState.PAUSED, True)
    assert found.resume_at is not None and found.resume_at < time.time() + 20, "ten minutes of these, and not an hour"
    assert "acme: nobody answers" in found.reason and "hourly limit of backup reached" in found.reason
