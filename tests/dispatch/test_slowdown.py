"""Servers that allow so much and no more: the pace is found, nobody loses an attempt, and people are told (R-08)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign, NewDelivery, ProgressSnapshot
from mailtui.outbox.states import CampaignState
from mailtui.outbox.timed_records import MeterRow
from mailtui.sandbox.faults import Faults, Stage
from mailtui.sandbox.limits import Limits, Rate
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.limits import Limits as AccountLimits
from tests.dispatch.bench import House
from tests.dispatch.test_breakers import held, launch_to_domains
from tests.dispatch.test_runner import reply, sandbox

CLOSES = b"421 4.7.0 Too many messages, try again later\r\n"
DEFERS = b"451 4.7.0 Too many messages, slow down\r\n"


def allowing(folder: Path, rate: Rate) -> SandboxServer:
    """A server that allows so much of all, or of a domain."""
    limits = Limits(rate=rate) if rate.domain == "*" else Limits(domain_rates=(rate,))
    return SandboxServer(folder / "sandbox", faults=Faults(limits=limits))


async def told(house: House, campaign: Campaign, condition: Callable[[ProgressSnapshot], bool]) -> ProgressSnapshot:
    """The first snapshot that is so."""
    async with asyncio.timeout(15):
        while True:
            snapshot = await house.reader.snapshot(campaign.number)
            if snapshot is not None and condition(snapshot):
                return snapshot
            await asyncio.sleep(0.02)


async def meter(house: House, key: str) -> MeterRow | None:
    return next((row for row in await house.reader.meters() if row.meter == key), None)


async def _send(house: House, folder: Path, rate: Rate, *, scale: float, mails: int = 0, seconds: float = 0.0) -> float:
    """Send for so long, or until so many are accepted: how many were in vain, of all."""
    async with allowing(folder, rate) as server:
        wanted = mails * 2 or int(rate.messages / rate.per * seconds * 2)
        campaign = await house.launch(wanted, server.port, SendPlan(workers=8))
        runner = house.runner(scale=scale)
        task = asyncio.create_task(runner.run(lambda: None))
        await asyncio.sleep(seconds)
        async with asyncio.timeout(60):
            while server.counters.accepted < mails:
                await asyncio.sleep(0.01)
        accepted = server.counters.accepted
        refused = server.counters.commands["MAIL"] - accepted
        runner.stop()
        await task
    rows = await house.check_books(campaign, folder / "sandbox")
    assert {row.attempts for row in rows.values() if row.state != "sent"} <= {0}, "what came too early was no attempt"
    assert {row.attempts for row in rows.values() if row.state == "sent"} == {1}
    assert {row.state.value for row in rows.values()} <= {"sent", "queued"}
    if seconds:
        share = accepted / (rate.messages / rate.per * seconds)
        print(f"\n{rate.reply[:3].decode()}: {share:.1%} accepted of what the server allows")
        assert share >= 0.8
    return refused / (accepted + refused)


@pytest.mark.parametrize("said", [CLOSES, DEFERS], ids=["421", "451"])
async def test_r08_the_pace_of_a_server_is_found_and_survives_a_restart(
    house: House, tmp_path: Path, said: bytes
) -> None:
    """A hundred a second, with all times a tenth; the figures are the long test's, for a machine that has time."""
    assert await _send(house, tmp_path, Rate(100, 1.0, 10, said), scale=0.1, mails=60) <= 0.4
    kept = await meter(house, "acme")
    assert kept is not None and kept.cap is not None
    assert "acme was asked to slow down at" in kept.cap_reason and said.decode().strip()[:9] in kept.cap_reason
    async with sandbox(tmp_path / "again") as server:
        campaign = await house.launch(20, server.port, SendPlan(workers=8), id="c2")
        await house.send(scale=0.1, only=campaign)
    snapshot = await house.reader.snapshot(campaign.number)
    assert snapshot is not None
    assert "/s at the most; acme was asked to slow down at" in snapshot.note


@pytest.mark.long
@pytest.mark.parametrize("said", [CLOSES, DEFERS], ids=["421", "451"])
async def test_r08_a_server_that_allows_ten_a_second(house: House, tmp_path: Path, said: bytes) -> None:
    refusals = await _send(house, tmp_path, Rate(10, 1.0, 1, said), scale=1.0, seconds=60.0)
    print(f"{refusals:.1%} refused")
    assert refusals <= 0.05


async def test_r08_tss04_rests_for_two_hours_over_a_restart_and_keeps_nobody_else(house: House, tmp_path: Path) -> None:
    scale, said = 0.01, "421 4.7.0 [TSS04] Messages temporarily deferred due to user complaints"
    slow = "*@d0.example"
    async with sandbox(tmp_path, reply(Stage.RCPT, said, recipient=slow, times=1)) as server:
        campaign = await launch_to_domains(house, 5, 20, server.port, SendPlan(workers=4))
        runner = house.runner(scale=scale)
        task = asyncio.create_task(runner.run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent >= 80 and counts.deferred == 20 - (counts.sent - 80))
        snapshot = await told(house, campaign, lambda snapshot: "d0.example" in snapshot.note)
        assert "d0.example asked for a pause at" in snapshot.note
        assert "[TSS04]" in snapshot.note and "waits until" in snapshot.note
        runner.stop()
        await task
        row = await meter(house, "acme d0.example")
        assert row is not None and row.rests_until is not None and row.cap_at is not None
        assert row.rests_until - row.cap_at == pytest.approx(7200 * scale, abs=0.001)
        waiting = [one for one in (await house.rows(campaign)).values() if one.state == "deferred"]
        assert waiting and all(one.due_at >= row.rests_until - 0.001 and not one.attempts for one in waiting)
        before = server.counters.accepted
        await house.add(campaign.number, range(1, 21), id="c9")
        runner = house.runner(scale=scale)
        task = asyncio.create_task(runner.run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent >= before + 20)
        assert time.time() < row.rests_until, "the test was too slow to tell"
        assert server.counters.accepted == before + 20, "those of d0.example wait on"
        runner.stop()
        await task


