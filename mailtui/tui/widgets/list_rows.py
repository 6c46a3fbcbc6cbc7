"""Owns the rows of the open list as they are looked at: which of them, in which order, and what was found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.service.lists import AudienceCounts, ListRow, ListView
from mailtui.service.workbench import OpenList, Workbench
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.find_bar import FindBar
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.row_words import kinds_of_rows, marks_of, other_rows, state_of
from mailtui.tui.widgets.understood import heading_marks, type_word
from mailtui.tui.widgets.view_bar import Kind, ViewBar

_UP, _DOWN = "↑", "↓"
_SAID = 40


class ListRows(Vertical):
    """A line of views, the rows, and a line about the one under the cursor."""

    DEFAULT_CSS = """
    ListRows #here { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    class Failed(Message):
        """Something could not be done."""

        def __init__(self, error: MailtuiError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, bench: Workbench, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._bench = bench
        self._list: OpenList | None = None
        self._counts: AudienceCounts | None = None
        self.view = ListView()
        """Which rows are seen, in which order."""
        self._wanted = self.view
        self._working = ""
        self._found = ""
        self._said: tuple[str, int] | None = None  # what came of looking for it, as long as the cursor is on that place
        self._counting = True
        self._stale = False
        """Whether the rows of this view are still those under the former filter."""

    def compose(self) -> ComposeResult:
        yield ViewBar(id="views")
        yield RowTable(id="table")
        yield FindBar(id="find")
        yield Plain(id="here")

    def on_mount(self) -> None:
        self.table.column = 0

    @property
    def table(self) -> RowTable:
        """The rows."""
        return self.query_one("#table", RowTable)

    @property
    def column(self) -> int:
        """The column under the cursor."""
        return self.table.column or 0

    @property
    def row_number(self) -> int | None:
        """The number in the list of the row under the cursor, None while it has not arrived."""
        row = self.table.current
        return None if row is None else int(row.label.replace(",", ""))

    @property
    def column_name(self) -> str:
        """The name of the column under the cursor."""
        return "" if self._list is None else self._list.columns[self.column]

    @property
    def address(self) -> str:
        """The address of the row under the cursor as it stands there; empty where it cannot be told."""
        opened, row = self._list, self.table.current
        if opened is None or row is None or len(row.cells) != len(opened.columns):
            return ""
        return row.cells[opened.columns.index(opened.understanding.address_column.value)]

    def show(self, opened: OpenList) -> None:
        """Show a list from its first row on, as it stands."""
        self._list, self._counts, self._counting = opened, None, True
        self.view = self._wanted = ListView()
        self._stale = False
        self.table.column = 0
        self._fill(opened.rows)
        self.table.focus()

    def tell(self, counts: AudienceCounts | None) -> None:
        """The counts under the filter as it is set, None where there are none."""
        self._counts, self._counting = counts, False
        self.say()

    def filtered(self) -> None:
        """Another filter is set: which rows there are in this view, and which match, follows it."""
        self._counts, self._counting = None, True
        view = self._wanted
        if not self._bench.filter_text and view.which in ("matched", "out"):
            view = replace(view, which="all")
        if view == self.view == ListView():
            self.table.renew()
        else:
            self._stale = True
            self.turn(view)
        self.say()

    def _fill(self, rows: int) -> None:
        assert self._list is not None
        view = self.view

        async def fetch(first: int, count: int) -> Sequence[TableRow]:
            return [
                TableRow(place, f"{row.row:,}", row.cells, row.usable, marks_of(row))
                for place, row in enumerate(await self._page(first + 1, count, view), first)
            ]

        found = self._list.understanding
        headings = list(heading_marks(found))
        if view.column is not None:
            place = found.columns.index(view.column)
            headings[place] += _DOWN if view.descending else _UP
        width = len(f"{self._list.rows:,}")
        self.table.show(found.columns, rows, fetch, label_width=width, marks=2, headings=headings)

    async def _page(self, first: int, count: int, view: ListView) -> list[ListRow]:
        await self._ready(view)
        return await self._bench.page(first, count, view)

    # turning to another view

    def turn(self, view: ListView) -> None:
        """Show other rows, or in another order; the row under the cursor stays under it where it is among them."""
        if self._list is not None:
            self._wanted = view
            start(self, partial(self._turn, view), "turn")

    async def _ready(self, view: ListView) -> None:
        """Have a view worked out again when others have taken its place."""
        if not self._bench.has_view(view):
            await self._bench.prepare_view(view)

    async def _turn(self, view: ListView) -> None:
        row = self.row_number
        self._working = "sorting" if view.column is not None and view.column != self.view.column else "looking"
        self.say()
        try:
            length = await self._bench.prepare_view(view)
            position = None if row is None else await self._bench.position(view, row)
        finally:
            self._working, self._wanted = "", self.view if self._wanted == view else self._wanted
            self.say()
        column = self.table.column
        self.view = self._wanted = view
        self._stale = False
        self._fill(length)
        if column is not None:
            self.table.go_to_column(column)
        self.table.go_to(0 if position is None else position - 1)
        self.say()

    def next_view(self, by: int) -> None:
        """Look at the next kind of rows that there are."""
        kinds = [kind.which for kind in self._kinds]
        view = self._wanted  # who presses twice goes on from what the first press wanted
        at = kinds.index(view.which) if view.which in kinds else 0
        self.turn(replace(view, which=kinds[(at + by) % len(kinds)]))

    def sort(self) -> None:
        """By the column under the cursor, the other way round, and back to the order of the list."""
        if self._list is None:
            return
        column = self._list.columns[self.column]
        view = self._wanted
        if view.column != column:
            self.turn(replace(view, column=column, descending=False))
        elif not view.descending:
            self.turn(replace(view, descending=True))
        else:
            self.turn(replace(view, column=None, descending=False))

    def go_to_row(self, row: int) -> None:
        """Put the cursor on a row of the list; where it is not among those that are seen, on it among all."""
        start(self, partial(self._go_to_row, row), "turn")

    async def _go_to_row(self, row: int) -> None:
        if self._stale:
            await self._turn(self._wanted)
        await self._ready(self.view)
        position = await self._bench.position(self.view, row)
        if position is None:
            await self._turn(ListView())
            position = row
        self.table.go_to(position - 1)

    # finding

    def ask(self) -> None:
        """Ask for a text to find."""
        self.query_one(FindBar).ask()

    @property
    def has_text(self) -> bool:
        """Whether there is something to find further."""
        return bool(self._found)

    def find(self, *, backwards: bool = False, here: bool = False) -> None:
        """Go to the next row that has the text, or the one before; `here`: it may be the one under the cursor."""
        if self._found and self._list is not None:
            start(self, partial(self._find, backwards=backwards, here=here), "find")

    async def _find(self, *, backwards: bool, here: bool) -> None:
        """Past the last row it goes on from the first one, and the other way round; that is said below the rows."""
        text, view, begin = self._found, self.view, self.table.cursor + 1
        self._working, self._said = f"looking for {text}, esc stops", None
        self.say()
        said = ""
        try:
            await self._ready(view)
            position = await self._bench.search(text, begin - here, view, backwards=backwards)
            if position is None:
                said = f"from the {'last' if backwards else 'first'} row on"
                edge = self.table.rows + 1 if backwards else 0
                position = await self._bench.search(text, edge, view, backwards=backwards)
        finally:
            self._working = ""
            self.say()
        if view != self.view:
            return
        if position is None:
            said = f"no row has {text}"
        elif position == begin and not here:
            said = f"no other row has {text}"
        else:
            self.table.go_to(position - 1)
        self._said = (said, self.table.cursor) if said else None
        self.say()

    def look_for(self, text: str) -> None:
        """Go to the first row from the cursor on that has a text; n and N go on from there."""
        self._found = text
        self.screen.refresh_bindings()
        self.find(here=True)

    @on(FindBar.Asked)
    def asked(self, event: FindBar.Asked) -> None:
        self.table.focus()
        self.look_for(event.text)

    @on(FindBar.Closed)
    def closed(self) -> None:
        self.table.focus()

    # saying

    @property
    def _kinds(self) -> list[Kind]:
        rows = 0 if self._list is None else self._list.rows
        filtered = bool(self._bench.filter_text)
        return kinds_of_rows(rows, self._counts, self.view.which, filtered=filtered)

    def say(self) -> None:
        """The lines above and below the rows."""
        view, tail = self.view, plain("")
        if self._working:
            tail = plain(f"{self._working} ...", "$text-warning", limit=40)
        elif self._counts is None:
            tail = plain("counting ..." if self._counting else "not counted", "$text-muted")
        elif view.column is not None:
            tail = plain(f"by {view.column} {_DOWN if view.descending else _UP}", "$text-accent", limit=30)
        tails = [part for part in (other_rows(self._counts), tail) if part.cell_length]
        self.query_one(ViewBar).tell(self._kinds, view.which, joined(*tails, separator="  "))
        self.query_one("#here", Plain).show(self._here())

    def _here(self) -> Content:
        """Which row and which column the cursor is on."""
        table, opened = self.table, self._list
        if opened is None or not opened.rows:
            return plain("The list has column names and no row.", "$text-warning")
        if not table.rows:
            return plain("There is no such row.", "$text-muted")
        row = table.current
        place = f"row {table.cursor + 1:,} of {table.rows:,}"
        parts = [plain(place, "$text-muted")]
        if self._said is not None and self._said[1] == table.cursor:
            parts.insert(0, plain(self._said[0], "$text-warning", limit=_SAID))
        if row is not None:
            parts.append(state_of(row.marks))
        column, found = self.column, opened.understanding
        if column < len(found.columns):
            kind = type_word(found.types[column]) if column < len(found.types) else "text"
            kind = "address" if found.columns[column] == found.address_column.value else kind
            parts.append(joined(plain(found.columns[column], limit=30), plain(f": {kind}", "$text-muted")))
        return joined(*(part for part in parts if part.cell_length), separator="   ")

    @on(RowTable.Moved)
    def moved(self) -> None:
        self.query_one("#here", Plain).show(self._here())

    @on(ViewBar.Picked)
    def picked(self, event: ViewBar.Picked) -> None:
        self.turn(replace(self.view, which=event.which))

    @on(RowTable.Failed)
    def failed(self, event: RowTable.Failed) -> None:
        self.post_message(self.Failed(event.error))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self.post_message(self.Failed(error))
