"""Nobody is left without a way on: what halts leads to where it goes on, and what is done says what comes next."""

from __future__ import annotations

from pathlib import Path

from mailtui.errors import OutboxOutdated, RunnerError
from mailtui.outbox.states import OrderKind
from mailtui.service.facade import Service
from mailtui.tui.screens.board import BoardScreen
from mailtui.tui.screens.report import ReportScreen
from mailtui.tui.ways_on import after_start
from tests.tui.conftest import MakeApp, launch, shows, stretch, until

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
        said = after_start(error, launched)
        assert launched.campaign.id in said
        assert ("twice" in said) is (error is not outdated)
