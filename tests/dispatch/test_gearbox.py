"""Which gear is used, when it is lowered, and that nobody is lost by it."""

from __future__ import annotations

import re
from pathlib import Path

from mailtui.dispatch.gearbox import GearBox
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.states import CampaignState
from mailtui.sandbox.faults import Action, FaultRule, Stage
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.gear import Gear
from tests.dispatch.bench import House, address
from tests.dispatch.test_runner import reply, sandbox
from tests.servers.postfix import postfix_server

PIPELINING = Capabilities(pipelining=True)


def test_the_best_gear_a_server_allows() -> None:
    gears = GearBox()
    assert gears.choose(PIPELINING).gear is Gear.CROSS
    assert gears.choose(Capabilities()).gear is Gear.LOCKSTEP


def test_a_server_that_mixes_up_replies_is_stepped_down_a_gear_at_a_time() -> None:
    gears = GearBox()
    gears.misbehaved(Gear.CROSS)
    assert gears.choose(PIPELINING).gear is Gear.FLIGHT and "flight" in gears.note
    gears.misbehaved(Gear.CROSS)
    assert gears.choose(PIPELINING).gear is Gear.FLIGHT, "one that was still in the old gear says nothing new"
    gears.misbehaved(Gear.FLIGHT)
    gears.misbehaved(Gear.LOCKSTEP)
    assert gears.choose(PIPELINING).gear is Gear.LOCKSTEP


def test_only_connections_useless_in_a_row_are_blamed_on_the_gear() -> None:
    gears = GearBox()
    for _ in range(5):
        gears.useless(Gear.CROSS)
        gears.envelope(refused=False)
    assert gears.choose(PIPELINING).gear is Gear.CROSS
    gears.useless(Gear.CROSS)
    gears.useless(Gear.CROSS)
    assert gears.choose(PIPELINING).gear is Gear.FLIGHT


def test_data_is_held_apart_while_refusals_are_frequent() -> None:
    gears = GearBox()

    def apart_after(refused: int, taken: int) -> bool:
        for kind, count in ((True, refused), (False, taken)):
            for _ in range(count):
                gears.envelope(refused=kind)
        return gears.data_apart

    assert not apart_after(0, 96)
    assert not apart_after(3, 0), "three in a hundred are usual"
    assert apart_after(1, 98)
    assert not apart_after(0, 1)


async def test_a_server_that_cannot_pipeline_still_gets_everything_once(house: House, tmp_path: Path) -> None:
    """It announces PIPELINING, and answers the first RCPT of a connection twice: no pairing holds after that."""
    twice = FaultRule(Stage.RCPT, Action.REPLY, reply=b"250 2.1.5 ok\r\n250 2.1.5 ok\r\n", nth=1, times=2)
    async with sandbox(tmp_path, twice) as server:
        campaign = await house.launch(40, server.port, SendPlan(workers=1))
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state for row in rows.values()} <= {"sent", "unknown"}
    assert sum(row.state == "sent" for row in rows.values()) >= 38
    snapshot = await house.reader.snapshot(campaign.number)
    assert snapshot is not None and "did not fit" in snapshot.note


async def test_one_refused_in_three_is_no_reason_for_postfix_to_hang_up(house: House) -> None:
    gone = {address(n): "550 5.1.1 No such user" for n in range(1, 241) if n % 3 == 0}
    with postfix_server(discard=True, refuse=gone) as server:
        campaign = await house.launch(240, server.port, SendPlan(workers=2))
        await house.send(scale=0.1, seconds=60)
        rows = await house.rows(campaign)
        server.wait_sent(160)
        log = server.log()
    assert await house.state(campaign) is CampaignState.FINISHED
    assert {who for who, row in rows.items() if row.state == "failed"} == set(gone)
    assert not re.search(r"too many errors", log)
    snapshot = await house.reader.snapshot(campaign.number)
    assert snapshot is not None
    assert {worker.gear for worker in snapshot.workers if worker.gear} <= {"cross, DATA apart"}


async def test_a_gear_is_told_only_when_it_was_lowered(house: House, tmp_path: Path) -> None:
    async with sandbox(tmp_path, reply(Stage.RCPT, "550 5.1.1 no", recipient="u1.*")) as server:
        campaign = await house.launch(12, server.port)
        await house.send()
    snapshot = await house.reader.snapshot(campaign.number)
    assert snapshot is not None and snapshot.note == ""
