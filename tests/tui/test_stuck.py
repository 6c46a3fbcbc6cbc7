"""A runner that cannot write says nothing any more: every face tells so within seconds, and that it goes on again."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path

from textual.pilot import Pilot

from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from mailtui.tui.result import AppResult
from tests.tui.conftest import MakeApp, change, grid, launch, shows, stretch, until

WITHIN = 20.0  # seconds for what a quiet machine shows after three


async def sending(service: Service, campaign: Path) -> tuple[str, int]:
    """The id of a campaign that is sent slowly, and the process that does."""
    change(campaign, "rate: 100/s", "rate: 10/s")
    change(campaign, "burst: 50", "burst: 1")
    stretch(campaign, 2_000)
    launched = await launch(service, campaign)
    return launched.campaign.id, await service.start_runner({})


def told(app: MailtuiApp) -> str:
    """What stands on the screen, as one line."""
    return " ".join(" ".join(grid(app)).split())


async def says_so(app: MailtuiApp, pilot: Pilot[AppResult], pid: int) -> None:
    """Board and home say that the runner is stuck, why that may be, and where its log is."""
    await pilot.press("f8")
    await until(lambda: shows(app, "! stuck"), seconds=WITHIN)
    why = "is the disk full, the outbox locked, or the process stopped? Its log: "
    for words in (f"The runner (process {pid}) has not been able to write for", why, "runner-"):
        await until(lambda words=words: words in told(app), seconds=WITHIN)
    await pilot.press("f2")
    await until(lambda: "has not been able to write for" in told(app), seconds=WITHIN)
    await until(lambda: shows(app, "! stuck"))


async def test_a_stopped_runner_is_told_on_board_home_and_command_line(
    app: MakeApp, service: Service, sendable: Path
) -> None:
    campaign, pid = await sending(service, sendable)
    following = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "mailtui", "status", campaign, "--follow", "--plain"), stdout=PIPE, stderr=PIPE
    )
    assert following.stderr is not None
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: shows(running, "» sending"))
        os.kill(pid, signal.SIGSTOP)
        try:
            await until(lambda: "has not been able to write for" in told(running), seconds=WITHIN)  # home, by itself
            await says_so(running, pilot, pid)
            view = await service.view(campaign)
            assert view.silent_seconds > 3
            assert view.to_json()["silent_seconds"] > 3
            async with asyncio.timeout(WITHIN):
                while b"has not been able to write for" not in (line := await following.stderr.readline()):
                    assert line, "the command that follows it ended without a word"
        finally:
            os.kill(pid, signal.SIGCONT)
        await pilot.press("f8")
        await until(lambda: shows(running, "» sending", f"Sent by process {pid}"), seconds=WITHIN)
        assert not (await service.view(campaign)).silence
        async with asyncio.timeout(WITHIN):
            while b"its runner writes again" not in (line := await following.stderr.readline()):
                assert line, "the command that follows it ended without a word"
    following.terminate()
    await following.communicate()


async def test_a_locked_outbox_is_told_until_it_is_let_go(app: MakeApp, service: Service, sendable: Path) -> None:
    _, pid = await sending(service, sendable)
    running = app()
    async with running.run_test(size=(60, 20)) as pilot:
        await until(lambda: shows(running, "» sending"))
        with closing(sqlite3.connect(service.outbox.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await says_so(running, pilot, pid)
            other.execute("ROLLBACK")
        await until(lambda: shows(running, "» sending") and not shows(running, "stuck"), seconds=WITHIN)
