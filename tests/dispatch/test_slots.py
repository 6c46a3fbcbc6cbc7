"""A server that allows fewer connections than there are workers gets as many as it allows (N-09, F-60)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.slots import Slots
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.limits import Limit, Limits
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House
from tests.dispatch.test_runner import sandbox

TOO_MANY = b"421 4.7.0 Too many connections from you\r\n"


def allowing(folder: Path, connections: int, **more: object) -> SandboxServer:
    limits = Limits(connections=Limit(connections, TOO_MANY), **more)  # type: ignore[arg-type]
    return SandboxServer(folder / "sandbox", faults=Faults(limits=limits))


async def test_n09_as_many_connections_as_are_allowed_and_no_row_fails(house: House, tmp_path: Path) -> None:
    async with allowing(tmp_path, 3) as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=8, rate=600, burst=20))
        await house.send()
        assert server.counters.connections <= 8 + 3, "nobody knocks again and again"
    rows = await house.check_books(campaign, server.folder)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


async def test_n09_the_number_recovers_when_more_are_allowed(house: House, tmp_path: Path) -> None:
    async with allowing(tmp_path, 6) as server:
        # Somebody else uses four of the six.
        strangers = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(4)]
        for reader, _ in strangers:
            await reader.readline()
        campaign = await house.launch(1_000, server.port, SendPlan(workers=6, rate=100, burst=6))
        task = asyncio.create_task(house.send(scale=0.001))
        await house.until(campaign, lambda counts: counts.sent >= 20)
        assert server.counters.open <= 6
        for _, writer in strangers:
            writer.close()
            await writer.wait_closed()
        async with asyncio.timeout(15):
            while server.counters.open < 6:
                await asyncio.sleep(0.01)
        await house.order(campaign, OrderKind.SET, rate=None)
        await task
    rows = await house.check_books(campaign, server.folder)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


async def test_n09_a_server_whose_connections_others_hold_is_waited_for(house: House, tmp_path: Path) -> None:
    """None of ours stands, so it is not for their number that the next is refused: it is not stormed either."""
    async with sandbox(tmp_path, FaultRule(Stage.CONNECT, Action.REPLY, reply=TOO_MANY)) as server:
        campaign = await house.launch(20, server.port, SendPlan(workers=8))
        await house.send(scale=0.05)
        assert server.counters.connections < 12
    after = await house.reader.campaign(campaign.id)
    assert (after.state, after.held) == (CampaignState.PAUSED, True)
    assert (await house.counts(campaign)).queued == 20


async def test_f60_so_many_messages_a_connection(house: House, tmp_path: Path) -> None:
    each = Limit(7, b"421 4.7.0 Too many messages on this connection\r\n")
    async with allowing(tmp_path, 2, messages_per_connection=each) as server:
        campaign = await house.launch(100, server.port, SendPlan(workers=4))
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


async def test_a_slot_is_waited_for_and_given_on() -> None:
    slots = Slots(scale=1.0)
    async with slots.one():
        with slots.connected():
            assert slots.too_many()
            assert slots.limit == 1
            waiting = asyncio.create_task(_take(slots))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            assert slots.note == "the server allows no more than 1 connection at once"
    await asyncio.wait_for(waiting, 5)
    assert not slots.too_many(), "none stands"
    assert slots.note == ""
    slots.close()


async def _take(slots: Slots) -> None:
    async with slots.one():
        return
