"""Nobody is left without a way on: what halts leads to where it goes on, and what is done says what comes next."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from mailtui.errors import OutboxOutdated, RunnerError
from mailtui.outbox.states import OrderKind
from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView
from mailtui.tui.app import MailtuiApp
from mailtui.tui.screens.board import BoardScreen
from mailtui.tui.screens.message import MessageScreen
from mailtui.tui.screens.report import ReportScreen
from mailtui.tui.ways_on import after_start
from mailtui.tui.widgets.plan_facts import where_to
from tests.tui.conftest import MakeApp, change, finished, launch, shows, stretch, until

# what halts


async def test_home_leads_to_where_a_lost_campaign_goes_on_and_the_report_says_the_keys(
    app: MakeApp, service: Service, sample: Path
) -> None:
    stretch(sample, 5)
    await launch(service, sample)
    running = app()
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        await until(lambda: shows(running, "! lost"))
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, BoardScreen) and shows(running, "r goes on."))
        await pilot.press("8")
        await until(lambda: isinstance(running.screen, ReportScreen))
        await until(lambda: shows(running, "No process sends it any more; to go on: 7, then r.", "1 to 5 of 5"))
        await pilot.press("r")
        await until(lambda: shows(running, "Nobody failed or is deferred. To go on: 7, then r."))


async def test_home_leads_to_where_a_paused_campaign_goes_on(app: MakeApp, service: Service, sample: Path) -> None:
    stretch(sample, 5)
    launched = await launch(service, sample)
    view = await service.view(launched.campaign.id)
    await service.orders.give(view, OrderKind.PAUSE)
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: shows(running, "║ paused"))
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, BoardScreen) and shows(running, "r goes on."))
        await pilot.press("8")
        await until(
            lambda: isinstance(running.screen, ReportScreen) and shows(running, "It is paused; to go on: 7, th")
        )


# what could not be started


async def test_s07_an_older_outbox_is_never_promised_to_send_to_nobody_twice(service: Service, sample: Path) -> None:
    stretch(sample, 2)
    launched = await launch(service, sample)
    outdated = OutboxOutdated("outbox.sqlite3", ends="09:00", went_on="10:00")
    for error in (outdated, RunnerError("The runner did not start")):
        assert after_start(error, None) == "Nothing was sent. When that is mended, press s again."
        assert after_start(error, None, recurs=True).startswith("It is scheduled all the same")
        said = after_start(error, launched)
        assert launched.campaign.id in said
        assert ("twice" in said) is (error is not outdated)


# what rests


async def test_the_clock_stands_while_a_campaign_rests(service: Service, sample: Path, tmp_path: Path) -> None:
    """While it only waits for a next try, and when its runner was killed: the average is that of the sending."""
    (tmp_path / "faults.yaml").write_text('rules: [{stage: rcpt, recipient: "person2@*", reply: "451 Later"}]')
    sandbox = await start_sandbox(tmp_path / "sandbox", faults=tmp_path / "faults.yaml", idle_seconds=120)
    change(sample, "port: 2525", f"port: {sandbox.port}")
    stretch(sample, 3)
    launched = await launch(service, sample)
    pid = await service.start_runner({})

    async def view() -> CampaignView:
        return await service.view(launched.campaign.id)

    async def waits() -> bool:
        return (await view()).counts.deferred == 1 and not (await view()).at_work

    await until(waits, seconds=30)
    waiting = await view()
    assert waiting.active
    assert not waiting.lost
    await asyncio.sleep(0.2)
    assert (await view()).send_seconds == waiting.send_seconds > 0
    assert (await view()).seconds == waiting.seconds > 0
    os.kill(pid, signal.SIGKILL)

    async def is_lost() -> bool:
        return (await view()).lost

    await until(is_lost)
    assert (await view()).send_seconds == waiting.send_seconds
    await stop_sandbox(sandbox)


# the rule's line


async def test_a_digit_in_a_rule_says_how_it_changes_rooms(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: running.bench.open_list is not None, seconds=60)
        await pilot.press("3")
        await until(lambda: shows(running, "escape Leave the line ", "f1 Help ", "^q Quit"))
        await pilot.press("4")
        await until(lambda: shows(running, "For another room: esc, then 4."))
        await pilot.press("escape")
        await until(lambda: not shows(running, "Leave the line"))
        await pilot.press("4")
        await until(lambda: isinstance(running.screen, MessageScreen))


# what comes next, and where it goes


async def test_the_demo_says_what_comes_next_as_its_campaign_stands(
    service: Service, sendable: Path, sandbox: SandboxHandle
) -> None:
    stretch(sendable, 3)
    running = MailtuiApp(service, target=sendable, demo=sandbox.port)
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: running.bench.campaign is not None, seconds=60)
        await pilot.press("1")
        await until(lambda: shows(running, "Next: 6 review, s start."))
        launched = await launch(service, sendable)
        await until(lambda: shows(running, "Next: 7 and then r goes on with it."))
        await service.start_runner({})
        await finished(service, launched.campaign.id)
        await until(lambda: shows(running, "Next: 8 shows what became of everybody, q leaves the demo."))


async def test_the_last_question_says_where_it_goes(service: Service, sample: Path) -> None:
    def asked(*, to_sandbox: bool = False) -> str:
        return where_to(service.prepare(service.campaigns.load(sample), plan={}), to_sandbox=to_sandbox)

    assert asked() == "to 127.0.0.1:2525 on this machine"
    assert asked(to_sandbox=True) == "to the sandbox"
    change(sample, "{host: 127.0.0.1, port: 2525, security: plain}", "{host: mail.example.com, port: 465}")
    assert asked() == "for real"
