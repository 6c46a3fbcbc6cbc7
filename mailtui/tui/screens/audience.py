"""Owns the list screen: what was understood of a list, how many of it are meant, and its rows."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.lists import AudienceCounts
from mailtui.service.workbench import OpenList, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.reading_notes import ReadingNotes
from mailtui.tui.list_work import (
    explain_row,
    go_to_row,
    look_up_domains,
    mend_column,
    mend_reading,
    preview_row,
    read_again,
    see_columns,
    see_problems,
    suppress_row,
)
from mailtui.tui.room import Room, start
from mailtui.tui.text import Plain, plain, tell
from mailtui.tui.ways_on import after_list
from mailtui.tui.widgets.list_about import ListAbout
from mailtui.tui.widgets.list_rows import ListRows
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.row_words import LEGEND
from mailtui.tui.widgets.trouble import Trouble

_LOOK_EVERY = 0.1
_EMPTY = "No list is open.\n\nPress o to open one, or 1 and then d to try the demo."
_UNREAD = "The list of this campaign cannot be read.\n\nPress 4 to mend {}, r to read it again, or o to open another."
_OF_ROWS = (
    *("goto", "explain", "problems", "copy", "view(1)", "view(-1)", "sort", "find", "find_next(1)", "find_next(-1)"),
    *("columns", "mend_column", "domains", "suppress"),
)


class AudienceScreen(Room):
    """The list."""

    ROOM: ClassVar[str] = "audience"
    HELP: ClassVar[str] = (
        "The list as it stands in its file. Above it: how the file was understood, each finding with how sure it is"
        " (= given by you, + certain, ~ likely, ? a guess), and how many mails come of it. " + LEGEND
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
        self._told: MailtuiError | None = None

    def body(self) -> Iterable[Widget]:
        yield Trouble(id="trouble")
        yield Plain(id="reading")
        yield Plain(id="empty", classes="empty")
        yield Container(ListAbout(id="about"), ListRows(self.bench, id="rows"), id="list")

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
        self._told = None
        self.query_one(Trouble).clear()
        self._show()

    def on_resize(self) -> None:
        self._show_about()

    @property
    def rows(self) -> ListRows:
        """The rows, and which of them are seen."""
        return self.query_one(ListRows)

    @property
    def table(self) -> RowTable:
        """The rows that are seen."""
        return self.rows.table

    def _show(self) -> None:
        """Show what is open now; the rows stay where they are as long as the list does."""
        opened = self.bench.open_list
        self.show_where()
        self._show_trouble()
        self._show_reading()
        self.query_one("#list").display = opened is not None
        if opened is not None:
            if opened is not self._shown:
                self._shown, self._counts = opened, None
                self.rows.show(opened)
            elif self._filter != self.bench.filter_text:
                self.rows.filtered()
            if self.bench.misfit is not None:
                self._filter, self._counts, self._counting = self.bench.filter_text, None, False
                self.rows.tell(None)
            elif self._counts is None or self._filter != self.bench.filter_text:
                self._filter, self._counts, self._counting = self.bench.filter_text, None, True
                start(self, self._count, "counts")
        self._show_about()
        self.refresh_bindings()

    def _show_trouble(self) -> None:
        """What is wrong with the campaign's list, until it is mended."""
        trouble = self.bench.trouble
        if trouble is self._told:
            return
        self._told = trouble
        if trouble is None:
            self.query_one(Trouble).clear()
        else:
            campaign = self.bench.campaign
            self.query_one(Trouble).tell(trouble, after=after_list(None if campaign is None else campaign.path))

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
            campaign = self.bench.campaign
            empty.show(_EMPTY if campaign is None else _UNREAD.format(campaign.path.name))
        if was_reading is not (opening is not None):
            self.refresh_bindings()

    def _show_about(self) -> None:
        opened = self.bench.open_list
        if opened is None:
            return
        self.query_one(ListAbout).tell(opened, self._counts, self._filter, counting=self._counting)
        self.rows.say()

    async def _count(self) -> None:
        self._counts = await self.ask(self.bench.counts)
        self._counting = False
        self.rows.tell(self._counts)
        self._show_about()

    def complain(self, error: MailtuiError) -> None:
        """In full, above what stays open."""
        self.query_one(Trouble).tell(error)
        self._show_reading()

    @on(ListRows.Failed)
    def failed(self, event: ListRows.Failed) -> None:
        self.complain(event.error)

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
        if action == "reread" and opened is None and self.bench.campaign is not None:
            return True
        if action in ("mend", "reread", "everything") and opened is None:
            return None
        if action in _OF_ROWS and (opened is None or not opened.rows):
            return None
        if action == "find_next" and not self.rows.has_text:
            return None
        if action == "preview_row" and (self.bench.campaign is None or opened is None or not opened.rows):
            return None
        return True

    def _begin(self, work: Callable[[], Coroutine[Any, Any, object]]) -> None:
        start(self, work, "dialog")

    def action_stop(self) -> None:
        self.bench.stop_opening()
        self._show()

    def action_put_away(self) -> None:
        self.query_one(Trouble).clear()
        self.bench.stop_search()

    def action_view(self, by: int) -> None:
        self.rows.next_view(by)

    def action_sort(self) -> None:
        self.rows.sort()

    def action_find(self) -> None:
        self.rows.ask()

    def action_find_next(self, by: int) -> None:
        self.rows.find(backwards=by < 0)

    def action_mend(self) -> None:
        self._begin(partial(mend_reading, self, self.rows))

    def action_reread(self) -> None:
        self._begin(partial(read_again, self, self.rows))

    def action_everything(self) -> None:
        opened = self.bench.open_list
        if opened is not None:
            self.app.push_screen(ReadingNotes(opened.name, opened.understanding))

    def action_columns(self) -> None:
        self._begin(partial(see_columns, self, self.rows))

    def action_mend_column(self) -> None:
        self._begin(partial(mend_column, self, self.rows))

    def action_problems(self) -> None:
        self._begin(partial(see_problems, self, self.rows))

    def action_domains(self) -> None:
        self._begin(partial(look_up_domains, self, self.rows))

    def action_suppress(self) -> None:
        self._begin(partial(suppress_row, self, self.rows))

    def action_goto(self) -> None:
        self._begin(partial(go_to_row, self, self.rows))

    def action_explain(self) -> None:
        self._begin(partial(explain_row, self, self.rows))

    async def action_preview_row(self) -> None:
        row = self.rows.row_number
        if row is not None:
            await preview_row(self, row)

    def action_copy(self) -> None:
        address = self.rows.address
        if address:
            self.app.copy_to_clipboard(address)
            tell(self.app, f"Copied {address}")
