"""One runner on an outbox, by a lock that dies with its process; and who may connect when."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mailtui.dispatch.lock import RunnerLock, runner_pid
from mailtui.dispatch.reach import Reach
from mailtui.errors import RunnerBusy
from tests.dispatch.bench import House

HOLDER = """
import sys, time
from pathlib import Path
from mailtui.dispatch.lock import RunnerLock
lock = RunnerLock.acquire(Path(sys.argv[1]), version="0")
print("held", flush=True)
time.sleep(60)
"""


def test_the_lock_of_a_living_process_and_of_a_killed_one(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db.runner.lock"
    assert runner_pid(path) is None
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        assert runner_pid(path) == holder.pid
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with pytest.raises(RunnerBusy) as busy:
            RunnerLock.acquire(path, version="0")
        assert busy.value.pid == holder.pid
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
    assert runner_pid(path) is None
    lock = RunnerLock.acquire(path, version="0")
    assert runner_pid(path) == os.getpid()
    lock.release()
    assert runner_pid(path) is None


async def test_d11_a_second_runner_is_refused_and_the_first_goes_on(house: House) -> None:
    first = house.runner(until_idle=False)
    ready = asyncio.Event()
    task = asyncio.create_task(first.run(ready.set))
    await ready.wait()
    [row] = await house.reader.runners()
    assert row.pid == os.getpid()
    with pytest.raises(RunnerBusy):
        await house.runner().run(lambda: None)
    first.stop()
    await task
    assert await house.reader.runners() == []
    await house.runner().run(lambda: None)


async def test_until_one_has_got_in_they_try_one_at_a_time() -> None:
    reach = Reach(scale=1.0)
    inside = most = 0

    async def attempt() -> None:
        nonlocal inside, most
        async with reach.turn():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1

    await asyncio.gather(*(attempt() for _ in range(5)))
    assert most == 1
    reach.connected()
    await asyncio.gather(*(attempt() for _ in range(5)))
    assert most == 5


async def test_whoever_stands_at_the_door_goes_in_once_the_first_has_got_in() -> None:
    """Far away a connection takes half a second, and 64 one behind the other took half a minute."""
    reach = Reach(scale=1.0)
    inside = most = 0
    together = asyncio.Event()

    async def attempt(number: int) -> None:
        nonlocal inside, most
        async with reach.turn():
            inside += 1
            most = max(most, inside)
            if number == 0:
                await asyncio.sleep(0.005)
                assert inside == 1
                reach.connected()
            elif inside == 4:
                together.set()
            else:
                await together.wait()
            inside -= 1

    async with asyncio.timeout(10):
        await asyncio.gather(*(attempt(number) for number in range(5)))
    assert most == 4


async def test_failures_space_the_attempts_out_and_at_last_are_enough() -> None:
    reach = Reach(scale=0.02)
    loop = asyncio.get_running_loop()
    started = loop.time()
    tries = 0
    while True:
        async with reach.turn():
            tries += 1
            if reach.failed("refused"):
                break
    assert reach.trouble == "refused"
    assert 3 <= tries <= 6
    assert 0.05 < loop.time() - started < 0.5
    reach.useful()
    assert not reach.trouble
    async with reach.turn():
        pass
    assert not reach.failed("refused")


async def test_workers_that_fail_together_count_once() -> None:
    reach = Reach(scale=0.1)
    reach.connected()
    for _ in range(50):
        assert not reach.failed("refused")
    started = asyncio.get_running_loop().time()
    async with reach.turn():
        assert asyncio.get_running_loop().time() - started < 0.2


def test_two_who_ask_at_once_are_no_runners(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db.runner.lock"
    path.write_text('{"pid": 4711}')  # as a killed runner leaves it
    with path.open("r+") as other:
        fcntl.flock(other, fcntl.LOCK_SH)  # somebody who asks as well
        assert runner_pid(path) is None
