"""The send board: a real runner is watched and given orders."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from textual.widgets import Input

from mailtui.kit.paths import Home
from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox
from mailtui.sandbox.server import SandboxServer
from mailtui.service.facade import Service
from mailtui.service.pace import plan_of
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.dialogs.password import PasswordDialog
from mailtui.tui.dialogs.rate import RateDialog
from mailtui.tui.screens.board import BoardScreen
from mailtui.tui.screens.report import ReportScreen
from mailtui.tui.widgets.workers import WorkerTable
from tests.tui.conftest import MakeApp, change, finished, grid, launch, send_with_login, shows, stretch, until

FAULTS = """
rules:
  - {stage: rcpt, recipient: "*7@example.test", reply: "550 5.1.1 No such user [/here]"}
"""


def pace(campaign: Path, rate: str, rows: int) -> None:
    change(campaign, "rate: 100/s", f"rate: {rate}")
    change(campaign, "burst: 50", "burst: 1")
    stretch(campaign, rows)


async def state_of(service: Service, campaign: str) -> str:
    return (await service.view(campaign)).state


async def test_nothing_has_been_sent(app: MakeApp) -> None:
    running = app()
    async with running.run_test() as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "Nothing is being sent, and nothing has been."))
        for key in ("space", "r", "x", "plus", "l", "enter"):
            await pilot.press(key)
        assert isinstance(running.screen, BoardScreen)


async def test_from_the_first_mail_to_the_last(app: MakeApp, service: Service, sample: Path, tmp_path: Path) -> None:
    (tmp_path / "faults.yaml").write_text(FAULTS)
    sandbox = await start_sandbox(tmp_path / "sandbox", faults=tmp_path / "faults.yaml", idle_seconds=120)
    change(sample, "port: 2525", f"port: {sandbox.port}")
    pace(sample, "30/s", 90)
    launched = await launch(service, sample)
    running = app()
    async with running.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "! lost"))  # nobody sends it yet; the board waits for somebody to do so
        await service.start_runner({})
        await until(lambda: shows(running, "» sending", "Gear", "cross"))
        await until(lambda: shows(running, "example.test"))
        table = running.screen.query_one(WorkerTable)
        assert table.row_count == 4
        done = [0]

        def grows() -> bool:
            line = next((line for line in grid(running) if " of 90" in line), None)
            if line is None:
                return False  # between two layouts; what is not to be seen goes neither way
            done.append(int(line.split(" of ")[0].split()[-1].replace(",", "")))
            return done[-1] == 90

        await until(grows)
        assert done == sorted(done)  # counters never go backwards
        assert len(set(done)) > 3  # and were seen to move
        await until(lambda: shows(running, "+ finished", "+ 81 sent", "× 9 failed", "81 sent, 9 failed"))
        await until(lambda: shows(running, "× 9 failed: 550 5.1.1 No such user [/here]"))
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ReportScreen) and shows(running, launched.campaign.id))
    await stop_sandbox(sandbox)


async def test_a_server_that_does_not_answer_is_told_while_it_is_tried(
    app: MakeApp, service: Service, sendable: Path, sandbox: SandboxHandle
) -> None:
    await stop_sandbox(sandbox)
    await launch(service, sendable)
    await service.start_runner({})
    running = app()
    async with running.run_test() as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, f"No connection: nobody answers at 127.0.0.1:{sandbox.port}"), seconds=4)


async def test_pause_and_resume(app: MakeApp, service: Service, sendable: Path) -> None:
    pace(sendable, "20/s", 400)
    launched = await launch(service, sendable)
    await service.start_runner({})
    running = app()
    async with running.run_test(notifications=True) as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "» sending"))
        await pilot.press("space")
        await until(lambda: shows(running, "║ paused", "Paused", "Spring news is paused: "))
        assert await state_of(service, launched.campaign.id) == "paused"
        await pilot.press("r")
        await until(lambda: shows(running, "» sending"))
        assert not any("is paused" in toast.message for toast in running._notifications)
        assert await state_of(service, launched.campaign.id) == "running"


async def test_it_stays_with_its_campaign_when_that_one_rests_and_another_is_newer(
    app: MakeApp, service: Service, sendable: Path
) -> None:
    newer = sendable.parent.parent / "newer"
    shutil.copytree(sendable.parent, newer)
    change(newer / "campaign.yaml", "name: Spring news", "name: Newer news")
    pace(sendable, "20/s", 400)
    await launch(service, sendable)
    await service.start_runner({})
    after = await launch(service, newer / "campaign.yaml")
    await finished(service, after.campaign.id)
    running = app()
    async with running.run_test() as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "Spring news", "» sending"))
        await pilot.press("space")
        await until(lambda: shows(running, "║ paused"))
        await pilot.pause(2.5)  # it looks once a second
        assert shows(running, "Spring news   ║ paused")
        await pilot.press("f2")
        await until(lambda: not isinstance(running.screen, BoardScreen))
        await pilot.press("f8")
        await pilot.pause(0.5)
        assert shows(running, "Spring news   ║ paused")
        await pilot.press("question_mark")
        await until(lambda: shows(running, "lockstep", "flight sends", "cross", "chunked"))


async def test_a_mistyped_password_is_asked_for_again(
    home: Home, sample: Path, login_server: SandboxServer, service: Service
) -> None:
    send_with_login(home, sample, login_server.port, rows=5)
    with Service.open(service.environ) as asking:
        asking.tell_password("acme", "wrong")
        launched = await launch(asking, sample)
        await asking.start_runner(await asking.secret_for(launched.campaign))
        running = MailtuiApp(asking)
        async with running.run_test() as pilot:
            await pilot.press("f8")
            await until(lambda: shows(running, "║ paused", "Paused because the server said at auth: 535"))
            await until(lambda: asking.runner_pid() is None)
            await pilot.press("r")
            await until(lambda: isinstance(running.screen, PasswordDialog))
            await pilot.press(*"right", "enter")
            await until(lambda: shows(running, "+ finished", "+ 5 sent"))


async def test_cancel_asks_first(app: MakeApp, service: Service, sendable: Path) -> None:
    pace(sendable, "20/s", 400)
    launched = await launch(service, sendable)
    await service.start_runner({})
    running = app()
    async with running.run_test(notifications=True) as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "» sending"))
        await pilot.press("x")
        await until(lambda: isinstance(running.screen, ConfirmDialog))
        await until(lambda: shows(running, "sent: they have their mail", "waiting: these get nothing"))
        assert not shows(running, " 0 in flight: ")
        assert running.focused is not None
        assert running.focused.id == "no"
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, BoardScreen))
        assert await state_of(service, launched.campaign.id) == "running"
        await pilot.press("x")
        await until(lambda: isinstance(running.screen, ConfirmDialog))
        await pilot.click("#yes")
        await until(lambda: shows(running, "× cancelled"))
    view = await service.view(launched.campaign.id)
    assert view.state == "cancelled"
    assert view.counts.cancelled + view.counts.sent == 400
    assert view.counts.cancelled


async def test_workers_and_rate_change_at_once(app: MakeApp, service: Service, sendable: Path) -> None:
    pace(sendable, "20/s", 600)
    launched = await launch(service, sendable)
    await service.start_runner({})
    running = app()
    async with running.run_test(notifications=True) as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "» sending", "4 workers"))
        await pilot.press("plus", "plus", "plus", "minus")
        table = running.screen.query_one(WorkerTable)
        await until(lambda: shows(running, "6 workers") and table.row_count == 6)
        await pilot.press("l")
        await until(lambda: isinstance(running.screen, RateDialog))
        running.screen.query_one(Input).value = "nonsense"
        await pilot.press("enter")
        await until(lambda: shows(running, "is no rate"))
        running.screen.query_one(Input).value = "30/s"
        await pilot.press("enter")
        await until(lambda: shows(running, "limit 30/s", "Spring news: at most 30/s from now on"))
    plan = plan_of(await service.view(launched.campaign.id))
    assert (plan.workers, plan.rate) == (6, 30.0)


async def test_a_lost_runner_is_a_state_and_no_frozen_number(app: MakeApp, service: Service, sendable: Path) -> None:
    pace(sendable, "10/s", 40)
    await launch(service, sendable)
    pid = await service.start_runner({})
    running = app()
    async with running.run_test(notifications=True) as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "Sent by process"))  # the board, which tells of the change
        os.kill(pid, signal.SIGKILL)
        await until(lambda: shows(running, "! lost", "last heard of its runner at", "has lost the"))
        assert not shows(running, "measuring")
        assert not shows(running, "/s left")
        await pilot.press("r")
        await until(lambda: shows(running, "+ finished"), seconds=60)


async def test_hidden_it_follows_nothing(app: MakeApp, service: Service, sendable: Path) -> None:
    pace(sendable, "20/s", 400)
    await launch(service, sendable)
    await service.start_runner({})
    running = app()
    async with running.run_test() as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "Sent by process"))
        board = running.screen
        await pilot.press("f2")
        await until(lambda: running.screen is not board)
        await until(lambda: not [worker for worker in running.workers if worker.node is board and worker.is_running])
        await pilot.press("f8")
        before = grid(running)[2]
        await until(lambda: grid(running)[2] != before)
