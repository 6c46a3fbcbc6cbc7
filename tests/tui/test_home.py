"""Home: how every campaign stands, also when its runner is gone, and where a newcomer begins."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from textual.widgets import Input

from mailtui.outbox.states import OrderKind
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.open import OpenDialog
from mailtui.tui.result import AppResult
from mailtui.tui.screens.board import BoardScreen
from mailtui.tui.screens.home import HomeScreen
from mailtui.tui.screens.report import ReportScreen
from mailtui.tui.states import CAMPAIGNS, DELIVERIES, LOST
from tests.tui.conftest import MakeApp, change, finished, grid, launch, shows, stretch, until

HOSTILE = "[@click=app.quit]x[/] [/oops"


def slow(campaign: Path, rows: int = 300) -> None:
    change(campaign, "rate: 100/s", "rate: 10/s")
    change(campaign, "burst: 50", "burst: 1")
    stretch(campaign, rows)


async def test_a_newcomer_is_told_where_to_begin(app: MakeApp) -> None:
    running = app()
    async with running.run_test() as pilot:
        await until(
            lambda: shows(running, "Nothing has been sent from here yet.", "Press o to open", "d to try the demo")
        )
        await pilot.press("d")
        await until(lambda: not running.is_running)
    assert running.return_value is AppResult.DEMO


async def test_the_demo_is_not_offered_in_the_demo(service: Service) -> None:
    running = MailtuiApp(service, demo=2525)
    async with running.run_test() as pilot:
        await until(lambda: shows(running, "Nothing has been sent"))
        await pilot.press("d")
        await pilot.pause()
        assert running.is_running


async def test_a_wrong_path_stays_in_the_dialog_and_is_explained(app: MakeApp, sample: Path) -> None:
    running = app()
    async with running.run_test() as pilot:
        await pilot.press("o")
        await until(lambda: isinstance(running.screen, OpenDialog))
        running.screen.query_one(Input).value = str(sample.parent / "campain.yaml")
        await pilot.press("enter")
        await until(lambda: shows(running, "Did you mean campaign.yaml?"))
        for wrong in ("x" * 300, "~nobody-of-that-name/x", str(sample.parent / "nowhere" / "x.csv")):
            running.screen.query_one(Input).value = wrong
            await pilot.press("enter")
            await until(lambda: shows(running, "There is no"))
        assert isinstance(running.screen, OpenDialog)
        running.screen.query_one(Input).value = str(sample)
        await pilot.press("enter")
        await until(lambda: running.bench.campaign is not None)


async def test_campaigns_and_how_they_stand(app: MakeApp, service: Service, sendable: Path) -> None:
    change(sendable, "name: Spring news", f"name: '{HOSTILE}'")
    stretch(sendable, 20)
    launched = await launch(service, sendable)
    running = app()
    async with running.run_test(size=(120, 40)) as pilot:
        await until(lambda: shows(running, "! lost", HOSTILE[:20]))  # launched, and nobody sends it
        await service.start_runner({})
        await finished(service, launched.campaign.id)
        await until(lambda: shows(running, "+ finished"))
        line = next(line for line in grid(running) if "+ finished" in line)
        assert line.split()[-7:-3] == ["20", "0", "0", "20"]
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ReportScreen) and shows(running, launched.campaign.id))


async def test_a_send_is_found_again_and_watched(app: MakeApp, service: Service, sendable: Path) -> None:
    slow(sendable)
    launched = await launch(service, sendable)
    await service.start_runner({})
    running = app()
    async with running.run_test() as pilot:
        await until(lambda: shows(running, "» sending", "Spring news is sending"))
        before = next(line for line in grid(running) if "» sending" in line)
        await until(lambda: before not in grid(running))  # the figures move by themselves
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, BoardScreen) and shows(running, launched.campaign.id))


async def test_a_killed_runner_is_lost_and_r_goes_on(app: MakeApp, service: Service, sendable: Path) -> None:
    slow(sendable)
    launched = await launch(service, sendable)
    pid = await service.start_runner({})
    running = app()
    async with running.run_test() as pilot:
        await until(lambda: shows(running, "» sending"))
        os.kill(pid, signal.SIGKILL)
        await until(lambda: shows(running, "! lost", "Lost: no process sends it any more", "last heard of"))
        await pilot.press("r")
        await until(lambda: isinstance(running.screen, BoardScreen) and shows(running, "» sending"))
    assert service.runner_pid() not in (None, pid)
    assert not (await service.view(launched.campaign.id)).lost


async def test_a_pause_shows_its_reason(app: MakeApp, service: Service, sample: Path) -> None:
    """The sample's own port has nobody listening: the runner pauses it and says why."""
    stretch(sample, 5)
    launched = await launch(service, sample)
    desk = service.outbox.desk()
    await desk.order(launched.campaign.number, OrderKind.PAUSE, {}, actor="Ada", now=0)
    desk.close()
    await service.start_runner({})
    running = app()
    async with running.run_test():
        await until(lambda: shows(running, "║ paused", "Paused"))


async def test_nothing_is_read_while_nothing_changes(
    app: MakeApp, service: Service, sendable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretch(sendable, 5)
    launched = await launch(service, sendable)
    await service.start_runner({})
    await finished(service, launched.campaign.id)
    await until(lambda: service.runner_pid() is None)
    shown: list[list[CampaignView]] = []
    show = HomeScreen._show

    def counted(self: HomeScreen, views: list[CampaignView]) -> None:
        shown.append(views)
        show(self, views)

    monkeypatch.setattr(HomeScreen, "_show", counted)
    running = app()
    async with running.run_test() as pilot:
        await until(lambda: shows(running, "+ finished"))
        await pilot.pause(1.3)
        assert len(shown) == 1
        await pilot.press("f9")  # hidden: not even looked
        await until(lambda: isinstance(running.screen, ReportScreen))
        [home] = running._screen_stacks["home"]
        assert not [worker for worker in home.workers if worker.node is home and worker.is_running]


def test_a_state_is_a_word_a_symbol_and_a_colour() -> None:
    for looks in (CAMPAIGNS, DELIVERIES):
        for look in (*looks.values(), LOST):
            assert len(look.symbol) == 1
            assert ord(look.symbol) < 0x100 or 0x2500 <= ord(look.symbol) < 0x2580
            assert look.word
            assert "$" in look.style
    words = [look.word for look in DELIVERIES.values()]
    assert len(set(words)) == len(words)


async def test_an_open_campaign_is_what_comes_next(app: MakeApp, sample: Path) -> None:
    running = app(target=sample)
    async with running.run_test() as pilot:
        await until(lambda: not shows(running, "Nothing has been sent") and shows(running, "Spring news"))
        await pilot.press("f2")
        await until(lambda: shows(running, "Spring news is open. Press 5 to see its mails, 6 to review"))
