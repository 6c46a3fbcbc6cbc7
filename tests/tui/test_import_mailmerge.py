"""A template of mailmerge that is opened in the app becomes a campaign there."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual.widgets import Input

from mailtui.tui.dialogs.import_mailmerge import ImportMailmergeDialog
from mailtui.tui.room import start
from tests.service.test_importing import mailmerge
from tests.tui.conftest import MakeApp, shows, until


async def test_b1_opening_a_mailmerge_template_offers_to_make_a_campaign(app: MakeApp, tmp_path: Path) -> None:
    source = mailmerge(tmp_path / "old")
    running = app(target=source)
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: isinstance(running.screen, ImportMailmergeDialog))
        await pilot.press("escape")
        await until(lambda: not isinstance(running.screen, ImportMailmergeDialog))
        assert not (tmp_path / "old" / "campaign").exists()
        start(running, partial(running.open_target, source), "open")
        await until(lambda: shows(running, "It was written for mailmerge"))
        folder = running.screen.query_one("#folder", Input)
        folder.value = str(source.parent)
        await pilot.press("enter")
        await until(lambda: shows(running, "is not empty"))
        folder.value = str(tmp_path / "new")
        await pilot.press("enter")
        await until(lambda: shows(running, "enter opens the campaign"))
        assert shows(running, "no server was found")
        await pilot.press("enter")
        await until(lambda: running.bench.campaign is not None)
        assert running.bench.campaign is not None
        assert running.bench.campaign.path == tmp_path / "new" / "campaign.yaml"
