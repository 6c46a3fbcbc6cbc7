"""Runners that die and disks that fill, with the sandbox's acceptance log as the judge (D-01, D-02, S-03)."""

from __future__ import annotations

import asyncio
import random
import resource
import signal
import sys
import time
from pathlib import Path

import apsw
import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.errors import OutboxFull
from mailtui.outbox.states import CampaignState
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, accepted

WORKERS = 4


async def _runner(house: House, *more: str, scale: float = 0.01) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.dispatch.run_outbox", house.outbox.url, str(scale), *more,
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def _torture(house: House, folder: Path, *, kills: int, size: int, seed: int) -> None:
    dice = random.Random(seed)
    rules = (
        FaultRule(Stage.DOT, Action.DELAY, seconds=0.004, odds=0.7),
        FaultRule(Stage.RCPT, Action.REPLY, reply=b"451 4.3.0 later\r\n", odds=0.02),
        FaultRule(Stage.MAIL, Action.DROP, odds=0.01),
    )
    async with SandboxServer(folder, faults=Faults(rules, seed), sync=True) as server:
        campaign = await house.launch(size, server.port, SendPlan(workers=WORKERS, rate=600))
        done = 0
        for _ in range(kills):
            process = await _runner(house)
            await asyncio.sleep(dice.uniform(0.02, 0.25))
            if process.returncode is None:
                process.kill()
                done += 1
            await process.wait()
            states = await house.check_books_after_a_crash(campaign, folder)
            assert sum(state == "in_flight" for state in states.values()) <= WORKERS
        process = await _runner(house)
        assert await process.wait() == 0
    rows = await house.check_books(campaign, folder)
    assert await house.state(campaign) is CampaignState.FINISHED
    assert {row.state.value for row in rows.values()} <= {"sent", "unknown"}
    unknown = sum(row.state == "unknown" for row in rows.values())
    assert unknown <= done * WORKERS
    assert done >= kills // 2, "it was over before it could be killed"


async def test_d01_killed_again_and_again_nobody_gets_it_twice(house: House, tmp_path: Path) -> None:
    await _torture(house, tmp_path / "sandbox", kills=4, size=400, seed=1)


@pytest.mark.long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(4))
async def test_d01_in_full(house: House, tmp_path: Path, seed: int) -> None:
    await _torture(house, tmp_path / "sandbox", kills=60, size=6_000, seed=seed)


async def test_d14_sigterm_leaves_nothing_unknown(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(400, server.port, SendPlan(workers=WORKERS, rate=600))
        for _ in range(2):
            process = await _runner(house, scale=1.0)
            await asyncio.sleep(0.15)
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(5):
                assert await process.wait() == 0
            counts = await house.counts(campaign)
            assert (counts.claimed, counts.in_flight, counts.unknown) == (0, 0, 0)
        await (await _runner(house)).wait()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}


async def test_t05_stopped_for_a_while_in_the_middle_nobody_gets_it_twice(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=WORKERS, rate=600))
        process = await _runner(house)
        await asyncio.sleep(0.15)
        process.send_signal(signal.SIGSTOP)
        for connection in list(server._connections):
            connection.abort()
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGCONT)
        assert await process.wait() == 0
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} <= {"sent", "unknown"}
    assert sum(row.state == "unknown" for row in rows.values()) <= WORKERS


# full disks


async def _limit(house: House, process: asyncio.subprocess.Process, size: int) -> None:
    assert process.pid is not None
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def _log_size(house: House) -> int:
    return Path(f"{house.outbox.path}-wal").stat().st_size


async def test_s03_on_a_full_disk_no_dot_goes_out_and_space_that_returns_is_enough(
    house: House, tmp_path: Path
) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=WORKERS, rate=300))
        # a reader in the middle of a read keeps the log from being begun anew, so it must grow
        reader = apsw.Connection(str(house.outbox.path), flags=apsw.SQLITE_OPEN_READONLY)
        reader.execute("BEGIN; SELECT count(*) FROM delivery")
        process = await _runner(house, "--limit", "100000000", scale=1.0)
        await house.until(campaign, lambda counts: counts.sent >= 40)
        await _limit(house, process, _log_size(house))
        await asyncio.sleep(0.3)
        before, opened = len(accepted(server.folder)), server.counters.connections
        await asyncio.sleep(1.2)
        assert len(accepted(server.folder)) == before, "no dot without its mark"
        assert server.counters.connections - opened <= 2 * WORKERS, "no storm while waiting"
        assert before < 300
        await _limit(house, process, resource.RLIM_INFINITY)
        reader.execute("COMMIT")
        reader.close()
        async with asyncio.timeout(20):
            assert await process.wait() == 0
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}


async def test_s05_a_disk_that_stays_full_ends_the_runner_with_its_reason(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=WORKERS, rate=300))
        reader = apsw.Connection(str(house.outbox.path), flags=apsw.SQLITE_OPEN_READONLY)
        reader.execute("BEGIN; SELECT count(*) FROM delivery")
        process = await _runner(house, "--limit", "100000000", scale=0.05)
        await house.until(campaign, lambda counts: counts.sent >= 40)
        await _limit(house, process, _log_size(house))
        started = time.monotonic()
        async with asyncio.timeout(15):
            assert await process.wait() == 9
        assert time.monotonic() - started < 8
        assert process.stdout is not None
        assert (await process.stdout.read()).strip() == OutboxFull.__name__.encode()
        reader.execute("COMMIT")
        reader.close()
        await asyncio.sleep(0.05)
        assert server.counters.open == 0
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} <= {"sent", "unknown"}
    assert sum(row.state == "unknown" for row in rows.values()) <= WORKERS


async def test_s04_another_writer_for_a_while_delays_and_harms_nothing(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(200, server.port, SendPlan(workers=WORKERS, rate=400))
        task = asyncio.create_task(house.send())
        await house.until(campaign, lambda counts: counts.sent >= 30)
        for _ in range(3):
            other = apsw.Connection(str(house.outbox.path))
            other.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(0.1)
            before = len(accepted(server.folder))
            await asyncio.sleep(0.15)
            assert len(accepted(server.folder)) <= before + WORKERS
            other.execute("ROLLBACK")
            other.close()
            await asyncio.sleep(0.05)
        await task
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