async def test_r08_busy_at_mail_rests_the_account_until_a_time_that_is_said(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.MAIL, "451 4.7.500 Server busy", nth=40)) as server:
        campaign = await house.launch(200, server.port, SendPlan(workers=4))
        began = time.time()
        await house.send(scale=1.0, only=campaign)
        reason = await held(house, campaign)
        assert "acme was asked for a pause at" in reason and "451 4.7.500 Server busy" in reason
        resume_at = (await house.reader.campaign(campaign.id)).resume_at
        assert resume_at is not None and 15 * 60 <= resume_at - began < 16 * 60
        counts = await house.counts(campaign)
        assert counts.sent + counts.queued == 200 and counts.sent < 100
    rows = await house.check_books(campaign, server.folder)
    assert {row.attempts for row in rows.values() if row.state == "queued"} == {0}


async def test_n09_ib007_goes_to_one_connection(house: House, tmp_path: Path) -> None:
    said = "421 RP-001 Unfortunately, some messages weren't sent: rate limit. (IB007)"
    async with sandbox(tmp_path, reply(Stage.MAIL, said, nth=40)) as server:
        campaign = await house.launch(200, server.port, SendPlan(workers=6))
        task = asyncio.create_task(house.send(scale=0.1))
        await told(house, campaign, lambda snapshot: "1 at a time" in snapshot.note)
        connections = []
        while (await house.counts(campaign)).sent < 200:
            connections.append(server.counters.open)
            await asyncio.sleep(0.01)
        assert connections[-1] <= 1, "when those that were open had ended"
        await task
    rows = await house.check_books(campaign, server.folder)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


@pytest.mark.parametrize(
    ("stage", "said"),
    [
        (Stage.GREETING, "421 4.7.0 Try again later, closing connection"),
        (Stage.MAIL, "450 4.7.1 Error: too much mail from 192.0.2.1"),
        (Stage.DOT, "454 Throttling failure: Maximum sending rate exceeded"),
        (Stage.RCPT, "451 4.7.0 Too many messages for this domain"),
        (Stage.DOT, "421 4.7.28 An unusual rate of mail"),
    ],
)
async def test_r08_a_refusal_for_the_pace_costs_no_attempt_and_nobody_fails(
    house: House, tmp_path: Path, stage: Stage, said: str
) -> None:
    greeted = stage is Stage.GREETING  # a server that cannot be reached at all is given up before long
    async with sandbox(tmp_path, reply(stage, said, times=2 if greeted else 6)) as server:
        campaign = await launch_to_domains(house, 3, 20, server.port, SendPlan(workers=4, max_attempts=1))
        await house.send(scale=0.02 if greeted else 0.001, seconds=60)
    rows = await house.check_books(campaign, server.folder)
    assert await house.state(campaign) is CampaignState.FINISHED
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


async def test_r07_a_domain_that_is_throttled_takes_its_mails_one_after_the_other(house: House, tmp_path: Path) -> None:
    """All times are shortened. The others are done before, and nobody of the slow one fails or loses an attempt."""
    async with allowing(tmp_path, Rate(100, 1.0, 2, DEFERS, "d0.example")) as server:
        campaign = await launch_to_domains(house, 5, 40, server.port, SendPlan(workers=8))
        task = asyncio.create_task(house.send(scale=0.005, seconds=60))
        await house.until(campaign, lambda counts: counts.sent >= 160)
        snapshot = await told(house, campaign, lambda snapshot: "d0.example" in snapshot.note)
        assert "d0.example asked to slow down at" in snapshot.note
        await task
    rows = await house.check_books(campaign, server.folder)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}
    assert server.counters.refused <= 60  # a few, and on a machine that is busy with other things some more


async def test_c3_a_limit_of_a_domain_holds_and_keeps_no_other_domain(house: House, tmp_path: Path) -> None:
    per_domain = (("d0.example", AccountLimits(per_minute=12)), ("d1.example", AccountLimits(connections=1)))
    async with sandbox(tmp_path) as server:
        to = Endpoint("acme", "127.0.0.1", server.port, Security.PLAIN)
        campaign = await house.launch(
            0, server.port, members=(Member(to, limits=AccountLimits(per_domain=per_domain)),)
        )
        rows = [
            NewDelivery(f"u{n}@d{n % 4}.example", n + 1, f"u{n}@d{n % 4}.example", (f"Zoé {n}",)) for n in range(120)
        ]
        await house.desk.add(campaign.number, rows, now=time.time())
        runner = house.runner(scale=1.0)
        task = asyncio.create_task(runner.run(lambda: None))
        await house.until(campaign, lambda counts: counts.sent >= 90 + 12)
        await house.until(campaign, lambda counts: counts.deferred > 0)
        runner.stop()
        await task
    after = (await house.rows(campaign)).values()
    waiting = [row for row in after if row.state.value != "sent"]
    assert len(waiting) == 18 and {row.address.partition("@")[2] for row in waiting} == {"d0.example"}
    assert {row.attempts for row in waiting} == {0}
    late = [row for row in waiting if row.state.value == "deferred"]
    assert late and all("limit of this minute of acme for d0.example reached" in row.reason for row in late)
