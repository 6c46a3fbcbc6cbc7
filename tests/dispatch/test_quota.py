"""C9: an account's limit is never exceeded, and an account that rests is used again when its time has come."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import apsw

from mailtui.dispatch.meter import SLOT
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.standing import Standing
from mailtui.outbox.states import CampaignState, OrderKind, RestKind
from mailtui.sandbox.limits import Limits, Quota
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House
from tests.dispatch.test_pool import account, balance, slow

_FULL = "hourly limit of acme reached; daily limit of backup reached"
_HOUR = 361  # slots, after which a mail counts no more


async def test_c9_both_at_their_quota_pause_and_go_on_in_the_next_window(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "a") as one, SandboxServer(tmp_path / "b") as other:
        members = [account("acme", one, per_hour=20), account("backup", other, per_hour=30, per_day=25)]
        campaign = await house.launch(80, 0, SendPlan(workers=6), members=members)
        began = time.time()
        await house.send(only=campaign)
        assert (one.counters.accepted, other.counters.accepted) == (20, 25), "so many, and no more"
        paused = await house.reader.campaign(campaign.id)
        assert (paused.state, paused.held) == (CampaignState.PAUSED, True)
        assert _FULL in paused.reason
        assert paused.resume_at is not None and began + 3_600 <= paused.resume_at <= time.time() + 3_600 + 2 * SLOT
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
        assert (
            "hourly limit of acme reached; daily limit of backup reached"
            in (await house.reader.campaign(campaign.id)).reason
        )
        await balance(house, campaign, one, other)
    assert (await house.counts(campaign)).queued == 15


def _let_an_hour_pass(house: House) -> None:
    connection = apsw.Connection(str(house.outbox.path))
    connection.execute("UPDATE sent_slot SET slot = slot - ?", (_HOUR,))
    connection.execute("UPDATE campaign SET resume_at = ?", (time.time() + 0.2,))
    connection.close()


async def test_c9_a_server_that_says_its_limit_is_reached_is_asked_again_later(house: House, tmp_path: Path) -> None:
    limits = Limits(quota=Quota(20, per=0.4))
    async with slow(tmp_path / "a", limits=limits) as server:
        campaign = await house.launch(30, 0, SendPlan(workers=2), members=[account("acme", server)])
        await house.send(scale=0.0001)  # an hour is 0.4 seconds
        rows = await balance(house, campaign, server)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


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
