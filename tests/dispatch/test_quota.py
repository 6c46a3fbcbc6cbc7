"""C9: an account's limit is never exceeded, and an account that rests is used again when its time has come."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import apsw

from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.quota import MINUTE, Usage
from mailtui.dispatch.standing import Standing
from mailtui.outbox.states import CampaignState, OrderKind, RestKind
from mailtui.sandbox.limits import Limits, Quota
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.endpoint import Endpoint, Security
from tests.dispatch.bench import House
from tests.dispatch.test_pool import account, balance, slow

_HOUR = 61  # minutes, after which a mail counts no more


async def test_c9_both_at_their_quota_pause_and_go_on_in_the_next_window(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "a") as one, SandboxServer(tmp_path / "b") as other:
        members = [account("acme", one, per_hour=20), account("backup", other, per_hour=30, per_day=25)]
        campaign = await house.launch(80, 0, SendPlan(workers=6), members=members)
        began = time.time()
        await house.send(only=campaign)
        assert (one.counters.accepted, other.counters.accepted) == (20, 25), "so many, and no more"
        paused = await house.reader.campaign(campaign.id)
        assert (paused.state, paused.held) == (CampaignState.PAUSED, True)
        assert "acme and backup are at their quota" in paused.reason
        assert paused.resume_at is not None and began + 3_600 <= paused.resume_at <= time.time() + _HOUR * MINUTE
        await house.order(campaign, OrderKind.RESUME)
        await house.send(only=campaign)  # a person may want it, and a quota is one all the same, over restarts too
        assert (one.counters.accepted, other.counters.accepted) == (20, 25)
        _let_an_hour_pass(house)
        runner = house.runner()  # in the background, it goes on by itself
        staying = asyncio.create_task(runner.run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent == 65)
        await house.until_state(campaign, CampaignState.PAUSED)
        assert not staying.done()
        runner.stop()
        await staying
        assert (one.counters.accepted, other.counters.accepted) == (40, 25), "a day's is not renewed in an hour"
        assert "acme and backup are at their quota" in (await house.reader.campaign(campaign.id)).reason
        await balance(house, campaign, one, other)
    assert (await house.counts(campaign)).queued == 15


async def test_c9_a_campaign_with_a_lower_limit_hears_that_another_one_took_the_rest_of_it(
    house: House, tmp_path: Path
) -> None:
    async with slow(tmp_path / "a") as server:
        first = await house.launch(60, 0, SendPlan(workers=2), members=[account("acme", server, per_hour=200)])
        lower = [account("acme", server, per_hour=20)]
        second = await house.launch(60, 0, SendPlan(workers=1, rate=8), id="c2", members=lower)
        runner = house.runner()
        staying = asyncio.create_task(runner.run(lambda: None))
        await house.until_state(second, CampaignState.PAUSED)
        runner.stop()
        await staying
        assert (await house.counts(second)).sent < 20
    assert (await house.reader.campaign(second.id)).reason == "acme is at its quota"
    await balance(house, first, server)


def _let_an_hour_pass(house: House) -> None:
    connection = apsw.Connection(str(house.outbox.path))
    connection.execute("UPDATE sent_slot SET slot = slot - ?", (_HOUR * 6,))
    connection.execute("UPDATE campaign SET resume_at = ?", (time.time() + 0.2,))
    connection.close()


async def test_c9_a_server_that_says_its_limit_is_reached_is_asked_again_later(house: House, tmp_path: Path) -> None:
    limits = Limits(quota=Quota(20, per=0.4))
    async with slow(tmp_path / "a", limits=limits) as server:
        campaign = await house.launch(30, 0, SendPlan(workers=2), members=[account("acme", server)])
        await house.send(scale=0.0001)  # an hour is 0.4 seconds
        rows = await balance(house, campaign, server)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


def test_c9_a_quota_is_a_rolling_window_of_whole_minutes() -> None:
    member = Member(Endpoint("acme", "127.0.0.1", 25, Security.PLAIN), per_hour=3, per_day=5)
    usage, now = Usage([(1_000, 1)]), 1_030 * MINUTE + 59
    assert usage.free_at(member, now) is None
    assert [usage.reserve(member, now) for _ in range(3)] == [True, True, False]
    assert usage.free_at(member, now) is None, "mails under way may not be marked after all"
    usage.release()
    usage.spend(now)
    assert usage.reserve(member, now)
    usage.spend(now + 2)
    assert usage.free_at(member, now + 2) == (1_000 + _HOUR) * MINUTE
    later = (1_000 + _HOUR) * MINUTE
    assert usage.used(later) == (2, 3)
    assert usage.reserve(member, later)
    usage.spend(later)
    assert not usage.reserve(member, later)
    assert usage.free_at(member, later) == (1_030 + _HOUR) * MINUTE
    later = (1_030 + _HOUR) * MINUTE
    assert usage.reserve(member, later)
    usage.spend(later)
    assert usage.free_at(member, later) == (1_000 + 24 * 60 + 1) * MINUTE, "the day's is what is full now"
    usage.clock_moved(119.3 * MINUTE)
    assert usage.free_at(member, later) == (1_120 + 24 * 60 + 1) * MINUTE, "rather too late than too early"


def test_c9_what_is_known_of_an_account_is_not_softened_by_replies_that_come_later() -> None:
    told: list[str] = []
    standing = Standing(wall=lambda: 1_000.0, scale=1.0, changed=told.append)
    standing.rest("acme", 3_600, RestKind.QUOTA, "full")
    standing.rest("acme", 900, RestKind.LOGIN, "put off")
    assert (rest := standing.of("acme")) and (rest.until, rest.reason) == (4_600.0, "full")
    standing.rest("acme", None, RestKind.REFUSED, "refused")
    standing.rest("acme", 7_200, RestKind.QUOTA, "full")
    assert (rest := standing.of("acme")) and (rest.until, rest.reason) == (None, "refused")
    standing.forgive(["acme"])
    assert standing.of("acme") is None and told == ["acme"] * 3


def test_c9_whoever_finds_no_room_beside_mails_under_way_is_told_when_they_are_spent() -> None:
    endpoint = Endpoint("acme", "127.0.0.1", 25, Security.PLAIN)
    higher, lower, now = Member(endpoint, per_hour=200), Member(endpoint, per_hour=2), 1_000 * MINUTE
    usage = Usage([(1_000, 1)])
    assert usage.reserve(higher, now) and not usage.turned_away()
    assert not usage.reserve(lower, now) and usage.free_at(lower, now) is None, "there may be room yet"
    usage.spend(now)
    assert usage.free_at(higher, now) is None, "whoever spent it has room, and would say nothing"
    assert usage.turned_away() and not usage.turned_away()
