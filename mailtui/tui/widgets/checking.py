"""Owns a check under way and what it found: the line of progress, and below it the findings."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import ProgressBar

from mailtui.kit.words import counted
from mailtui.service.lists import CheckReport
from mailtui.service.workbench import Superseded
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.findings import Findings, summary

Heard = Callable[[int, int], None]


def hearing(wanted: Callable[[], bool], show: Heard) -> Heard:
    """What a check in another thread is to tell how far it is: `show` hears it here, and the check ends once nobody
    waits for it any more.
    """
    loop = asyncio.get_running_loop()

    def heard(done: int, total: int) -> None:
        if not wanted():
            raise Superseded
        with contextlib.suppress(RuntimeError):  # the app has just been closed
            loop.call_soon_threadsafe(show, done, total)

    return heard


def rate_shown(done: int, began: float) -> str:
    """How fast a check is that began then, by `time.monotonic()`, and how to end it."""
    return f"{done / max(time.monotonic() - began, 0.1):,.0f} a second   escape stops it"


class Checking(Vertical):
    """Hidden until something is checked; what was found stays until `forget`."""

    DEFAULT_CSS = """
    Checking {
        height: auto;
        max-height: 45%;
        padding: 0 1;
        border-top: solid $panel;
        display: none;
        & > #check-title { height: 1; }
        & > #check-bar { width: 1fr; }
        & > #check-bar Bar { width: 1fr; }
        & > #findings { height: auto; max-height: 8; }
        &.-large { max-height: 85%; }
        &.-large > #findings { max-height: 100%; }
    }
    .-tall Checking > #findings { max-height: 14; }
    .-tall Checking.-large > #findings { max-height: 100%; }
    """

    def __init__(self) -> None:
        super().__init__(id="check")
        self._ticket: object = None

    def compose(self) -> ComposeResult:
        yield Plain(id="check-title")
        yield ProgressBar(id="check-bar", show_eta=False)
        yield Findings(id="findings")

    def on_unmount(self) -> None:
        self._ticket = None

    @property
    def busy(self) -> bool:
        """Whether a check is under way."""
        return self._ticket is not None

    def forget(self) -> None:
        """Give up what is under way, and show nothing."""
        self._ticket = None
        self.display = False

    def stop(self) -> None:
        """Give up what is under way, and say so; what was found before is gone."""
        self._ticket = None
        self.query_one("#check-bar").display = False
        self.query_one("#check-title", Plain).show(plain("The check was stopped; c checks again.", "$text-muted"))

    @on(Findings.Enlarged)
    def enlarge(self) -> None:
        self.toggle_class("-large")

    async def run(self, check: Callable[[Heard], Awaitable[CheckReport | None]]) -> None:
        """Show how far `check` is, and what it found; None from it leaves nothing to show."""
        ticket = self._ticket = object()
        began = time.monotonic()
        bar, title = self.query_one("#check-bar", ProgressBar), self.query_one("#check-title", Plain)
        self.display = True
        self.query_one("#findings").display = False
        bar.display = True
        bar.update(total=None, progress=0)
        title.show(plain("Rendering every row …", "bold"))

        def show(done: int, total: int) -> None:
            if self._ticket is ticket:
                bar.update(total=total, progress=done)
                said = plain(f"Rendering every row: {done:,} of {total:,}", "bold")
                title.show(joined(said, plain(rate_shown(done, began), "$text-muted"), separator="   "))

        heard = hearing(lambda: self._ticket is ticket, show)
        self.screen.refresh_bindings()
        found = await check(heard)
        if self._ticket is not ticket:
            return
        self._ticket = None
        bar.display = False
        self.screen.refresh_bindings()
        if found is None:
            self.display = False
            return
        self._show(found)

    def _show(self, found: CheckReport) -> None:
        rendered = plain(f"{counted(found.rendered, 'mail')} rendered", "bold")
        findings = self.query_one(Findings)
        with self.app.batch_update():
            self.query_one("#check-title", Plain).show(joined(rendered, summary(found), separator="   "))
            findings.tell(found)
            findings.display = bool(found.findings)
        if found.findings:
            findings.focus()
