"""N-09: an account has no more connections than it may, however many campaigns are sent through it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.reach import Reach
from mailtui.dispatch.sharing import Share, Sharing
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.limits import Limit
from mailtui.sandbox.limits import Limits as ServerLimits
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.limits import Limits
from tests.dispatch.bench import House
from tests.dispatch.test_limits_shared import acme, campaign_of
from tests.dispatch.test_pool import balance

_TURNS = 0.003  # of their time: a tenth of a second


def two_at_once(folder: Path, seconds: float) -> SandboxServer:
    """A server that answers each mail after so many seconds, and refuses a third connection."""
    slowly = FaultRule(Stage.DOT, Action.DELAY, seconds=seconds)
    most = ServerLimits(connections=Limit(2, b"421 4.7.0 too many connections\r\n"))
    return SandboxServer(folder / "sandbox", faults=Faults((slowly,), limits=most))


async def test_n09_more_campaigns_than_connections_take_turns_and_never_have_more(house: House, tmp_path: Path) -> None:
    async with two_at_once(tmp_path, 0.01) as server:
        members = acme(server, Limits(), connections=2)
        campaigns = [await house.launch(30, 0, SendPlan(workers=3), id=f"c{n}", members=members) for n in range(4)]
        await house.send(scale=_TURNS, seconds=60)
        assert server.counters.peak == 2, "never one more, not even for a moment"
        order = [campaign_of(mail.rcpt_to[0]) for mail in read_captured(server.folder)]
        for campaign in campaigns:
            assert await house.state(campaign) is CampaignState.FINISHED
            await balance(house, campaign, server)
        last = max(order.index(campaign.id) for campaign in campaigns)
        done = Counter(order[:last])
        assert len(done) == 3 and max(done.values()) < 30, "nobody waits until another one is through"


async def test_n09_who_waits_for_a_connection_says_so_and_pausing_gives_it_back(house: House, tmp_path: Path) -> None:
    async def notes() -> list[str]:
        told = [await house.reader.snapshot(campaign.number) for campaign in campaigns]
        return ["nothing yet" if one is None else one.note for one in told]

    wait = "waits for its turn: other campaigns have all 2 connections of the account"
    async with two_at_once(tmp_path, 0.02) as server:
        members = acme(server, Limits(), connections=2)
        campaigns = [await house.launch(2_000, 0, id=f"c{n}", members=members) for n in range(3)]
        runner = house.runner(until_idle=False)
        staying = asyncio.create_task(runner.run(lambda: None))
        async with asyncio.timeout(20):
            while Counter(now := await notes()) != {"": 2, wait: 1}:
                await asyncio.sleep(0.01)
        last, first = campaigns[now.index(wait)], campaigns[now.index("")]
        assert (await house.counts(last)).sent == 0
        await house.order(first, OrderKind.PAUSE)
        await house.until(last, lambda counts: counts.sent > 0)
        assert server.counters.peak == 2
        runner.stop()
        await staying


async def test_n09_the_time_in_which_others_have_the_connection_says_nothing_of_the_server() -> None:
    told, counts = Reach(scale=0.01), Reach(scale=0.01)
    assert not told.failed("421 later") and not counts.failed("421 later")
    since = asyncio.get_running_loop().time()
    await asyncio.sleep(0.1)  # ten seconds, and eight are enough to give up
    told.waited(asyncio.get_running_loop().time() - since)
    assert not told.failed("421 later") and counts.failed("421 later")


class Tenant:
    """Who has a connection that ends when it is told to."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.wants_connection = True
        self.finished = 0

    def finish(self) -> None:
        self.finished += 1


async def test_n09_a_place_goes_round_and_not_to_who_does_not_want_it_any_more() -> None:
    told: list[str] = []
    sharing = Sharing(told.append, scale=0.0)
    tenants = [Tenant(sharing.share("acme", f"c{n}", 1)) for n in range(4)]
    for tenant in tenants:
        tenant.share.join()
    first, second, third, fourth = tenants
    assert await first.share.take(first)
    waiting = [asyncio.create_task(tenant.share.take(tenant)) for tenant in (second, third, fourth)]
    async with asyncio.timeout(5):
        while not first.finished:
            await asyncio.sleep(0.001)
    second.wants_connection = False
    waiting[1].cancel()
    first.share.give_back(first)
    await asyncio.wait(waiting)
    assert (waiting[0].result(), waiting[1].cancelled(), waiting[2].result()) == (False, True, True)
    assert not fourth.finished, "nobody waits"
    fourth.share.give_back(fourth)
    assert await third.share.take(third)
    third.share.give_back(third)
    for tenant in tenants:
        tenant.share.leave()
    await asyncio.sleep(0)
    assert not first.share.is_shared and set(told) == {"acme"}


async def test_n09_whose_server_says_nothing_keeps_its_place_and_the_next_one_gives_up_its_own() -> None:
    sharing = Sharing(scale=_TURNS / 10)
    tenants = [Tenant(sharing.share("acme", f"c{n}", 2)) for n in range(3)]
    for tenant in tenants:
        tenant.share.join()
    silent, other, waits = tenants
    assert await silent.share.take(silent) and await other.share.take(other)
    turn = asyncio.create_task(waits.share.take(waits))
    async with asyncio.timeout(5):
        while not silent.finished:
            assert not other.finished, "one place is waited for, and one is asked for"
            await asyncio.sleep(0.001)
        while not other.finished:
            await asyncio.sleep(0.001)
    other.share.give_back(other)
    assert await turn
