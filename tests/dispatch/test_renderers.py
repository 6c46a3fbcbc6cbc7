"""Rendering in further processes: the same bytes, nobody lost and nobody twice, whatever becomes of a process."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

from mailtui.dispatch.plan import SendPlan
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House

WIDE = "Hello {{ name }}\n" + "{% for n in range(60) %}{{ n }} for {{ name }}\n{% endfor %}"


def _children() -> list[int]:
    """The render processes of this process."""
    out = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=False
    ).stdout
    return [int(line.split()[0]) for line in out.splitlines() if "mailtui.dispatch.renderer" in line]


async def _some_child(seconds: float = 15.0) -> int:
    async with asyncio.timeout(seconds):
        while not (found := _children()):
            await asyncio.sleep(0.01)
    return found[0]


def _plan(processes: int, *, workers: int = 4, rate: float | None = None) -> SendPlan:
    return SendPlan(workers=workers, rate=rate, render_processes=processes)


def _run(house: House, scale: float = 0.05, seconds: float = 60.0) -> asyncio.Task[None]:
    return asyncio.create_task(house.send(scale=scale, seconds=seconds))


async def test_processes_render_and_end_with_the_campaign(house: House, tmp_path: Path) -> None:
    async with SandboxServer(tmp_path / "sandbox") as server:
        campaign = await house.launch(3_000, server.port, _plan(2), text=WIDE)
        sending = _run(house)
        await _some_child()
        await sending
    assert _children() == []
    rows = await house.check_books(campaign, server.folder)
    assert {row.state.value for row in rows.values()} == {"sent"}
