"""S-01: the mark is on the disk before the end of the message is on the wire, as the kernel saw it, in every gear."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.gear import Gear
from tests.dispatch.bench import House, accepted
from tests.proof.syncs import CALLS, Count, count_syncs, lines_of


async def _traced(folder: Path, gear: Gear, size: int) -> Count:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("there is no strace to look at the system calls with")
    house = House(folder)
    trace = folder / "trace"
    async with SandboxServer(folder / "sandbox") as server:
        await house.launch(size, server.port, SendPlan(workers=4, window=4))
        house.close()
        process = await asyncio.create_subprocess_exec(
            strace, "-f", "-y", "-s", "65535", "-e", f"trace={CALLS}", "-o", str(trace),
            sys.executable, "-m", "tests.dispatch.run_outbox", house.outbox.url, "1", "--gear", gear,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(600):
            _, said = await process.communicate()
        if "ptrace" in said.decode() and process.returncode:
            pytest.skip(f"this system lets nobody trace: {said.decode().splitlines()[0]}")
        assert process.returncode == 0, said.decode()
    assert sum(accepted(server.folder).values()) == size
    count = count_syncs(lines_of(trace))
    print(f"\n{gear}: {count}")
    return count


@pytest.mark.parametrize("gear", list(Gear))
async def test_s01_the_sync_of_the_mark_comes_before_the_last_byte(tmp_path: Path, gear: Gear) -> None:
    count = await _traced(tmp_path, gear, 60)
    assert (count.ends, count.proved) == (60, 60), count.unproved


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("gear", list(Gear))
async def test_s01_in_full(tmp_path: Path, gear: Gear) -> None:
    count = await _traced(tmp_path, gear, 1_000)
    assert (count.ends, count.proved) == (1_000, 1_000), count.unproved


_MARK = r'7 pwrite64(9</o.db-wal>, "..u1.c1@example.com[\"Zo\"]in_flight..", 32, 56) = 32'
_SYNC = "7 fdatasync(9</o.db-wal>) = 0"
_ENVELOPE = r'7 sendto(5<socket:[1]>, "MAIL FROM:<>\r\nRCPT TO:<u1.c1@example.com>\r\nDATA\r\n", 9, 0, NULL, 0) = 9'
_CHUNKS = (
    r'7 sendto(5<socket:[1]>, "MAIL FROM:<>\r\nRCPT TO:<u1.c1@example.com>\r\nBDAT 12 LAST\r\nTo: a\r\n\r\n.\r\n'
    r'RSET\r\nMAIL FROM:<>\r\nRCPT TO:<u2.c1@example.com>\r\nBDAT 13 LAST\r\nTo: a\r\n\r\n", 9, 0, NULL, 0) = 9'
)
_DOT = r'7 sendto(5<socket:[1]>, "To: a\r\n\r\nHello\r\n.\r\n", 9, 0, NULL, 0) = 9'


@pytest.mark.parametrize(
    ("lines", "proved"),
    [
        ([_ENVELOPE, _MARK, _SYNC, _DOT], 1),
        ([_ENVELOPE, _MARK, _DOT, _SYNC], 0),
        ([_ENVELOPE, _SYNC, _MARK, _DOT], 0),
        ([_ENVELOPE, _MARK, _SYNC.replace("-wal", ""), _DOT], 0),
        ([_ENVELOPE, _MARK, _SYNC.replace("= 0", "= -1 EIO (Input/output error)"), _DOT], 0),
        ([_ENVELOPE, _MARK, "7 fdatasync(9</o.db-wal> <unfinished ...>", _DOT, "7 <... fdatasync resumed>) = 0"], 0),
        ([_ENVELOPE, _MARK, "7 fdatasync(9</o.db-wal> <unfinished ...>", "7 <... fdatasync resumed>) = 0", _DOT], 1),
        ([_MARK, _SYNC, _CHUNKS], 1),
        ([_MARK, _CHUNKS, _SYNC], 0),
        ([_ENVELOPE, "8 fdatasync(9</o.db-wal> <unfinished ...>", _MARK, "8 <... fdatasync resumed>) = 0", _DOT], 0),
    ],
)
def test_the_reader_of_traces_sees_an_end_that_came_too_early(lines: list[str], proved: int) -> None:
    count = count_syncs(lines)
    assert (count.ends, count.proved) == (1, proved)
