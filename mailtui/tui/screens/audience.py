"""Owns the list screen: what was understood of a list, how many of it are meant, and its rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.containers import Container, Vertical
from textual.timer import Timer
from textual.widget import Widget

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.lists import AudienceCounts
from mailtui.service.workbench import OpenList, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.explain import ExplainDialog
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.problems import ProblemsDialog
from mailtui.tui.room import Room
from mailtui.tui.screens.preview import PreviewScreen
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.understood import counts_text, filter_text, understood

PROBLEMS_SHOWN = 500
_LOOK_EVERY = 0.1
_PAIRS_NEED = 80
_EMPTY = "No list is open.\n\nPress o to open one, or 1 and then d to try the demo."


class AudienceScreen(Room):
    """The list."""

    ROOM: ClassVar[str] = "audience"
    HELP: ClassVar[str] = (
        "The list as it stands in its file. Above it: how the file was understood, each finding with how sure it is"
        " (= given by you, + certain, ~ likely, ? a guess), and how many mails come of it."
        " A row marked × has no address a mail can go to."
    )
    CSS_PATH = "audience.tcss"
    BINDINGS: ClassVar = bindings("audience")

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._shown: OpenList | None = None
        self._filter = ""
        self._counts: AudienceCounts | None = None
        self._counting = False
        self._watch: Timer | None = None

    def body(self) -> Iterable[Widget]:
        yield Trouble(id="trouble")
        yield Plain(id="reading")
        yield Plain(id="empty", classes="empty")
        yield Container(
            Vertical(Plain(id="understood"), Plain(id="counts"), Plain(id="set"), id="about"),
            Vertical(RowTable(id="table"), Plain(id="here"), id="rows"),
            id="list",
        )

    def on_mount(self) -> None:
        self._watch = self.set_interval(_LOOK_EVERY, self._show_reading, pause=True)

    def on_screen_resume(self) -> None:
        if self._watch is not None:
            self._watch.resume()
        self._show()

    def on_screen_suspend(self) -> None:
        if self._watch is not None:
            self._watch.pause()

    async def opened(self) -> None:
        await super().opened()
        self.query_one(Trouble).clear()
        self._show()

    def on_resize(self) -> None:
        self._show_about()

    @property
    def table(self) -> RowTable:
        """The rows."""
        return self.query_one("#table", RowTable)

    # showing

    def _show(self) -> None:
        """Show what is open now; the rows stay where they are as long as the list does."""
        opened = self.bench.open_list
        self.show_where()
        self._show_reading()
        self.query_one("#list").display = opened is not None
        if opened is not None:
            if opened is not self._shown:
                self._shown, self._counts = opened, None
                self.table.show(opened.columns, opened.rows, self._rows_of_list)
                self.table.focus()
            if self._counts is None or self._filter != self.bench.filter_text:
                self._filter, self._counts, self._counting = self.bench.filter_text, None, True
                self.run_worker(self._count(), exclusive=True, group="counts", exit_on_error=False)
        self._show_about()
        self.refresh_bindings()

    def _show_reading(self) -> None:
        """How far the reading of a list is, while one is being read."""
        opening, opened = self.bench.opening, self.bench.open_list
        reading, empty = self.query_one("#reading", Plain), self.query_one("#empty", Plain)
        was_reading = reading.display or (opening is None and empty.has_class("-reading"))
        text = plain("")
        if opening is not None:
            far = f", {counted(opening.rows, 'row')} so far" if opening.rows else ""
            text = plain(f"Reading {opening.name}{far} ...   esc stops")
        reading.display = opening is not None and opened is not None
        empty.display = opened is None
        empty.set_class(opening is not None, "-reading")
        if opening is not None:
            (empty if opened is None else reading).show(text)
        elif opened is None:
            empty.show(_EMPTY)
        if was_reading is not (opening is not None):
            self.refresh_bindings()

    def _show_about(self) -> None:
        opened = self.bench.open_list
        if opened is None:
            return
        wide, tall = self.app.size.width >= 120, self.app.size.height >= 30
        reasons = "below" if wide and tall else "beside" if tall else "pairs"
        if self.app.size.width < _PAIRS_NEED:
            reasons = "none"
        self.query_one("#understood", Plain).show(understood(opened.understanding, reasons=reasons))
        counts, stacked, filtered = self._counts or opened.rows, wide and tall, bool(self._filter)
        width = None if stacked else self.app.size.width - 2
        text = counts_text(counts, filtered=filtered, counting=self._counting, width=width)
        self.query_one("#counts", Plain).show(text)
        self.query_one("#set", Plain).show(filter_text(self._filter, stacked=stacked))
        self._show_here()

    def _show_here(self) -> None:
        """The line below the table: which row the cursor is on."""
        table, here = self.table, self.query_one("#here", Plain)
        if not table.rows:
            here.show(plain("The list has column names and no row.", "$text-warning"))
            return
        row = table.current
        place = plain(f"row {table.cursor + 1:,} of {table.rows:,}", "$text-muted")
        if row is not None and not row.good:
            why = plain("× gets no mail; enter says why", "$text-error")
            here.show(joined(place, why, separator="   "))
        else:
            here.show(joined(place, plain("enter: why it is in or out", "$text-muted"), separator="   "))

    async def _count(self) -> None:
        self._counts = await self.ask(self.bench.counts)
        self._counting = False
        self._show_about()

    async def _rows_of_list(self, first: int, count: int) -> Sequence[TableRow]:
        rows = await self.bench.page(first + 1, count)
        return [TableRow(row.row - 1, f"{row.row:,}", row.cells, row.usable) for row in rows]

    def complain(self, error: MailtuiError) -> None:
        """In full, above what stays open."""
        self.query_one(Trouble).tell(error)
        self._show_reading()

    @on(RowTable.Failed)
    def failed(self, event: RowTable.Failed) -> None:
        self.complain(event.error)

    @on(RowTable.Moved)
    def moved(self) -> None:
        self._show_here()

    @on(RowTable.Chosen)
    def chosen(self) -> None:
        self.action_explain()

    # doing

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        opened = self.bench.open_list
        if action == "stop":
            return self.bench.opening is not None
        if action == "put_away":
            return self.bench.opening is None
        if action in ("goto", "explain", "problems", "copy") and (opened is None or not opened.rows):
            return None
        if action == "preview_row" and (self.bench.campaign is None or opened is None or not opened.rows):
            return None
        return True

    def action_stop(self) -> None:
        self.bench.stop_opening()
        self._show()

    def action_put_away(self) -> None:
        self.query_one(Trouble).clear()

    def action_problems(self) -> None:
        self.run_worker(self._problems(), exclusive=True, group="dialog", exit_on_error=False)

    async def _problems(self) -> None:
        counts = await self.ask(self.bench.counts)
        problems = None if counts is None else await self.ask(lambda: self.bench.problems(PROBLEMS_SHOWN))
        if counts is None or problems is None:
            return
        if not problems:
            tell(self.app, "Every row has a usable address, and no address is there twice.")
            return
        row = await self.app.push_screen_wait(ProblemsDialog(problems, counts))
        if row is not None:
            self.table.go_to(row - 1)

    def action_goto(self) -> None:
        self.run_worker(self._goto(), exclusive=True, group="dialog", exit_on_error=False)

    async def _goto(self) -> None:
        wanted = await self.app.push_screen_wait(GotoDialog(self.table.rows))
        if isinstance(wanted, str):
            address = wanted
            wanted = await self.ask(lambda: self.bench.find(address))
            if wanted is None:
                tell(self.app, f"{address} is not in the list.", bad=True)
        if wanted is not None:
            self.table.go_to(wanted - 1)

    def action_explain(self) -> None:
        self.run_worker(self._explain(), exclusive=True, group="dialog", exit_on_error=False)

    async def _explain(self) -> None:
        row = self.table.cursor + 1
        view = await self.ask(lambda: self.bench.explain(row))
        if view is not None:
            await self.app.push_screen_wait(ExplainDialog(view, self.bench.filter_text))

    async def action_preview_row(self) -> None:
        row = self.table.cursor + 1
        await self.app.switch_mode("preview")
        screen = self.app.screen
        if isinstance(screen, PreviewScreen):
            screen.show_row(row)

    async def action_copy(self) -> None:
        opened, row = self.bench.open_list, self.table.current
        if opened is None or row is None or len(row.cells) != len(opened.columns):
            return
        column = opened.understanding.address_column.value
        if column in opened.columns:
            address = row.cells[opened.columns.index(column)]
            self.app.copy_to_clipboard(address)
            tell(self.app, f"Copied {address}")
