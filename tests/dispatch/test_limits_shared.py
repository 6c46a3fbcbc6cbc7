"""C3: an account's limits are the account's: three campaigns and any number of restarts keep them, and take turns."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign, NewDelivery
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.limits import Limit
from mailtui.sandbox.limits import Limits as ServerLimits
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.limits import Batch, Limits
from tests.dispatch.bench import House
from tests.dispatch.test_crashes import _runner
from tests.dispatch.test_pool import balance, slow


def acme(server: SandboxServer, limits: Limits, connections: int | None = None) -> list[Member]:
    return [Member(Endpoint("acme", "127.0.0.1", server.port, Security.PLAIN), 1, connections, limits)]


async def three(house: House, server: SandboxServer, limits: Limits, size: int) -> list[Campaign]:
    """Campaigns of one account, with 6, 2 and 1 workers."""
    members = acme(server, limits)
    plans = [SendPlan(workers=workers) for workers in (6, 2, 1)]
    return [await house.launch(size, 0, plan, id=f"c{n}", members=members) for n, plan in enumerate(plans, 1)]


def campaign_of(address: str) -> str:
    return address.split("@")[0].split(".")[1]


async def _restarted(house: House, tmp_path: Path, *, per_hour: int, kills: int, seed: int) -> None:
    """Runners that are killed at random, one after the other, until nothing more may go."""
    rng = random.Random(seed)
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaigns = await three(house, server, Limits(rate=40.0, per_hour=per_hour), per_hour // 2)
        for _ in range(kills):
            process = await _runner(house)
            before = server.counters.accepted
            wanted = before + rng.randint(1, max(1, (per_hour - before) // 2))
            async with asyncio.timeout(30):
                while server.counters.accepted < wanted:
                    await asyncio.sleep(0.002)
            process.kill()
            await process.wait()
        runner = house.runner(until_idle=False)
        staying = asyncio.create_task(runner.run(lambda: None))
        for campaign in campaigns:
            await house.until_state(campaign, CampaignState.PAUSED)
        runner.stop()
        await staying
        [slots] = [[slot for slot in await house.reader.sent_since(0) if slot.meter == "acme"]]
        assert sum(slot.sent for slot in slots) == per_hour, "as many as may be, and none more"
        counts = [await house.counts(campaign) for campaign in campaigns]
        done = sum(count.sent + count.unknown for count in counts)
        assert done == per_hour and server.counters.accepted <= per_hour
        for campaign in campaigns:
            await balance(house, campaign, server)
            found = await house.reader.campaign(campaign.id)
            assert found.reason == "hourly limit of acme reached" and found.resume_at is not None
            assert 3_000 < found.resume_at - time.time() < 3_620
        assert all(count.queued > 0 and count.failed == 0 for count in counts)


async def test_c3_three_campaigns_and_restarts_at_random_keep_an_hourly_limit_exactly(
    house: House, tmp_path: Path
) -> None:
    await _restarted(house, tmp_path, per_hour=45, kills=2, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
async def test_c3_three_campaigns_and_many_restarts(house: House, tmp_path: Path, seed: int) -> None:
    await _restarted(house, tmp_path, per_hour=200, kills=8, seed=seed)


async def test_c3_campaigns_that_wait_for_an_account_take_turns_however_many_workers_they_have(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaigns = await three(house, server, Limits(rate=60.0), 20)
        await house.send()
        order = [campaign_of(mail.rcpt_to[0]) for mail in read_captured(server.folder)]
        assert len(order) == 60
        last = max(order.index(campaign.id) for campaign in campaigns)  # all are at it from then on
        took = Counter(order[last : last + 24])
        assert max(took.values()) - min(took.values()) <= 3, took


async def test_c3_a_rate_a_gap_and_a_batch_are_kept_and_nothing_pauses_for_them(house: House, tmp_path: Path) -> None:
    limits = Limits(min_gap=0.02, jitter=0.5, batch=Batch(10, 0.3))
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(25, 0, SendPlan(workers=5), members=acme(server, limits))
        began = time.time()
        await house.send()
        assert (await house.counts(campaign)).sent == 25 and time.time() - began >= 2 * 0.3 + 22 * 0.02
        times = [mail.at.timestamp() for mail in read_captured(server.folder)]
        rests = [after - before for before, after in itertools.pairwise(times) if after - before > 0.25]
        assert len(rests) == 2, "after the tenth and after the twentieth"
        assert server.counters.connections == 1, "more than one is of no use for one mail at a time"


async def test_n09_a_connection_carries_so_many_and_another_one_takes_over(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        plan = SendPlan(workers=3, limits=Limits(per_connection=4, connections=1))
        campaign = await house.launch(18, server.port, plan)
        await house.send()
        await balance(house, campaign, server)
        each = Counter(mail.connection for mail in read_captured(server.folder))
        assert server.counters.peak == 1 and max(each.values()) == 4 and server.counters.connections == 5


async def test_c3_campaigns_share_the_connections_of_an_account(house: House, tmp_path: Path) -> None:
    async def workers(campaign: Campaign, wanted: int) -> None:
        async with asyncio.timeout(20):
            while (now := await house.reader.snapshot(campaign.number)) is None or len(now.workers) != wanted:
                await asyncio.sleep(0.01)

    slowly = FaultRule(Stage.DOT, Action.DELAY, seconds=0.02)
    later = FaultRule(Stage.RCPT, Action.REPLY, reply=b"450 4.2.0 Later\r\n", recipient="*.c3@example.com")
    async with SandboxServer(tmp_path / "sandbox", faults=Faults((slowly, later))) as server:
        members = acme(server, Limits(), connections=3)
        first = await house.launch(2_000, 0, SendPlan(workers=8), id="c1", members=members)
        runner = house.runner(until_idle=False)
        staying = asyncio.create_task(runner.run(lambda: None))
        await workers(first, 3)
        second = await house.launch(2_000, 0, SendPlan(workers=8), id="c2", members=members)
        await workers(second, 1)
        await workers(first, 2)
        async with asyncio.timeout(20):
            while server.counters.open > 3:
                await asyncio.sleep(0.005)
        await house.order(second, OrderKind.CANCEL)
        await workers(first, 3)
        third = await house.launch(2, 0, SendPlan(workers=8), id="c3", members=members)
        await house.until(third, lambda counts: counts.deferred == 2)
        await workers(third, 1)
        await workers(first, 3)  # who has nothing to send for now needs none
        assert await house.state(third) is CampaignState.RUNNING
        runner.stop()
        await staying
        assert (await house.counts(first)).open > 0


async def test_c3_limits_that_are_changed_hold_at_once_for_a_campaign_that_is_under_way(
    house: House, tmp_path: Path
) -> None:
    async with slow(tmp_path / "a") as server:
        campaign = await house.launch(60, 0, SendPlan(workers=2), members=acme(server, Limits(rate=10.0)))
        runner = house.runner(until_idle=False)
        staying = asyncio.create_task(runner.run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent >= 2)
        await house.desk.put_limits({"acme": Limits(per_hour=20).to_json()})
        await house.until_state(campaign, CampaignState.PAUSED)
        assert (server.counters.accepted, (await house.reader.campaign(campaign.id)).reason) == (
            20,
            "hourly limit of acme reached",
        )
        await house.order(campaign, OrderKind.SET, limits=json.loads(Limits(per_hour=30).to_json()))
        await house.desk.put_limits({"acme": Limits().to_json()})
        await house.until(campaign, lambda counts: counts.sent == 50)  # its own, from now on
        await house.until_state(campaign, CampaignState.PAUSED)
        assert (await house.reader.campaign(campaign.id)).reason == "hourly limit of this campaign reached"
        runner.stop()
        await staying


async def test_c3_a_campaign_says_what_it_waits_for_while_its_connections_stay_open(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(6, 0, SendPlan(workers=2), members=acme(server, Limits(batch=Batch(3, 30))))
        runner = house.runner(until_idle=False)
        staying = asyncio.create_task(runner.run(lambda: None))
        async with asyncio.timeout(20):
            while (told := await house.reader.snapshot(campaign.number)) is None or not told.waits_until:
                await asyncio.sleep(0.01)
        assert told.note == "batch of 3 sent" and 20 < told.waits_until - time.time() <= 30
        assert server.counters.accepted == 3 and server.counters.open > 0
        runner.stop()
        await staying


async def test_c3_no_more_mails_to_a_domain_are_under_way_than_its_connections(house: House, tmp_path: Path) -> None:
    slowly = FaultRule(Stage.DOT, Action.DELAY, seconds=0.05)
    one = Limits(per_domain=(("d1.example", Limits(connections=1)),))
    async with SandboxServer(tmp_path / "sandbox", faults=Faults((slowly,))) as server:
        campaign = await house.launch(0, 0, SendPlan(workers=6), members=acme(server, one))
        to = [f"u{n}@d{n % 2}.example" for n in range(20)]
        rows = [NewDelivery(address, n, address, (f"Zoé {n}",)) for n, address in enumerate(to, 1)]
        await house.desk.add(campaign.number, rows, now=time.time())
        await house.send()
        await balance(house, campaign, server)
        times = [
            mail.at.timestamp() for mail in read_captured(server.folder) if mail.rcpt_to[0].endswith("@d1.example")
        ]
        assert len(times) == 10 and server.counters.peak > 1
        assert min(after - before for before, after in itertools.pairwise(sorted(times))) > 0.045


async def test_n09_who_finds_all_connections_with_another_campaign_waits_for_them(house: House, tmp_path: Path) -> None:
    """The server would have one. Who cannot connect at all is given up after eight seconds, here in a tenth of one."""
    slowly = FaultRule(Stage.DOT, Action.DELAY, seconds=0.02)
    one = ServerLimits(connections=Limit(1, b"421 4.7.0 too many connections\r\n"))
    async with SandboxServer(tmp_path / "sandbox", faults=Faults((slowly,), limits=one)) as server:
        members = acme(server, Limits())
        campaigns = [await house.launch(size, 0, id=f"c{size}", members=members) for size in (25, 3)]
        await house.send(scale=0.01, seconds=60)
        for campaign in campaigns:
            assert await house.state(campaign) is CampaignState.FINISHED
            await balance(house, campaign, server)
