"""One process at a time, and the lock of a dead one is free."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

from mailtui.kit.file_lock import exclusive

HOLDER = """
import asyncio, sys
from pathlib import Path
from mailtui.kit.file_lock import exclusive
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
