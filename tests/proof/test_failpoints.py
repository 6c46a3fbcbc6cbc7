"""D-02: a runner that dies at any one step of a message leaves that message exactly where the step says.

Twelve recipients, one connection, and a death before or after a step of the fifth message; then another runner
finishes the list. From its mark's commit to its result's commit the fifth is in doubt, and nobody else. Before, it is
as if it had never been touched; only the fourth may be in doubt then, since a worker goes on without waiting for a
result, which is durable with the next mark at the latest.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.states import CampaignState
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.gear import Gear
from tests.dispatch.bench import House, accepted, address
from tests.proof.failpoints import DIED, FailpointOrder, Step

AUDIENCE = 12
FIFTH = 5
WINDOWS = {Gear.LOCKSTEP: 1, Gear.FLIGHT: 1, Gear.CROSS: 1, Gear.CHUNKED: 4}
_ENVELOPE = {Step.MAIL, Step.RCPT, Step.DATA}


class Forker:
    """The program of `tests.proof.failpoints`, kept for one test."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def __call__(self, order: FailpointOrder) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(order.to_line().encode())
        async with asyncio.timeout(60):
            return int(await self._process.stdout.readline())


@pytest.fixture
async def die_at() -> AsyncIterator[Forker]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.proof.failpoints", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    yield Forker(process)
    assert process.stdin is not None
    process.stdin.close()
    assert await process.wait() == 0


def _in_doubt(gear: Gear, step: Step, *, after: bool) -> set[frozenset[int]]:
    """What may be in flight then, one of these."""
    window = WINDOWS[gear]
    those = frozenset(range(FIFTH, FIFTH + window))
    earlier = frozenset(range(FIFTH - window, FIFTH))  # whose results are durable with the fifth's mark at the latest
    nobody: frozenset[int] = frozenset()
    if step is Step.CLAIM:
        return {nobody}
    if step is Step.RESULT and after:
        return {nobody, frozenset(number + window for number in those)}  # whose marks may have gone with it
    before_mark = step in _ENVELOPE or (step is Step.BODY and gear is not Gear.CROSS)
    if (before_mark and gear is not Gear.CHUNKED) or (step is Step.MARK and not after):
        return {nobody, earlier}
    return {those}


@pytest.mark.parametrize("gear", list(Gear))
async def test_d02_a_death_at_each_step_lands_in_its_state(tmp_path: Path, die_at: Forker, gear: Gear) -> None:
    for step in Step:
        for after in (False, True):
            folder = tmp_path / f"{step}-{after}".replace(" ", "-")
            folder.mkdir()
            await _one_death(folder, die_at, gear, step, after=after)


async def _one_death(folder: Path, die_at: Forker, gear: Gear, step: Step, *, after: bool) -> None:
    house = House(folder)
    where = f"{gear}, {'after' if after else 'before'} {step}"
    try:
        async with SandboxServer(folder / "sandbox") as server:
            campaign = await house.launch(AUDIENCE, server.port, SendPlan(workers=1, window=WINDOWS[gear]))
            order = FailpointOrder(house.outbox.url, gear, WINDOWS[gear], step, after, FIFTH)
            assert await die_at(order) == DIED, f"{where}: the step was never reached"
            await server_is_idle(server)
            found = await house.check_books_after_a_crash(campaign, server.folder)
            flying = {who for who, state in found.items() if state == "in_flight"}
            allowed = [{address(number) for number in those} for those in _in_doubt(gear, step, after=after)]
            assert flying in allowed, f"{where}: {flying} in flight"
            if step is Step.CLAIM:
                assert set(found.values()) == {"claimed" if after else "queued"}, where
            before = accepted(server.folder)
            await house.send()
            rows = await house.check_books(campaign, server.folder)
            assert {who for who, row in rows.items() if row.state == "unknown"} == flying, where
            assert all(row.state == "sent" for who, row in rows.items() if who not in flying), where
            for who in flying:
                assert accepted(server.folder)[who] == before[who], f"{where}: it was sent again"
            assert await house.state(campaign) is CampaignState.FINISHED
    finally:
        house.close()


async def server_is_idle(server: SandboxServer) -> None:
    """Wait until the server has noticed the death and taken in what had been written."""
    async with asyncio.timeout(10):
        while server.counters.open:
            await asyncio.sleep(0.01)
