"""The report's remedies: retry, settle what is unknown, correct an address, the rows of who failed, jumps (D-03)."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from textual.widgets import Button, Checkbox, Input

from mailtui.sandbox.capture import read_captured
from mailtui.service.facade import Service
from mailtui.tui.dialogs.address import AddressDialog
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.dialogs.export import ExportDialog
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.resolve import ResolveDialog
from mailtui.tui.screens.board import BoardScreen
from mailtui.tui.screens.report import ReportScreen
from tests.tui.conftest import MakeApp, finished, grid, sent_to_faults, shows, until

ROWS = 450
FAULTS = """
rules:
  - {stage: rcpt, recipient: "person7@*", reply: "550 5.1.1 No such user"}
  - {stage: rcpt, recipient: "person9@*", reply: "550 5.7.1 [b]Not now", times: 1}
  - {stage: dot, recipient: "person1[12]@*", action: accept_then_drop, times: 2}
"""


@pytest_asyncio.fixture
async def sent(service: Service, sample: Path) -> AsyncIterator[str]:
    """The id of a finished campaign to 450 people: two failed, two may have got it; its sandbox still runs."""
    async with sent_to_faults(service, sample, FAULTS, rows=ROWS) as campaign:
        yield campaign


async def test_what_failed_is_sent_again_and_the_board_opens(
    app: MakeApp, sent: str, service: Service, tmp_path: Path
) -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "× 2 failed", "? 2 unknown"))
        await pilot.press("f")
        await until(lambda: shows(running, "1 to 2 of 2", "person7@example.test   550 5.1.1 No such user"))
        await until(lambda: shows(running, "The address is refused as such. Correct it, or let it be."))
        await pilot.press("down")
        await until(
            lambda: shows(running, "person9@example.test   550 5.7.1 [b]Not now", "Try again once what it says")
        )
        await pilot.press("r")
        await until(lambda: isinstance(running.screen, ConfirmDialog) and shows(running, "Send 2 mails again?"))
        assert running.screen.focused is not None and running.screen.focused.id == "no"
        await pilot.press("escape")
        await until(lambda: isinstance(running.screen, ReportScreen))
        await pilot.press("r")
        await until(lambda: isinstance(running.screen, ConfirmDialog))
        await pilot.click("#yes")
        await until(lambda: isinstance(running.screen, BoardScreen))
        await finished(service, sent)
        assert (await service.view(sent)).counts.failed == 1
    assert sum(mail.rcpt_to == ("person9@example.test",) for mail in read_captured(tmp_path / "sandbox")) == 1


async def test_d03_what_is_unknown_is_settled_one_by_one_or_all(
    app: MakeApp, sent: str, service: Service, tmp_path: Path
) -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "? 2 unknown"))
        await pilot.press("f", "f")
        await until(lambda: shows(running, "? unknown   1 to 2 of 2", "It may have arrived. Look in"))
        await pilot.press("u")
        await until(lambda: isinstance(running.screen, ResolveDialog) and shows(running, "Did it arrive?", "person11@"))
        focused = running.screen.focused
        assert isinstance(focused, Button) and focused.id == "cancel"
        await until(lambda: shows(running, "may arrive twice", "all 2 unknown mails", "It arrived", "Send again"))
        await pilot.press("enter")
        await until(lambda: isinstance(running.screen, ReportScreen))
        assert (await service.view(sent)).counts.unknown == 2
        await pilot.press("u")
        await until(lambda: isinstance(running.screen, ResolveDialog))
        await pilot.click("#sent")
        await until(lambda: isinstance(running.screen, ReportScreen) and shows(running, "1 to 1 of 1", "person12@"))
        await pilot.press("u")
        await until(lambda: isinstance(running.screen, ResolveDialog))
        running.screen.query_one(Checkbox).value = True
        await pilot.click("#resend")
        await until(lambda: isinstance(running.screen, BoardScreen))
        await finished(service, sent)
        assert (await service.view(sent)).counts.unknown == 0
    took = [mail.rcpt_to[0] for mail in read_captured(tmp_path / "sandbox")]
    assert (took.count("person11@example.test"), took.count("person12@example.test")) == (1, 2)
    assert len({mail.sha256 for mail in read_captured(tmp_path / "sandbox") if "person12@" in mail.rcpt_to[0]}) == 1


async def test_an_address_is_corrected_where_it_can_be(app: MakeApp, sent: str, service: Service) -> None:
    running = app()
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "person1@example.test"))
        await pilot.press("a")  # the first one was sent: greyed
        assert isinstance(running.screen, ReportScreen)
        await pilot.press("f")
        await until(lambda: shows(running, "1 to 2 of 2", "person7@example.test   550"))
        await until(lambda: shows(running, "a Address ", "? Help ", "^q Quit "))  # however many keys there are
        await pilot.press("a")
        await until(lambda: isinstance(running.screen, AddressDialog) and shows(running, "The right address of row 7"))
        field = running.screen.query_one(Input)
        for wrong, why in (
            ("person7@example.test", "This is the address that was refused"),
            ("nobody", "cannot be used as an address"),
            ("person8@example.test", "is in this campaign already (row 8, sent)"),
        ):
            field.value = wrong
            await pilot.press("enter")
            await until(lambda why=why: why in " ".join(" ".join(grid(running)).replace("│", " ").split()))
        field.value = "right@example.test"
        await pilot.press("enter")
        await until(lambda: shows(running, "Spring news: it goes out to right@example.test now"))
        # Whoever corrects one may have more to correct: the next failure is under the cursor.
        assert isinstance(running.screen, ReportScreen)
        await until(lambda: shows(running, "× failed   1 to 1 of 1"))
        await until(lambda: shows(running, "person9@example.test   550"))
        await finished(service, sent)
        assert (await service.view(sent)).counts.failed == 1


async def test_any_recipient_of_a_long_report_is_a_jump_away(app: MakeApp, sent: str) -> None:
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await pilot.press("f9")
        await until(lambda: shows(running, "1 to 200 of 450"))
        for typed, there in (("431", "person431@example.test"), ("person250@example.test", "person250@example.test")):
            await pilot.press("g")
            await until(lambda: isinstance(running.screen, GotoDialog))
            running.screen.query_one(Input).value = typed
            await pilot.press("enter")
            await until(lambda there=there: shows(running, f"{there}   250"))
        await until(lambda: shows(running, "201 to 400 of 450"))
        await pilot.press("n")
        await until(lambda: shows(running, "401 to 450 of 450"))
        await pilot.press("g")
        await until(lambda: isinstance(running.screen, GotoDialog))
        running.screen.query_one(Input).value = "nobody@example.test"
        await pilot.press("enter")
        await until(lambda: shows(running, "has no mail to nobody@example.test"))


async def test_the_rows_of_who_failed_are_a_list(app: MakeApp, sent: str, tmp_path: Path) -> None:
    running = app()
    async with running.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("f9", "f")
        await until(lambda: shows(running, "1 to 2 of 2"))
        await pilot.press("w")
        await until(lambda: isinstance(running.screen, ExportDialog) and shows(running, "the list's rows of 2 recip"))
        running.screen.query_one(Input).value = str(tmp_path / "failed.csv")
        await pilot.press("enter")
        await until(lambda: shows(running, "2 recipients written"))
    with (tmp_path / "failed.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["error"] for row in rows] == ["failed: 550 5.1.1 No such user", "failed: 550 5.7.1 [b]Not now"]
