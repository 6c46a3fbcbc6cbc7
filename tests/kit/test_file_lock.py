"""One process at a time, and the lock of a dead one is free."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path

from mailtui.kit.file_lock import exclusive, holder_pid

HOLDER = """
import asyncio, sys
from pathlib import Path
from mailtui.kit.file_lock import exclusive, holder_pid
async def main():
    async with exclusive(Path(sys.argv[1])):
        print("held", flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_it_waits_for_another_process_and_outlives_its_death(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "x.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"

    async def take() -> None:
        async with exclusive(path):
            return

    waiting = asyncio.create_task(take())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    holder.kill()
    holder.wait()
    holder.stdout.close()
    async with asyncio.timeout(5):
        await waiting


BRIEF = """
import sys, time
from pathlib import Path
from mailtui.dispatch.lock import RunnerLock
print("begun", flush=True)
while True:
    lock = RunnerLock.acquire(Path(sys.argv[1]), version="1")
    time.sleep(0.0002)
    lock.release()
"""


def test_who_begins_or_ends_in_this_instant_is_not_process_0(tmp_path: Path) -> None:
    """A signal to process 0 goes to everything the caller was started with."""
    path = tmp_path / "runner.lock"
    path.touch(0o600)
    holder = subprocess.Popen([sys.executable, "-c", BRIEF, str(path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == b"begun\n"
        seen = Counter(holder_pid(path) for _ in range(10_000))
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()
    assert {holder.pid, None} <= seen.keys() <= {holder.pid, None, 0}
    assert seen[0] <= 5, "whoever names itself is waited for, unless the machine gives it no time to"
