"""Owns a report's lines: which recipients are shown, page by page, and all that is known of the one chosen."""

from __future__ import annotations

from dataclasses import asdict

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import DataTable

from mailtui.service.archive import Archive, ReportPages
from mailtui.service.reports import ReportLine
from mailtui.service.views import CampaignView
from mailtui.tui.states import DELIVERIES
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.recipients import RecipientTable, line_content

_PAGE = 200
_INTERESTING = (
    *("failed", "unknown", "expired", "deferred", "sent", "in_flight", "claimed", "queued"),
    *("suppressed", "skipped", "cancelled"),
)
"""The order in which states are stepped through."""


class RecipientPages(Vertical):
    """The recipients of one campaign in one state, or in any. The screen says when to read, and awaits it."""

    DEFAULT_CSS = """
    RecipientPages { height: 1fr; }
    """

    def __init__(self, archive: Archive, *, id: str) -> None:
        super().__init__(id=id)
        self._archive = archive
        self._view: CampaignView | None = None
        self._number = 0
        self._read_from: ReportPages | None = None
        self._more = False
        self._lines: dict[str, ReportLine] = {}
        self.state = ""
        """The one state whose recipients are shown; empty for all."""

    def compose(self) -> ComposeResult:
        yield Plain(id="shown")
        yield RecipientTable(id="lines")
        yield Plain(id="detail")

    @property
    def line(self) -> ReportLine | None:
        """The recipient under the cursor."""
        key = self.query_one("#lines", RecipientTable).key
        return None if key is None else self._lines.get(key)

    @property
    def total(self) -> int:
        """How many recipients there are in the state that is shown."""
        if self._view is None:
            return 0
        counts = self._view.counts
        return asdict(counts).get(self.state, 0) if self.state else counts.total

    def has(self, step: int) -> bool:
        """Whether there is a page so many after this one: 1 or -1."""
        return self._more if step > 0 else self._number > 0

    def tell(self, view: CampaignView) -> None:
        """How the campaign stands now; what was read stays as it is."""
        before, self._view = self._view, view
        if before is None or before.id != view.id:
            self.state = ""
        self._show_shown()

    def step_state(self) -> None:
        """Mean the next state that somebody is in; they are shown once they are read."""
        if self._view is not None:
            found = [state for state, count in asdict(self._view.counts).items() if count]
            order = ["", *sorted(found, key=_INTERESTING.index)]
            self.state = order[(order.index(self.state) + 1) % len(order)] if self.state in order else ""

    async def read(self) -> None:
        """Read anew, and show the first page."""
        self._read_from = None
        await self._turn_to(0)

    async def read_on(self) -> None:
        """Read anew, and stay at this place: on the next one, where the one under the cursor is in another state now.

        The first page is shown where this one is empty now.
        """
        self._read_from = None
        await self._turn_to(self._number, line=max(0, self.query_one("#lines", RecipientTable).cursor_row))
        if self._number and not self._lines:
            await self._turn_to(0)

    async def turn(self, step: int) -> None:
        """Show another page of what was read."""
        await self._turn_to(self._number + step)

    async def go_to(self, place: int) -> None:
        """Put the cursor on the recipient at this place, counted from 1."""
        number, line = divmod(place - 1, _PAGE)
        await self._turn_to(number, line=line)

    async def find(self, delivery: int, address: str, copy_of: str | None = None) -> bool:
        """Put the cursor on this mail, or this copy; False when it is not among those that are shown."""
        pages = self._pages()
        if pages is None:
            return False
        number = await pages.page_of(delivery)
        mails = [(line.address, line.copy_of) for line in await pages.page(number)]
        if (address, copy_of) not in mails:
            return False
        await self._turn_to(number, line=mails.index((address, copy_of)))
        return True

    def _pages(self) -> ReportPages | None:
        if self._read_from is None and self._view is not None:
            self._read_from = self._archive.pages(self._view, [self.state] if self.state else [], _PAGE)
        return self._read_from

    async def _turn_to(self, number: int, *, line: int = 0) -> None:
        pages = self._pages()
        if pages is None:
            return
        table = self.query_one("#lines", RecipientTable)
        table.loading = True
        try:
            lines = await pages.page(number)
            self._more = bool(await pages.page(number + 1))
        finally:
            table.loading = False
        self._number = number
        self._lines = {one.name: one for one in lines}
        table.show_lines(lines)
        if lines:
            table.move_cursor(row=min(line, len(lines) - 1), animate=False)
            if self.screen.focused is None:
                table.focus()
        self._show_shown()
        self._show_line()

    @on(DataTable.RowHighlighted)
    def _show_line(self) -> None:
        """All that was said about the recipient under the cursor, and what can be done."""
        line = self.line
        self.query_one("#detail", Plain).show("" if line is None else line_content(line))
        self.screen.refresh_bindings()

    def _show_shown(self) -> None:
        view = self._view
        if view is None:
            return
        which: Content | str = DELIVERIES[self.state].content if self.state else "every recipient"
        first, total = self._number * _PAGE + 1, self.total
        where = f"{first:,} to {min(first + _PAGE - 1, total):,} of {total:,}" if total else "nobody"
        anew = plain("moving on: ctrl+r reads anew", "$text-muted") if view.active and not view.lost else ""
        self.query_one("#shown", Plain).show(joined(plain("Shown: "), which, plain(f"   {where}   "), anew))
