"""F-60 to F-63, and F-01 where nobody listens: limits, greylisting, providers and servers that die, at list length."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.faults import Faults
from mailtui.sandbox.limits import Greylisting, Limit, Limits, Rate
from mailtui.sandbox.server import SandboxServer
from mailtui.sandbox.spec import load_faults
from mailtui.smtp.gear import Gear
from tests.dispatch.bench import House, accepted
from tests.faults.server import FaultServer
from tests.servers.programs import free_port
from tests.servers.scripted import scripted_peer

SAMPLES = Path(__file__).parents[2] / "sample_data" / "faults"


async def test_f01_where_nobody_listens_the_campaign_pauses_and_goes_on_later(house: House) -> None:
    port = free_port()
    campaign = await house.launch(12, port, SendPlan(workers=4))
    await house.send(scale=0.02)
    now = await house.reader.campaign(campaign.id)
    assert (now.state, now.held) == (CampaignState.PAUSED, True)
    assert "connection refused" in now.reason
    assert {(row.state.value, row.attempts) for row in (await house.rows(campaign)).values()} == {("queued", 0)}
    server = FaultServer(Gear.CROSS)
    async with scripted_peer(server, strict=False, port=port):
        await house.order(campaign, OrderKind.RESUME)
        await house.send()
    assert server.accepted == dict.fromkeys(await house.rows(campaign), 1)


@pytest.mark.parametrize(
    ("limits", "scale"),
    [
        (Limits(connections=Limit(2, b"421 4.7.0 too many connections\r\n")), 0.02),
        (Limits(connections=Limit(2, b"")), 0.02),
        (Limits(messages_per_connection=Limit(5, b"421 4.7.0 enough for one connection\r\n")), 0.02),
        (Limits(messages_per_connection=Limit(5, b"")), 0.02),
        (Limits(rate=Rate(30, per=1.0, burst=20, reply=b"451 4.7.0 slow down\r\n")), 0.002),
        (Limits(rate=Rate(30, per=1.0, burst=10, reply=b"421 4.7.0 slow down\r\n")), 0.02),
    ],
    ids=["connections", "connections, closed", "a connection's messages", "closed after", "rate 451", "rate 421"],
)
async def test_f60_n09_limits_cost_nobody_a_mail(house: House, tmp_path: Path, limits: Limits, scale: float) -> None:
    async with SandboxServer(tmp_path / "sandbox", faults=Faults(limits=limits)) as server:
        campaign = await house.launch(30, server.port, SendPlan(workers=6, max_attempts=20))
        await house.send(scale=scale, seconds=60)
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    assert await house.state(campaign) is CampaignState.FINISHED


async def test_f61_what_is_greylisted_goes_out_at_the_second_attempt(house: House, tmp_path: Path) -> None:
    scale = 0.003
    limits = Limits(greylisting=Greylisting(seconds=290 * scale))
    async with SandboxServer(tmp_path / "sandbox", faults=Faults(limits=limits)) as server:
        campaign = await house.launch(10, server.port, SendPlan(workers=2))
        await house.send(scale=scale)
    rows = await house.check_books(campaign, server.folder)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 2)}


async def test_f62_a_spent_quota_pauses_and_burns_nobody(house: House, tmp_path: Path) -> None:
    faults = load_faults(SAMPLES / "strict-quota.yaml")
    async with SandboxServer(tmp_path / "sandbox", faults=faults) as server:
        campaign = await house.launch(40, server.port, SendPlan(workers=4))
        await house.send(only=campaign)
    rows = await house.check_books(campaign, server.folder)
    now = await house.reader.campaign(campaign.id)
    assert (now.state, now.held) == (CampaignState.PAUSED, True)
    assert "5.4.5" in now.reason
    states = [row.state.value for row in rows.values()]
    assert (states.count("sent"), states.count("queued")) == (25, 15)
    async with SandboxServer(server.folder, port=server.port):
        await house.order(campaign, OrderKind.RESUME)
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}


@pytest.mark.parametrize("name", ["gmail-like", "outlook-like"])
async def test_f62_in_the_manner_of_a_provider_nobody_is_lost(house: House, tmp_path: Path, name: str) -> None:
    """Bursts are held back, connections are few and short; whoever is not refused for good gets one mail."""
    scale = 0.002
    faults = dataclasses.replace(load_faults(SAMPLES / f"{name}.yaml"), time_scale=scale)
    async with SandboxServer(tmp_path / "sandbox", faults=faults) as server:
        campaign = await house.launch(80, server.port, SendPlan(workers=8, max_attempts=30))
        await house.send(scale=scale, seconds=60)
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}


@pytest.mark.parametrize(
    "seed", [7, 8, pytest.param(9, marks=pytest.mark.long), pytest.param(10, marks=pytest.mark.long)]
)
@pytest.mark.parametrize("gear", [Gear.LOCKSTEP, Gear.CROSS])
async def test_f63_a_server_that_dies_everywhere_costs_nobody_a_mail_and_nobody_gets_two(
    house: House, tmp_path: Path, seed: int, gear: Gear
) -> None:
    faults = dataclasses.replace(load_faults(SAMPLES / "dying.yaml"), time_scale=0.001, seed=seed)
    more = ("PIPELINING",) if gear is Gear.CROSS else ()
    async with SandboxServer(tmp_path / "sandbox", faults=faults, extensions=("8BITMIME", *more)) as server:
        campaign = await house.launch(120, server.port, SendPlan(workers=4, max_attempts=20))
        for _ in range(20):
            await house.send(scale=0.005, seconds=60)
            if await house.state(campaign) is CampaignState.FINISHED:
                break
            await house.order(campaign, OrderKind.RESUME)
    rows = await house.check_books(campaign, server.folder)
    states = [row.state.value for row in rows.values()]
    assert set(states) <= {"sent", "unknown"}
    assert states.count("unknown") < 30
    once = set(accepted(server.folder))
    await house.send()
    assert set(accepted(server.folder)) == once, "what is in doubt is not sent again"
