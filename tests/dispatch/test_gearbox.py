"""Which gear is used, when it is lowered, and that nobody is lost by it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from mailtui.dispatch.gearbox import GearBox
from mailtui.dispatch.plan import SendPlan
from mailtui.errors import OutboxBusy
from mailtui.outbox.sqlite_ledger import SqliteLedger
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Action, FaultRule, Stage
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.gear import Gear, GearChoice
from tests.dispatch.bench import House, address
from tests.dispatch.test_runner import reply, sandbox
from tests.servers.postfix import postfix_server

PIPELINING = Capabilities(pipelining=True)


def test_the_best_gear_a_server_allows() -> None:
    gears = GearBox()
    assert gears.choose(PIPELINING).gear is Gear.CROSS
    assert gears.choose(Capabilities()).gear is Gear.LOCKSTEP


def test_nothing_is_written_behind_a_message_at_a_server_that_breaks_off_then() -> None:
    offered = {"pipelining": "", "chunking": ""}
    named = Capabilities.from_extensions(offered, greeting="mail.example.org Dovecot (Debian) ready.")
    unnamed = Capabilities.from_extensions({**offered, "burl": "imap"}, greeting="mail.example.org at your service")
    for careful in (named, unnamed):
        assert [GearBox(window).choose(careful).gear for window in (1, 8)] == [Gear.FLIGHT, Gear.FLIGHT]
        assert "Dovecot" in GearBox(8).choose(careful).why
    others = Capabilities.from_extensions(offered, greeting="mail.example.org ESMTP Postfix")
    assert [GearBox(window).choose(others).gear for window in (1, 8)] == [Gear.CROSS, Gear.CHUNKED]


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


# the window of the chunked gear

CHUNKING = Capabilities(pipelining=True, chunking=True)


def test_the_window_decides_between_cross_and_chunked() -> None:
    gears = GearBox(8)
    assert gears.choose(CHUNKING) == GearChoice(
        Gear.CHUNKED, 1, "window 8 asked for, and the server offers CHUNKING"
    ), "one at a time until the server has taken a chunk"
    gears.chunk(taken=True)
    assert gears.choose(CHUNKING).window == 8
    assert gears.choose(PIPELINING) == GearChoice(
        Gear.CROSS, 1, "window 8 asked for, but the server offers no CHUNKING"
    )
    assert gears.choose(Capabilities(chunking=True)).gear is Gear.LOCKSTEP
    assert GearBox().choose(CHUNKING) == GearChoice(Gear.CROSS, 1, "the server offers PIPELINING")


def test_a_refusal_halves_the_window_once_and_what_is_taken_brings_it_back() -> None:
    gears = GearBox(8)
    gears.chunk(taken=True)

    def after(count: int, *, taken: bool) -> int:
        for _ in range(count):
            gears.chunk(taken=taken)
        return gears.window

    assert after(20, taken=True) == 8, "never more than was asked for"
    assert after(1, taken=False) == 4
    assert after(3, taken=False) == 4, "those were in flight with the first"
    assert after(1, taken=False) == 2
    assert after(2, taken=True) == 3 and after(3, taken=True) == 4
    assert after(40, taken=False) == 1
    assert after(28, taken=True) == 8


def test_a_server_that_does_not_know_bdat_is_stepped_down_at_once_and_told_why() -> None:
    gears = GearBox(8)
    gears.misunderstood(Gear.CHUNKED)
    assert gears.choose(CHUNKING) == GearChoice(
        Gear.CROSS, 1, "lowered: the server announces CHUNKING and does not understand it"
    )
    assert gears.note.endswith("going on in the cross gear")
    gears.ask(16)
    assert gears.choose(CHUNKING).gear is Gear.CROSS, "remembered, whatever is asked for later"


async def test_d07_one_in_five_refused_in_windows_against_postfix(house: House) -> None:
    """Nothing lost, nothing paired wrongly, and what begins with dots arrives as it was written."""
    text = "Hello {{ name }}\n.\n..\n.leading\n\n.\n"
    gone = {address(n, f"w{window}"): "550 5.1.1 No such user" for window in (1, 4, 16) for n in range(5, 101, 5)}
    with postfix_server(refuse=gone) as server:
        for window in (1, 4, 16):
            campaign = await house.launch(
                100, server.port, SendPlan(workers=2, window=window), id=f"w{window}", text=text
            )
            await house.send(scale=0.1, seconds=60)
            rows = await house.rows(campaign)
            assert await house.state(campaign) is CampaignState.FINISHED
            assert {who for who, row in rows.items() if row.state == "failed"} == {who for who in gone if who in rows}
            assert sum(row.state == "sent" for row in rows.values()) == 80
            assert all(row.code == 550 and row.stage == "rcpt" for row in rows.values() if row.state == "failed")
            snapshot = await house.reader.snapshot(campaign.number)
            assert snapshot is not None and snapshot.note == ""
            assert ("CHUNKING" in snapshot.gear_note) == (window > 1)
        server.wait_sent(240, seconds=60)
        mails = server.mails()
    found = {recipient: mail for mail in mails for recipient in re.findall(rb"(?m)^Delivered-To: (\S+)", mail)}
    assert len(mails) == len(found) == 240
    dots = "\n.\n..\n.leading\n\n.\n"
    for window in (1, 4, 16):
        for n in range(1, 101):
            if n % 5:
                body = found[address(n, f"w{window}").encode()].partition(b"\n\n")[2]
                assert body == f"Hello Zoé {n}{dots}".encode()


async def test_a_server_that_announces_chunking_and_does_not_know_it_gets_everything_all_the_same(
    house: House, tmp_path: Path
) -> None:
    """It is heard once; the campaign goes on in the cross gear, and nobody is called refused for it."""
    slowly = reply(Stage.BDAT, "502 5.5.1 Error: command not implemented", split=10, pause=0.05)  # heard by all four
    async with sandbox(tmp_path, slowly) as server:
        campaign = await house.launch(60, server.port, SendPlan(workers=4, window=8))
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state for row in rows.values()} == {"sent"}
    snapshot = await house.reader.snapshot(campaign.number)
    assert snapshot is not None and "going on in the cross gear" in snapshot.note
    assert snapshot.gear_note == "lowered: the server announces CHUNKING and does not understand it"


async def test_a_server_that_hangs_up_on_chunks_is_stepped_down_with_no_more_than_one_in_doubt_a_connection(
    house: House, tmp_path: Path
) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.BDAT, Action.DROP)) as server:
        campaign = await house.launch(60, server.port, SendPlan(workers=4, window=8))
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    states = [row.state.value for row in rows.values()]
    assert set(states) == {"sent", "unknown"}
    assert states.count("unknown") <= 8, "each of the four connections at most twice, and one message each time"


@pytest.mark.parametrize("window", [2, 16])
async def test_a_window_is_sent_exactly_once_and_its_marks_are_one_commit(
    house: House, tmp_path: Path, window: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks: list[int] = []
    commit = SqliteLedger.commit

    async def counted(self: SqliteLedger, *groups: Any, now: float) -> Any:
        marks.append(len(groups[0]))
        return await commit(self, *groups, now=now)

    monkeypatch.setattr(SqliteLedger, "commit", counted)
    slow = FaultRule(Stage.BDAT, Action.DELAY, seconds=0.02, every=window)
    async with sandbox(tmp_path, slow) as server:
        campaign = await house.launch(161, server.port, SendPlan(workers=1, window=window))
        await house.send()
        assert server.counters.connections == 1
    rows = await house.check_books(campaign, server.folder)
    assert {row.state for row in rows.values()} == {"sent"}
    assert max(marks) == window
    assert len({mail.message_id for mail in read_captured(server.folder)}) == 161


async def test_a_window_that_is_set_while_it_runs_is_taken_over(house: House, tmp_path: Path) -> None:
    """From one gear to the other on new connections, and within the chunked one at once."""
    async with sandbox(tmp_path, FaultRule(Stage.BDAT, Action.DELAY, seconds=0.02)) as server:
        campaign = await house.launch(150, server.port, SendPlan(workers=1, window=1, rate=100))
        task = asyncio.create_task(house.send())

        async def shown(gear: str, window: int) -> None:
            async with asyncio.timeout(15):
                while True:
                    snapshot = await house.reader.snapshot(campaign.number)
                    if snapshot is not None and (gear, window) in [(w.gear, w.window) for w in snapshot.workers]:
                        return
                    await asyncio.sleep(0.01)

        await shown("cross", 1)
        await house.order(campaign, OrderKind.SET, window=8)
        await shown("chunked", 8)
        assert server.counters.connections == 2
        await house.order(campaign, OrderKind.SET, window=3)
        await shown("chunked", 3)
        assert server.counters.connections == 2
        await house.order(campaign, OrderKind.SET, window=1)
        await shown("cross", 1)
        await task
    rows = await house.check_books(campaign, server.folder)
    assert {row.state for row in rows.values()} == {"sent"}


@pytest.mark.parametrize("kind", [OrderKind.PAUSE, OrderKind.CANCEL])
async def test_an_order_while_windows_are_under_way_loses_nothing(
    house: House, tmp_path: Path, kind: OrderKind
) -> None:
    async with sandbox(tmp_path, FaultRule(Stage.BDAT, Action.DELAY, seconds=0.01)) as server:
        campaign = await house.launch(200, server.port, SendPlan(workers=2, window=8))
        task = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent > 20)
        await house.order(campaign, kind)
        await task
        taken = server.counters.accepted
    rows = await house.check_books(campaign, server.folder)
    left = "queued" if kind is OrderKind.PAUSE else "cancelled"
    assert {row.state.value for row in rows.values()} == {"sent", left}
    assert sum(row.state == "sent" for row in rows.values()) == taken < 200


async def test_connections_that_a_person_calls_back_say_nothing_against_a_gear(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the outbox is busy nothing that was taken can leave; who is called back then has met no bad server."""
    busy, asked = True, 0
    commit = SqliteLedger.commit

    async def held_up(self: SqliteLedger, *groups: Any, now: float) -> Any:
        nonlocal asked
        if busy and groups[0]:
            asked = max(asked, len(groups[0]))
            raise OutboxBusy("The outbox is busy")
        return await commit(self, *groups, now=now)

    monkeypatch.setattr(SqliteLedger, "commit", held_up)
    async with sandbox(tmp_path) as server:
        campaign = await house.launch(40, server.port, SendPlan(workers=4, window=8))
        task = asyncio.create_task(house.send())
        async with asyncio.timeout(15):
            while asked < 4:
                await asyncio.sleep(0.01)
            await house.order(campaign, OrderKind.SET, window=1)
            while SendPlan.from_json((await house.reader.campaign("c1")).plan).window != 1:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            busy = False
            await task
    rows = await house.check_books(campaign, server.folder)
    assert {row.state for row in rows.values()} == {"sent"}
    snapshot = await house.reader.snapshot(campaign.number)
    assert snapshot is not None and snapshot.note == "" and snapshot.gear_note == "the server offers PIPELINING"


async def test_a_server_that_begins_to_swallow_messages_is_stopped_whatever_the_window_was(
    house: House, tmp_path: Path
) -> None:
    """A window's worth is in doubt on each connection once; after that it is a message a connection."""
    swallows = FaultRule(Stage.DOT, Action.ACCEPT_THEN_DROP, recipient="u[1-9]??.*")
    async with sandbox(tmp_path, swallows) as server:
        campaign = await house.launch(400, server.port, SendPlan(workers=2, window=32))
        await house.send(seconds=60)
    assert await house.state(campaign) is CampaignState.PAUSED
    assert "the server answered none of the last" in (await house.reader.campaign("c1")).reason
    assert 6 < (await house.counts(campaign)).unknown <= 2 * 32 + 10
