"""A dry run from the app: the mails of some rows into a file, how far it is, and that it can be stopped."""

from __future__ import annotations

import inspect
import mailbox
import threading
from functools import partial
from pathlib import Path

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from mailtui.service.dry_run import DryRun, NoMail, Rows, write_mails
from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.dry_run import DryRunDialog
from mailtui.tui.text import Plain
from tests.tui.conftest import change, shows, until


class Alone(App[None]):
    """Only the dialog, over something that writes as slowly as a test wants."""

    CSS_PATH = Path(inspect.getfile(MailtuiApp)).with_name("app.tcss")
    VERTICAL_BREAKPOINTS = MailtuiApp.VERTICAL_BREAKPOINTS

    def __init__(self, dialog: DryRunDialog) -> None:
        super().__init__()
        self._dialog = dialog

    def compose(self) -> ComposeResult:
        yield Plain()

    def on_mount(self) -> None:
        self.push_screen(self._dialog)


async def test_b8_rows_are_written_to_a_new_file(service: Service, sample: Path) -> None:
    [first, second] = [line.split(",")[0] for line in (sample.parent / "contacts.csv").read_text().split("\n")[2:4]]
    change(sample, "  source: contacts.csv", "  source: contacts.csv\n  suppress: [left.csv]")
    (sample.parent / "left.csv").write_text(f"email\n{first}\n")
    write = partial(write_mails, service, service.campaigns.load(sample))
    running = Alone(DryRunDialog(sample.parent, write))
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: isinstance(running.screen, DryRunDialog))
        assert shows(running, "dry-run.mbox") and shows(running, "no server is called")
        await pilot.press("tab", *"2-3", "enter")
        await until(lambda: shows(running, "+ Written: 1 mail into"))
        await until(lambda: shows(running, "1 mail left out: suppressed."))
        [mail] = mailbox.mbox(sample.parent / "dry-run.mbox")
        assert second in mail["To"]
        await pilot.press("shift+tab", "enter")
        await until(lambda: shows(running, "exists already"))
        assert not list(sample.parent.glob("dry-run-*")), "nothing else was written"


async def test_b8_e_in_the_preview_opens_it_for_the_campaign(service: Service, sample: Path) -> None:
    running = MailtuiApp(service, target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: running.bench.open_list is not None)
        await pilot.press("5", "e")
        await until(lambda: isinstance(running.screen, DryRunDialog))
        assert shows(running, str(sample.parent)[-30:])
        await pilot.press("escape")
        await until(lambda: not isinstance(running.screen, DryRunDialog))


async def test_b8_esc_stops_it_and_what_is_written_is_told(tmp_path: Path) -> None:
    begun, asked = threading.Event(), []

    def write(out: str, rows: Rows, *, told, trouble, stop) -> DryRun:  # type: ignore[no-untyped-def]
        asked.append((out, rows))
        for row in range(4, 10):
            trouble(NoMail(row, "dan@example.com", "gone.pdf is not there", ""))
        told(7, 900)
        begun.set()
        while not stop():
            threading.Event().wait(0.01)
        return DryRun(6, 6, stopped=True)

    running = Alone(DryRunDialog(tmp_path, write))
    async with running.run_test(size=(60, 20)) as pilot:
        await until(lambda: isinstance(running.screen, DryRunDialog))
        running.screen.query_one("#rows", Input).value = "4-"
        await pilot.press("enter")
        await until(begun.is_set)
        await until(lambda: shows(running, "7 of 900 rows"))
        await pilot.press("escape")
        await until(lambda: shows(running, "! Stopped after 6 mails"))
        # At the end of what does not fit there, where the buttons are.
        await until(lambda: shows(running, "× row 7 (dan@example.com): gone.pdf is not", "and 2 rows more", " Close "))
        assert asked == [(str(tmp_path / "dry-run.mbox"), Rows(4))]
        await pilot.press("escape")
        await until(lambda: not isinstance(running.screen, DryRunDialog))


@pytest.mark.parametrize(
    ("path", "rows", "said"), [("", "", "Say first where"), ("x", "9-2", "says no rows of a list")]
)
async def test_b8_what_cannot_be_is_said(tmp_path: Path, path: str, rows: str, said: str) -> None:
    running = Alone(DryRunDialog(tmp_path, lambda *_, **__: DryRun(0, 0)))
    async with running.run_test(size=(60, 20)) as pilot:
        await until(lambda: isinstance(running.screen, DryRunDialog))
        running.screen.query_one("#path", Input).value = path
        running.screen.query_one("#rows", Input).value = rows
        await pilot.press("enter")
        await until(lambda: shows(running, said))
