"""Owns the report: what a launched campaign came to, and what became of every recipient."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.content import Content
from textual.widget import Widget
from textual.widgets import DataTable

from mailtui.errors import MailtuiError
from mailtui.kit.durations import show_duration
from mailtui.kit.words import counted, sentence
from mailtui.service.archive import Archive, ReportPages
from mailtui.service.facade import Service
from mailtui.service.orders import Retried
from mailtui.service.reports import ReportLine
from mailtui.service.views import CampaignView
from mailtui.service.workbench import Workbench
from mailtui.tui import second_chances
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.export import ExportDialog
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.room import Room, start
from mailtui.tui.states import DELIVERIES, campaign_look, failure_content, totals_content
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.widgets.recipients import RecipientTable, line_content

_PAGE = 200
_LOOK_AGAIN = 1.0
_FAILURES_SHOWN = 5
_EMPTY = "Nothing has been launched from this outbox, so there is nothing to report."


class ReportScreen(Room):
    """About the campaign that was watched last, or the newest."""

    ROOM: ClassVar[str] = "report"
    BINDINGS: ClassVar = bindings("report")
    CSS_PATH = "report.tcss"
    HELP: ClassVar[str] = (
        "Every recipient has exactly one state. Unknown is a mail whose reply was lost: it may have arrived,\n"
        "and is never sent again by itself: u settles it. r sends again what failed; a corrects an address first.\n"
        "The same as a file: e, or on the command line: mailtui report ID."
    )

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._archive = Archive(service)
        self._view: CampaignView | None = None
        self._state = ""
        self._number = 0
        self._pages: ReportPages | None = None
        self._more = False
        self._lines: dict[str, ReportLine] = {}
        self._explained: tuple[object, ...] = ()
        """The campaign and the counts whose failures are shown."""

    def body(self) -> Iterable[Widget]:
        yield Plain("Looking …", id="empty", classes="empty")
        yield Plain(id="head")
        yield Plain(id="totals")
        yield Plain(id="failures")
        yield Plain(id="shown")
        yield RecipientTable(id="lines")
        yield Plain(id="detail")
        yield Plain(id="trouble", classes="trouble")

    def on_mount(self) -> None:
        super().on_mount()
        self._show_trouble("")
        self._show_parts(some=False)

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        start(self, self._follow, "follow")

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "follow")

    def on_unmount(self) -> None:
        self._archive.close()

    def turn_to(self, campaign_id: str) -> None:
        """Be about this campaign from now on."""
        self.house.watched = campaign_id
        if self.is_current:
            start(self, self._follow, "follow")

    async def _follow(self) -> None:
        """Keep the totals right while the screen is seen; the lines are read when somebody asks for them."""
        while True:
            try:
                view = await self._look()
                if view is not None:
                    await self._take(view)
            except MailtuiError as error:
                self.complain(error)
            await asyncio.sleep(_LOOK_AGAIN)

    async def _look(self) -> CampaignView | None:
        campaign = self.house.watched
        if campaign:
            return await self.service.view(campaign)
        views = await self._archive.views()
        return views[-1] if views else None

    async def _take(self, view: CampaignView) -> None:
        before, self._view = self._view, view
        if before is None or before.id != view.id:
            self._state = ""
            self._show_parts(some=True)
            self._show_totals(view)
            start(self, self._read, "read")  # by itself: this look may be given up for another one
        elif before.counts != view.counts or before.state != view.state or before.lost != view.lost:
            self._show_totals(view)
        known = (view.id, view.counts)
        if known == self._explained:
            return
        failures = await self._archive.failures(view, _FAILURES_SHOWN)
        self._explained = known
        place = self.query_one("#failures", Plain)
        place.display = bool(failures)
        place.show(joined(*(failure_content(*failure) for failure in failures), separator="\n"))

    def _show_parts(self, *, some: bool) -> None:
        empty = self.query_one("#empty", Plain)
        empty.display = not some
        if not some:
            empty.show(_EMPTY)
        for name in ("#head", "#totals", "#failures", "#shown", "#lines", "#detail"):
            self.query_one(name).display = some

    def _show_totals(self, view: CampaignView) -> None:
        times = show_duration(view.send_seconds) if view.send_seconds else ""
        reason = f"because {view.reason}" if view.reason and not view.active else ""
        head = (
            plain(view.name, "bold", limit=max(12, self.size.width - 40)),
            campaign_look(view).content,
            *(plain(text, "$text-muted") for text in (view.id, times, reason) if text),
        )
        self.query_one("#head", Plain).show(joined(*head, separator="   "))
        self.query_one("#totals", Plain).show(totals_content(view, self.size.width - 2))
        self._show_shown()
        self.refresh_bindings()

    # the lines

    async def _read(self, number: int = 0, *, line: int = 0) -> None:
        """Read a page of the report and show it, the cursor on this line of it; page 0 begins anew."""
        view = self._view
        if view is None:
            return
        table = self.query_one("#lines", RecipientTable)
        table.loading = True
        try:
            if (number == 0 and not line) or self._pages is None:
                self._pages = self._archive.pages(view, [self._state] if self._state else [], _PAGE)
            pages = self._pages
            lines = await pages.page(number)
            self._more = bool(await pages.page(number + 1))
        finally:
            table.loading = False
        self._number = number
        self._lines = {str(one.row): one for one in lines}
        table.show_lines(lines)
        if lines:
            table.move_cursor(row=min(line, len(lines) - 1), animate=False)
            if self.focused is None:
                table.focus()
        self._show_shown()
        self._show_detail()
        self.refresh_bindings()

    @on(DataTable.RowHighlighted)
    def moved(self) -> None:
        self._show_detail()
        self.refresh_bindings()

    def _under_cursor(self) -> ReportLine | None:
        key = self.query_one("#lines", RecipientTable).key
        return None if key is None else self._lines.get(key)

    def _show_detail(self) -> None:
        """All that was said about the recipient under the cursor, and what can be done."""
        line = self._under_cursor()
        self.query_one("#detail", Plain).show("" if line is None else line_content(line))

    def _show_shown(self) -> None:
        view = self._view
        if view is None:
            return
        total = self._total(view)
        which: Content | str = DELIVERIES[self._state].content if self._state else "every recipient"
        first = self._number * _PAGE + 1
        where = f"{first:,} to {min(first + _PAGE - 1, total):,} of {total:,}" if total else "nobody"
        anew = plain("moving on: ctrl+r reads anew", "$text-muted") if view.active else ""
        self.query_one("#shown", Plain).show(joined(plain("Shown: "), which, plain(f"   {where}   "), anew))

    def _total(self, view: CampaignView) -> int:
        return asdict(view.counts).get(self._state, 0) if self._state else view.counts.total

    def complain(self, error: MailtuiError) -> None:
        text = "\n".join(part for part in (sentence(error.title), error.detail, error.hint) if part)
        self._show_trouble(text)

    def _show_trouble(self, text: str) -> None:
        place = self.query_one("#trouble", Plain)
        place.display = bool(text)
        place.show(plain(text, newlines=True))

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is nothing for."""
        if action not in _ABOUT_IT:
            return super().check_action(action, parameters)
        view = self._view
        if view is None:
            return None
        possible = True
        if action == "page":
            possible = self._more if parameters == (1,) else self._number > 0
        elif action == "retry":
            possible = not view.state.startswith("cancel") and bool(view.counts.failed or view.counts.deferred)
        elif action == "resolve":
            possible = view.counts.unknown > 0
        elif action == "address":
            line = self._under_cursor()
            possible = line is not None and line.state in ("failed", "deferred")
        return True if possible else None

    def action_state(self) -> None:
        """The next state that somebody is in."""
        if self._view is not None:
            found = [state for state, count in asdict(self._view.counts).items() if count]
            order = ["", *sorted(found, key=list(_INTERESTING).index)]
            self._state = order[(order.index(self._state) + 1) % len(order)] if self._state in order else ""
            start(self, self._read, "read")

    def action_page(self, step: int) -> None:
        start(self, partial(self._read, self._number + step), "read")

    def action_again(self) -> None:
        start(self, self._read, "read")

    def action_goto(self) -> None:
        start(self, self._goto, "goto")

    async def _goto(self) -> None:
        view, pages = self._view, self._pages
        if view is None or pages is None:
            return
        place = await self.app.push_screen_wait(GotoDialog(self._total(view), title="Go to a recipient, by place"))
        if isinstance(place, int):
            start(self, partial(self._read, (place - 1) // _PAGE, line=(place - 1) % _PAGE), "read")
        elif place is not None:
            one = await self.ask(lambda: self.service.orders.find(view, to=place))
            if one is None:
                return
            number = await pages.page_of(one.id)
            rows = [line.address for line in await pages.page(number)]
            if one.address in rows:
                start(self, partial(self._read, number, line=rows.index(one.address)), "read")
            else:
                self._show_trouble(f"{one.address} is {one.state}, and not among those shown. f shows others.")

    def action_retry(self) -> None:
        only: Retried | None = (
            "failed" if self._state == "failed" else "deferred" if self._state == "deferred" else None
        )
        self._order(lambda view: second_chances.retry(self.app, self.service, view, only))

    def action_resolve(self) -> None:
        line = self._under_cursor()
        about = line if line is not None and line.state == "unknown" else None
        self._order(lambda view: second_chances.resolve(self.app, self.service, view, about))

    def action_address(self) -> None:
        line = self._under_cursor()
        if line is not None:
            self._order(lambda view: second_chances.correct(self.app, self.service, view, line))

    def _order(self, ask: Callable[[CampaignView], Awaitable[str | None]]) -> None:
        """Ask, and give the order; where mail goes out by it, the board is the place to be."""

        async def give() -> None:
            if self._view is None:
                return
            view = await self.service.view(self._view.id)
            answer = await self.ask(lambda: ask(view))
            if answer is None:
                return
            self._show_trouble("")
            tell(self.app, f"{view.name}: {answer}")
            view = await self.service.view(view.id)
            if view.active:
                await self.show_campaign("board", view.id)
            else:
                start(self, self._read, "read")

        start(self, give, "order")

    def action_export(self) -> None:
        start(self, self._export, "export")

    def action_rows(self) -> None:
        start(self, partial(self._export, original=True), "export")

    async def _export(self, *, original: bool = False) -> None:
        view = self._view
        if view is None:
            return
        what = DELIVERIES[self._state].word if self._state else "rows" if original else "report"
        name = re.sub(r"[^a-z0-9]+", "-", view.name.lower()).strip("-") or "campaign"
        proposed = Path.cwd() / f"{name}-{view.id}-{what.replace(' ', '-')}.csv"
        everybody = counted(self._total(view), "recipient")
        states = [self._state] if self._state else []
        title = f"the list's rows of {everybody}" if original else f"{everybody} of {view.name}"
        path = await self.app.push_screen_wait(ExportDialog(title, proposed, rows=original))
        if path is None:
            return
        self._show_trouble("")
        tell(self.app, f"Writing {path.name} …")
        written = await self.ask(lambda: self._archive.export(view, path, states, original=original))
        if written is not None:
            tell(self.app, f"{counted(written, 'recipient')} written to {path}")


_ABOUT_IT = ("state", "page", "goto", "retry", "resolve", "address", "again", "export", "rows")
_RETRIED: dict[str, Retried] = {"failed": "failed", "deferred": "deferred"}
_INTERESTING = (
    *("failed", "unknown", "expired", "deferred", "sent", "in_flight", "claimed", "queued"),
    *("suppressed", "skipped", "cancelled"),
)
"""The order in which states are stepped through."""
