"""C8: a runner, or the process that makes an occurrence, dies at each step; there is one frozen run for each time, a
whole one, and nobody gets it twice.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest

from mailtui.kit.paths import Home
from mailtui.outbox.states import CampaignState, RecurrenceState
from mailtui.sandbox.server import SandboxServer
from tests.campaign.conftest import WriteCampaign, write_campaign
from tests.dispatch.bench import House, accepted
from tests.dispatch.dying import DIED
from tests.dispatch.test_occurrences import now_is, recurs, runs

__all__ = ["write_campaign"]

Dying = Callable[[str, House, int, float], Awaitable[int]]


@pytest.fixture
async def dying(home: Home) -> AsyncIterator[Dying]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.dispatch.dying", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None and process.stdout is not None
    stdin, stdout = process.stdin, process.stdout

    async def carry_out(who: str, house: House, commit: int, at: float) -> int:
        stdin.write(json.dumps([who, house.outbox.url, commit, "every1", at]).encode() + b"\n")
        async with asyncio.timeout(60):
            return int(await stdout.readline())

    yield carry_out
    stdin.close()
    assert await process.wait() == 0


async def one_death(
    folder: Path, write_campaign: WriteCampaign, dying: Dying, who: str, commit: int, *, people: int = 3
) -> bool:
    """Die there, have another one finish it, and look at the books; whether the commit was reached."""
    folder.mkdir()
    house = House(folder)
    try:
        async with SandboxServer(folder / "sandbox") as server:
            path = write_campaign(people, smtp={"host": "127.0.0.1", "port": server.port, "security": "plain"})
            due = float(int(time.time()))
            await recurs(house, path, due, times=1)
            code = await dying(who, house, commit, due)
            if code != DIED:
                assert code == 0
            await house.send(seconds=60)
            ended = await now_is(house)
            assert (ended.state, ended.runs, ended.last_at) == (RecurrenceState.ENDED, 1, due)
            [one] = await runs(house)
            assert (one.occurrence_at, one.audience, one.state) == (due, people, CampaignState.FINISHED)
            rows = await house.check_books(one, server.folder)
            unsure = {who for who, row in rows.items() if row.state == "unknown"}
            assert len(rows) == people == len(set(accepted(server.folder)) | unsure)
            return code == DIED
    finally:
        house.close()


async def test_c8_one_whole_run_when_its_maker_dies_half_way(
    tmp_path: Path, dying: Dying, write_campaign: WriteCampaign
) -> None:
    assert await one_death(tmp_path / "child", write_campaign, dying, "child", 4)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["child", "runner"])
async def test_c8_one_whole_run_when_one_dies_at_each_of_its_commits(
    tmp_path: Path, dying: Dying, write_campaign: WriteCampaign, who: str
) -> None:
    for commit in count(1):
        if not await one_death(tmp_path / f"{commit}", write_campaign, dying, who, commit):
            break
    assert commit > 4, "it has a draft, its rows, its going live"
