"""The clock is put forward, back and to 1970 under a runner (T-03): no burst, nobody given up, nothing waits for a day.

A runner of its own sees the time that Debian's `faketime` makes up; its waits are real, and shortened.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.states import CampaignState, DeliveryState
from mailtui.sandbox.faults import Stage
from tests.dispatch.bench import House, accepted
from tests.dispatch.test_runner import reply, sandbox

SCALE = 0.02  # of five minutes, the first retry's pause: the clock must be put, and seen to be, before that is over
DAY = 86_400


class Clock:
    """The clock that a runner goes by, put by hand."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.put(0)

    def put(self, by: float) -> None:
        """Be so many seconds ahead of the true one."""
        self.by = by
        written = self.file.with_suffix(".new")
        written.write_text(f"{by:+.3f}")
        written.replace(self.file)  # a runner that looks in this instant finds one of both, and never an empty file

    @property
    def now(self) -> float:
        return time.time() + self.by


def faketime_library() -> Path:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        pytest.skip("faketime is not installed (Debian's package faketime)")
    return found[0]


@asynccontextmanager
async def runner_at(house: House, clock: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A runner by whose clock it is what `clock` says, such as +0 or -86400, from one look to the next."""
    environment = {
        **os.environ,
        "LD_PRELOAD": str(faketime_library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.dispatch.run_outbox", house.outbox.url, str(SCALE), env=environment,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize(
    "by",
    [
        DAY,
        -int(time.time()) + DAY,  # to the second of January 1970
        pytest.param(-DAY, marks=pytest.mark.long),
        pytest.param(3600, marks=pytest.mark.long),
        pytest.param(-3600, marks=pytest.mark.long),
    ],
    ids=["a day ahead", "to 1970", "a day back", "an hour ahead", "an hour back"],
)
async def test_t03_whoever_waits_waits_as_long_when_the_clock_is_put(house: House, tmp_path: Path, by: int) -> None:
    clock = Clock(tmp_path / "clock")
    rules = [reply(Stage.RCPT, "451 4.3.0 Not now", times=20)]
    async with sandbox(tmp_path, *rules) as server, asyncio.timeout(60):
        campaign = await house.launch(40, server.port, SendPlan(workers=2))
        async with runner_at(house, clock.file) as runner:
            await house.until(campaign, lambda counts: counts.deferred == 20 and counts.sent == 20, 30)
            await asyncio.sleep(1)  # it takes leave of the server, and looks at the clock once more as it does
            due_before = await _due(house, campaign.number)
            clock.put(by)
            while (due := await _due(house, campaign.number)) == due_before:
                assert sum(accepted(server.folder).values()) == 20, "no burst"
                await asyncio.sleep(0.02)
            assert all(abs(after - before - by) < 1 for before, after in zip(due_before, due, strict=True))
            assert await runner.wait() == 0
    counts = await house.counts(campaign)
    assert (counts.sent, counts.failed) == (40, 0), "nobody was given up"
    assert await house.state(campaign) is CampaignState.FINISHED
    assert max(accepted(server.folder).values()) == 1


async def _due(house: House, campaign: int) -> list[float]:
    rows = await house.reader.deliveries(campaign, states=[DeliveryState.DEFERRED])
    return [row.due_at for row in rows]


async def test_t03_what_a_clock_far_ahead_wrote_is_due_within_hours(house: House, tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock")
    clock.put(365 * DAY)
    async with sandbox(tmp_path, reply(Stage.RCPT, "451 4.3.0 Not now", times=5)) as server, asyncio.timeout(60):
        campaign = await house.launch(10, server.port, SendPlan(workers=1))
        async with runner_at(house, clock.file):
            await house.until(campaign, lambda counts: counts.deferred == 5 and counts.sent == 5, 30)
        assert min(await _due(house, campaign.number)) > time.time() + 300 * DAY
        clock.put(0)
        async with runner_at(house, clock.file):
            while max(await _due(house, campaign.number)) > time.time() + 6 * 3600:
                await asyncio.sleep(0.02)
    assert (await house.counts(campaign)).failed == 0
