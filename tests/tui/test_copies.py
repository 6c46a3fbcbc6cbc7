"""Copies on the screen: how many mails it comes to, whose a copy is, and a correction of one copy alone."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Input

from mailtui.service.facade import Service
from mailtui.tui.dialogs.address import AddressDialog
from mailtui.tui.screens.report import ReportScreen
from mailtui.tui.widgets.table import KeyedTable
from tests.tui.conftest import MakeApp, finished, sent_to_faults, shows, until
from tests.tui.test_review import asked, opened

FAULTS = 'rules:\n  - {stage: rcpt, recipient: "boss@*", reply: "550 5.1.1 No such user"}\n'


def with_copies(campaign: Path) -> None:
    with campaign.open("a", encoding="utf-8") as stream:
        stream.write("bcc: boss@example.test\n")


async def test_the_number_to_type_is_that_of_all_mails(app: MakeApp, sample: Path) -> None:
    with_copies(sample)
    running = app(target=sample)
    async with running.run_test(size=(80, 30)) as pilot:
        await until(lambda: running.bench.open_list is not None)
        await pilot.press("5")
        await until(lambda: shows(running, "Copies   boss@example.test"))
        screen = await opened(running, pilot)
        await asked(running, pilot, screen)
        await until(lambda: shows(running, "Send 68 mails to 127.0.0.1:2525", "Type 68 to send"))
        assert shows(running, "34 recipients and 34 copies: 68 mails")


async def test_a_report_tells_copies_apart(app: MakeApp, sample: Path, service: Service) -> None:
    with_copies(sample)
    running = app()
    async with sent_to_faults(service, sample, FAULTS, rows=3) as sent, running.run_test(size=(120, 30)) as pilot:
        await until(lambda: shows(running, "3 recipients and 3 copies"))
        await pilot.press("f9", "f")
        await until(lambda: shows(running, "× failed   1 to 3 of 3", "boss@example.test for person3@"))
        assert running.screen.query_one(KeyedTable).row_count == 3
        await pilot.press("down")
        await until(lambda: shows(running, "   a copy of the mail to person2@example.test"))
        await pilot.press("a")
        await until(lambda: isinstance(running.screen, AddressDialog))
        running.screen.query_one(Input).value = "chief@example.test"
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ReportScreen) and shows(running, "× failed   1 to 2 of 2"))
        await finished(service, sent)
        view = await service.view(sent)
        assert (view.counts.failed, view.counts.sent) == (2, 4)
        [right] = [line async for line in service.report(view, ["sent"]) if line.copy_of]
        assert (right.address, right.copy_of) == ("chief@example.test", "person2@example.test")
