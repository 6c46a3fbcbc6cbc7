"""A server strikes one message of a small list: what becomes of it, that nobody else suffers, and that it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.records import Campaign, DeliveryRow
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.smtp.gear import Gear
from tests.dispatch.bench import TEXT, House
from tests.faults.matrix import BIG, ROWS, WINDOW, Fate, Row
from tests.faults.server import FaultServer
from tests.servers.scripted import scripted_peer

pytestmark = [
    pytest.mark.filterwarnings("error::ResourceWarning"),
    pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning"),
]

CASES = [pytest.param(row, gear, id=name) for case in ROWS for row, gear, name in case.cases()]


async def password(account: str) -> str:
    return "secret"


@dataclass
class Trial:
    """One list sent through one fault."""

    house: House
    row: Row
    server: FaultServer
    campaign: Campaign
    size: int
    window: int

    async def send(self) -> None:
        await self.house.send(scale=self.row.scale, secrets=password, seconds=40, only=self.campaign)

    async def rows(self) -> dict[str, DeliveryRow]:
        return await self.house.rows(self.campaign)

    async def states(self) -> dict[str, int]:
        states = [row.state.value for row in (await self.rows()).values()]
        return {state: states.count(state) for state in set(states)}

    async def struck_row(self, state: str) -> DeliveryRow:
        """The one row in this state; everybody else's mail was sent at the first attempt, and accepted once."""
        [struck] = await self.struck_rows(state)
        return struck

    async def struck_rows(self, state: str) -> list[DeliveryRow]:
        """The rows in this state, of which the strike hit one; the same holds for all others."""
        rows = await self.rows()
        struck = [row for row in rows.values() if row.state == state]
        others = [row for row in rows.values() if row.state != state]
        assert {(row.state.value, row.attempts) for row in others} == {("sent", 1)}
        assert {self.server.accepted[row.address] for row in others} == {1}
        at, recipient = self.server.struck[0]
        assert recipient in {"", *(row.address for row in struck)}, f"the strike at {at} was meant for another"
        return struck

    async def all_sent(self) -> None:
        """Everybody has got it once, with the same bytes however often they were written, at the first attempt."""
        rows = await self.rows()
        assert {(row.state.value, row.attempts) for row in rows.values()} == {("sent", 1)}
        assert self.server.accepted == dict.fromkeys(rows, 1)
        assert {len(contents) for contents in self.server.contents.values()} == {1}
        assert await self.house.state(self.campaign) is CampaignState.FINISHED


@asynccontextmanager
async def trial(house: House, row: Row, gear: Gear) -> AsyncIterator[Trial]:
    server = FaultServer(gear, row.strikes, users=row.users, chunk=row.chunk, line_end=row.line_end)
    async with scripted_peer(server, strict=False, window=WINDOW if row.big else None) as peer:
        size = 4 if row.big else 8 if row.pace else 12
        window = 6 if gear is Gear.CHUNKED else 1
        campaign = await house.launch(
            size,
            peer.port,
            SendPlan(workers=1, rate=row.pace, window=window),
            user="anna" if row.users else "",
            text=TEXT + ("{{ '0123456789 abcdef\\n' * " + str(BIG // 18) + " }}" if row.big else ""),
        )
        yield Trial(house, row, server, campaign, size, window)
        if row.strikes:
            assert server.struck, "the fault never happened"
        if server.total > 4 and not row.pace:  # which lets no message ride behind a dot
            assert server.spoken is gear


@pytest.mark.parametrize(("row", "gear"), CASES)
async def test_fault(house: House, row: Row, gear: Gear) -> None:
    async with trial(house, row, gear) as given:
        await EXPECTED[row.fate(gear)](given)


async def sent(given: Trial) -> None:
    await given.send()
    await given.all_sent()
    if given.row.code is not None:
        assert given.row.code in {row.code for row in (await given.rows()).values()}


async def back_in_the_queue(given: Trial) -> None:
    """Its mail went out over another connection, and nothing was counted against anybody."""
    await given.send()
    await given.all_sent()
    assert given.server.connections > 1


async def deferred(given: Trial) -> None:
    """It waits, with an attempt counted, while everybody else's mail goes out."""
    runner = given.house.runner(scale=given.row.scale, until_idle=False, secrets=password)
    task = asyncio.create_task(runner.run(lambda: None))
    await given.house.until(given.campaign, lambda now: now.sent == given.size - 1 and now.deferred == 1)
    struck = await given.struck_row("deferred")
    assert (struck.attempts, struck.code) == (1, given.row.code)
    assert struck.due_at >= struck.updated_at + 290 * given.row.scale
    assert given.server.accepted[struck.address] == 0
    runner.stop()
    await task


async def unknown(given: Trial) -> None:
    """It is in doubt, with no more than what was in flight beside it, and no run sends it again."""
    for _ in range(2):
        await given.send()
        struck = await given.struck_rows("unknown")
        assert len(struck) <= given.window
        assert all(given.server.ended[row.address] <= 1 for row in struck)
    assert all("the reply to the message was lost" in row.reason for row in struck)
    assert await given.house.state(given.campaign) is CampaignState.FINISHED


async def failed(given: Trial) -> None:
    """It alone failed, with the server's own words."""
    await given.send()
    struck = await given.struck_row("failed")
    assert (struck.attempts, struck.code) == (1, given.row.code)
    assert given.server.accepted[struck.address] == 0


async def held(given: Trial) -> None:
    """The campaign pauses, nobody's row is burnt; once the trouble is over everybody gets it."""
    await given.send()
    campaign = await given.house.reader.campaign(given.campaign.id)
    assert (campaign.state, campaign.held) == (CampaignState.PAUSED, True)
    assert campaign.reason
    rows = await given.rows()
    assert {row.state.value for row in rows.values()} <= {"sent", "queued"}
    assert all(row.attempts == (row.state == "sent") for row in rows.values())
    assert given.server.logins <= 2
    given.server.heal()
    await given.house.order(given.campaign, OrderKind.RESUME)
    await given.send()
    await given.all_sent()


EXPECTED = {
    Fate.SENT: sent,
    Fate.QUEUED: back_in_the_queue,
    Fate.DEFERRED: deferred,
    Fate.UNKNOWN: unknown,
    Fate.FAILED: failed,
    Fate.HELD: held,
}
