"""N-04: a connection that falls silent holds one message until its time is over, and nobody else."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from mailtui.dispatch.plan import SendPlan
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.gear import Gear
from tests.dispatch.bench import House
from tests.servers.scripted import Silence, scripted_peer
from tests.smtp.bench import Owner, session_to

SIZE = 400
SCALE = 0.02  # a command has 6 s then


async def test_n04_the_others_go_on_beside_a_silent_connection_and_its_message_is_freed(tmp_path: Path) -> None:
    house = House(tmp_path)
    silent = FaultRule(Stage.MAIL, Action.SILENCE, connection=1, nth=5)
    try:
        async with SandboxServer(tmp_path / "caught", faults=Faults((silent,))) as server:
            campaign = await house.launch(SIZE, server.port, SendPlan(workers=4))
            task = asyncio.create_task(house.send(scale=SCALE, seconds=60))
            left = await house.until(campaign, lambda counts: counts.sent >= SIZE - 2)
            assert left.sent < SIZE, "the silent connection still holds what it was given"
            assert not task.done()
            await task
            rows = await house.check_books(campaign, server.folder)
    finally:
        house.close()
    assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}


async def test_n04_a_connection_is_watched_by_the_kernel_too(tmp_path: Path) -> None:
    """A line that is cut while nothing is said is noticed by keepalive, however long the command's time is."""
    async with scripted_peer([Silence()]) as peer, session_to(peer.port, Owner(), Gear.LOCKSTEP) as session:
        assert session._transport is not None
        raw = session._transport.get_extra_info("socket")
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
