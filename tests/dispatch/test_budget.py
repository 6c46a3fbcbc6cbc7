"""N-03: a server that stops reading fills no memory, however large the mails and however many the connections."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailtui.dispatch.budget import BodyBudget
from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.job import Job
from tests.dispatch.bench import House

ROOT = Path(__file__).parents[2]
MEGABYTE = 1024 * 1024


@dataclass
class Reader:
    """A server that takes every envelope, and of the bodies nothing until `read` is set."""

    read: asyncio.Event
    port: int = 0
    bodies: int = 0
    accepted: int = 0

    async def talk(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        outgoing.write(b"220 hello\r\n")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := (await incoming.readline()).upper():
                if line.startswith(b"EHLO"):
                    outgoing.write(b"250-here\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
                elif line.startswith(b"DATA"):
                    outgoing.write(b"354 go on\r\n")
                    self.bodies += 1
                    await self.read.wait()
                    if not await self.skipped_body(incoming):
                        break
                    self.accepted += 1
                    outgoing.write(b"250 taken\r\n")
                elif line.startswith(b"QUIT"):
                    outgoing.write(b"221 bye\r\n")
                    break
                else:
                    outgoing.write(b"250 ok\r\n")
        outgoing.close()

    async def skipped_body(self, incoming: asyncio.StreamReader) -> bool:
        """Read up to the dot; False when the connection ended before."""
        while line := await incoming.readline():
            if line == b".\r\n":
                return True
        return False


@contextlib.asynccontextmanager
async def stopped_reader() -> AsyncIterator[Reader]:
    reader = Reader(asyncio.Event())
    server = await asyncio.start_server(reader.talk, "127.0.0.1", 0)
    reader.port = server.sockets[0].getsockname()[1]
    try:
        yield reader
    finally:
        server.close()


@contextlib.asynccontextmanager
async def runner_of_its_own(house: House) -> AsyncIterator[asyncio.subprocess.Process]:
    """A runner in a fresh process: a child's peak would begin at its parent's."""
    command = [sys.executable, "-m", "tests.dispatch.run_outbox", house.outbox.url, "1.0"]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(*command, env=environ, cwd=house.folder)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


def peak(process: asyncio.subprocess.Process) -> int:
    """The most memory it had so far, in bytes."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def mail_of(size: int) -> str:
    """A template that gives a mail of about so many bytes."""
    line = "All the news that is fit to be sent, and some more of it. " + "x" * 900
    return f"Hello {{{{ name }}}}\n{{% for _ in range({size // 960}) %}}{line}\n{{% endfor %}}"


async def stalled(folder: Path, *, connections: int, size: int) -> int:
    """The peak of a runner whose server stops reading once it has said 354, and in the end reads on."""
    house = House(folder)
    async with stopped_reader() as reader:
        plan = SendPlan(workers=connections)
        campaign = await house.launch(connections + 8, reader.port, plan, text=mail_of(size))
        async with runner_of_its_own(house) as process:
            await quiet(reader)
            most = peak(process)
            assert reader.bodies < connections, "every connection was given a message"
            reader.read.set()
            counts = await house.until(campaign, lambda counts: counts.open == 0, seconds=90)
            assert counts.sent == reader.accepted == connections + 8
            return max(most, peak(process))


async def quiet(reader: Reader) -> None:
    """Wait until the server has been asked to take no further body for a while."""
    async with asyncio.timeout(60):
        before, since = 0, time.monotonic()
        while not reader.bodies or time.monotonic() - since < 1.0:
            if reader.bodies != before:
                before, since = reader.bodies, time.monotonic()
            await asyncio.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
async def test_n03_a_server_that_stops_reading_fills_no_memory(tmp_path: Path) -> None:
    assert await stalled(tmp_path, connections=32, size=4 * MEGABYTE) < 300 * MEGABYTE


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
async def test_n03_sixty_four_connections_and_ten_megabytes(tmp_path: Path) -> None:
    assert await stalled(tmp_path, connections=64, size=10 * MEGABYTE - 4096) < 300 * MEGABYTE


async def test_n03_another_campaign_goes_on_beside_one_whose_server_stopped_reading(tmp_path: Path) -> None:
    house = House(tmp_path)
    async with stopped_reader() as stopped, stopped_reader() as well:
        well.read.set()
        held = await house.launch(32, stopped.port, SendPlan(workers=32), text=mail_of(10 * MEGABYTE - 4096))
        async with runner_of_its_own(house):
            await quiet(stopped)
            other = await house.launch(40, well.port, SendPlan(workers=4), id="c2")
            counts = await house.until(other, lambda counts: counts.open == 0, seconds=30)
            assert counts.sent == 40
            assert (await house.counts(held)).sent == 0


@pytest.mark.parametrize("order", [OrderKind.PAUSE, OrderKind.CANCEL])
async def test_n03_those_who_wait_for_room_keep_no_order_waiting(tmp_path: Path, order: OrderKind) -> None:
    house = House(tmp_path)
    async with stopped_reader() as reader:
        text = mail_of(8 * MEGABYTE)
        campaign = await house.launch(18, reader.port, SendPlan(workers=14, rate=200.0), text=text)
        async with runner_of_its_own(house) as process:
            await quiet(reader)
            await house.order(campaign, order)
            reader.read.set()
            state = CampaignState.PAUSED if order is OrderKind.PAUSE else CampaignState.CANCELLED
            async with asyncio.timeout(60):
                while await house.state(campaign) is not state:
                    await asyncio.sleep(0.02)
                counts = await house.counts(campaign)
                assert counts.sent == reader.accepted < 18
                await process.wait()  # it has nothing to do any more, and takes no further order
        if order is OrderKind.PAUSE:
            await house.order(campaign, OrderKind.RESUME)
            async with runner_of_its_own(house):
                counts = await house.until(campaign, lambda counts: counts.open == 0, seconds=60)
            assert counts.sent == reader.accepted == 18


class Asker:
    """Counts how often it is told to ask again."""

    def __init__(self) -> None:
        self.pumped = 0

    def pump(self) -> None:
        self.pumped += 1


def job() -> Job:
    return Job("news@acme.test", "ann@example.com", b"Hello\r\n", Capabilities(), None)


async def test_n03_who_is_turned_away_asks_again_when_something_is_let_go() -> None:
    budget, asker = BodyBudget(limit=100), Asker()
    share = budget.share()
    first, second = job(), job()
    assert share.has_room(asker)
    share.take(first, 60)
    assert share.has_room(asker)  # nobody knows how large the next one will be
    share.take(second, 60)
    assert not share.has_room(asker)
    share.let_go(first)
    share.let_go(first)
    assert (budget.held, asker.pumped) == (60, 0)  # not in the middle of what let it go
    await asyncio.sleep(0)
    assert asker.pumped == 1
    assert share.has_room(asker)
    share.let_go(second)
    await asyncio.sleep(0)
    assert (budget.held, asker.pumped) == (0, 1)


async def test_n03_who_holds_nothing_always_has_room_for_one() -> None:
    budget, asker = BodyBudget(limit=100), Asker()
    large, small = budget.share(), budget.share()
    large.take(job(), 1_000)
    assert not large.has_room(asker)
    only = job()
    assert small.has_room(asker)
    small.take(only, 10)
    assert not small.has_room(asker)
    small.let_go(only)
    assert small.has_room(asker)
