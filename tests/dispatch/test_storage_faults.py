"""Disks that fail and locks that are held for long: no dot without its commit, a word to people, and no restart.

S-03 to S-05; a disk that is full is in tests/dispatch/test_crashes.py.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, accepted
from tests.outbox.disk import compiled, read_events, watched_by
from tests.proof.syncs import Trace

WORKERS = 4
_HOLDER = """
import apsw, sys
connection = apsw.Connection(sys.argv[1])
connection.set_busy_timeout(10_000)
connection.execute("BEGIN " + sys.argv[2])
print("held", flush=True)
sys.stdin.readline()
connection.execute("ROLLBACK")
"""


async def _run(house: House, env: dict[str, str] | None = None, scale: str = "1") -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.dispatch.run_outbox", house.outbox.url, scale,
        env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def _said(process: asyncio.subprocess.Process, text: str) -> None:
    """Wait until it says so to people."""
    assert process.stderr is not None
    async with asyncio.timeout(30):
        while line := await process.stderr.readline():
            if text in line.decode():
                return
    raise AssertionError(f"it ended without saying {text!r}")


async def _failing(house: House, folder: Path, *, first: int, failures: int) -> list[str]:
    """Send while syncs fail from the `first` on; what people were told. A dot that was written has its mark synced."""
    record = folder / "record"
    env = watched_by(compiled(folder), house.outbox.path, record=record, eio=f"{first},{failures}")
    async with SandboxServer(folder / "sandbox") as server:
        campaign = await house.launch(60, server.port, SendPlan(workers=WORKERS))
        process = await _run(house, env)
        async with asyncio.timeout(90):
            _, said = await process.communicate()
        if process.returncode == 9:  # it failed before anything was begun, and was not even started
            assert not accepted(server.folder)
            await house.send()
        else:
            assert process.returncode == 0, said.decode()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
    trace = Trace()
    for event in read_events(record):
        if event.op == "N":
            trace.sent(event.name, event.data)
        elif event.name.endswith("-wal") and event.op == "W":
            trace.wrote(event.data)
        elif event.name.endswith("-wal") and event.op == "S":  # only those that went well are on record
            trace.began_sync("")
            trace.ended_sync("", well=True)
    assert trace.count.proved == trace.count.ends, trace.count.unproved
    return said.decode().splitlines()


async def test_s04_a_sync_that_fails_is_no_commit(house: House, tmp_path: Path) -> None:
    said = await _failing(house, tmp_path, first=14, failures=3)
    assert len(said) == 2
    assert "the disk reports an error" in said[0] and "takes writes again" in said[1]


@pytest.mark.long
@pytest.mark.timeout(1800)
async def test_s04_every_sync_fails(tmp_path: Path) -> None:
    told = 0
    for first in range(1, 46):
        folder = tmp_path / str(first)
        folder.mkdir()
        one = House(folder)
        told += bool(await _failing(one, folder, first=first, failures=3))
        one.close()
    print(f"\n45 places to fail in, 0 dots without a synced mark; {told} of them were worth a word")
    assert told > 20


async def test_s05_a_disk_that_keeps_failing_ends_the_runner_and_leaves_only_what_was_under_way(
    house: House,
    tmp_path: Path,
) -> None:
    env = watched_by(compiled(tmp_path), house.outbox.path, eio="14,1000000")
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(200, server.port, SendPlan(workers=WORKERS))
        process = await _run(house, env, scale="0.05")
        said = asyncio.create_task(_said(process, "the disk reports an error"))
        async with asyncio.timeout(60):
            assert await process.wait() == 9
        await said
        assert process.stdout is not None
        assert b"DiskFailure" in await process.stdout.read()
        before = accepted(server.folder)
        await house.check_books_after_a_crash(campaign, server.folder)
        assert sum(before.values()) < 200
        await house.send()
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} <= {"sent", "unknown"}
    assert sum(row.state == "unknown" for row in rows.values()) <= WORKERS


async def _while_locked(house: House, folder: Path, kind: str, seconds: float) -> None:
    async with SandboxServer(folder / "sandbox") as server:
        campaign = await house.launch(300, server.port, SendPlan(workers=WORKERS, rate=300))
        process = await _run(house)
        await house.until(campaign, lambda counts: counts.sent >= 30)
        holder = subprocess.Popen(
            [sys.executable, "-c", _HOLDER, str(house.outbox.path), kind],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert holder.stdout is not None
        assert await asyncio.to_thread(holder.stdout.readline) == "held\n"
        await asyncio.sleep(0.3)  # what was marked before the lock may still be on its way
        before = sum(accepted(server.folder).values())
        await _said(process, "busy")
        await asyncio.sleep(seconds)
        assert sum(accepted(server.folder).values()) == before < 300, "no dot without its mark"
        assert process.returncode is None
        holder.communicate("\n")
        await _said(process, "takes writes again")
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}


async def test_s04_another_program_holds_the_lock(house: House, tmp_path: Path) -> None:
    await _while_locked(house, tmp_path, "IMMEDIATE", 0.5)


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_s04_the_lock_is_held_for_a_minute(house: House, tmp_path: Path) -> None:
    await _while_locked(house, tmp_path, "EXCLUSIVE", 60)
