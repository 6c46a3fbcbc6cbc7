"""Owns showing rows of any number: only those in sight are asked for, a page at a time, and drawn line by line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.tui.room import failure_of
from mailtui.tui.widgets.row_columns import WIDEST, RowColumns, shown
from mailtui.tui.widgets.row_pages import PAGE, Fetch, RowPages, TableRow

_CELLS_MEASURED = 400
_COLUMNS_SEEN = 8
_MARK = "×"
_MORE = "»"


async def _nothing(first: int, count: int) -> Sequence[TableRow]:  # noqa: ARG001 - as every `Fetch`
    return ()


class RowView(ScrollView):
    """Rows that scroll, one of which stands out. What it says and how one moves in it is up to a subclass."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-table--header",
        "row-table--label",
        "row-table--cursor",
        "row-table--column",
        "row-table--bad",
        "row-table--waiting",
    }
    DEFAULT_CSS = """
    RowView {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        & > .row-table--header { background: $panel; color: $foreground; text-style: bold; }
        & > .row-table--label { text-style: dim; }
        & > .row-table--cursor { background: $panel; }
        & > .row-table--column { color: $text-accent; text-style: bold underline; }
        & > .row-table--bad { color: $text-error; }
        & > .row-table--waiting { text-style: dim; }
        &:focus > .row-table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """
    cursor: reactive[int] = reactive(0, repaint=False)
    """The position of the row under the cursor, from 0."""
    column: reactive[int | None] = reactive(None)
    """The column under the column cursor, from 0; None in a table without one."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._held = RowPages(0, _nothing)
        self._columns = RowColumns()
        self._fetching = False
        self._label_width = 1
        self._label = ""
        self._marks = 1

    # what is shown

    def show(
        self,
        columns: Sequence[str],
        rows: int,
        fetch: Fetch,
        *,
        label: str = "row",
        label_width: int = 0,
        widest: int = WIDEST,
        marks: int = 1,
        headings: Sequence[str] = (),
    ) -> None:
        """Show other rows, from the first on.

        `label` heads the left edge, which has room for `label_width` and so many `marks`; no column becomes wider than
        `widest`. `headings` are what stands behind the columns' names, one for each or none at all.
        """
        self._held, self._columns = RowPages(rows, fetch), RowColumns(columns, widest, headings)
        self._label, self._label_width = label, max(len(label), label_width, len(f"{rows:,}"))
        self._marks = marks
        self._resize()
        self.set_reactive(RowView.cursor, 0)
        self.scroll_to(0, 0, animate=False, force=True)
        self._want()
        self.refresh()

    def renew(self) -> None:
        """Have the rows fetched anew; cursor and place stay."""
        self._held = self._held.anew()
        self._want()
        self.refresh()

    def show_rows(
        self, columns: Sequence[str], rows: Sequence[TableRow], *, label: str = "row", widest: int = WIDEST
    ) -> None:
        """Show rows that are all at hand."""
        kept = [replace(row, position=position) for position, row in enumerate(rows)]

        async def fetch(first: int, count: int) -> Sequence[TableRow]:
            return kept[first : first + count]

        width = max((len(row.label) for row in kept), default=0)
        self.show(columns, len(kept), fetch, label=label, label_width=width, widest=widest)

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._held.rows

    def arrived(self, page: int) -> None:
        """A page has come."""

    def failed(self, error: MailtuiError) -> None:
        """Rows could not be fetched."""

    def widened(self) -> None:
        """Columns have become wider, and those behind them have moved."""

    # fetching

    def _want(self) -> None:
        """Ask for what is in sight and missing, and for what is next to it."""
        if self._held.want(*self._in_sight) and not self._fetching:
            self._fetching = True
            self.run_worker(self._fetch_wanted(), group="pages", exit_on_error=False)

    @property
    def _in_sight(self) -> tuple[int, int]:
        """The positions of the first and the last row in sight."""
        top = self.scroll_offset.y
        return top, min(self.rows, top + max(1, self._body_height)) - 1

    async def _fetch_wanted(self) -> None:
        """Fetch what is wanted until nothing is; what has been scrolled past meanwhile is wanted no longer."""
        try:
            while (page := self._held.next_wanted()) is not None:
                held = self._held
                try:
                    rows = await held.fetch(page)
                except MailtuiError as error:
                    if held is self._held:
                        held.want_nothing()
                        self.failed(error)
                    continue
                if held is self._held:
                    self._arrived(page, rows)
        finally:
            self._fetching = False

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self.failed(error)

    def _arrived(self, page: int, rows: Sequence[TableRow]) -> None:
        self._held.keep(page, rows)
        self._measure(rows[:: 1 + len(rows) * _COLUMNS_SEEN // _CELLS_MEASURED])
        self._measure_sight()
        first, last = self._in_sight
        if first // PAGE <= page <= last // PAGE:
            self.refresh()
        self.arrived(page)

    def _measure(self, rows: Sequence[TableRow]) -> None:
        room = max(1, self.scrollable_content_region.width - self._edge)
        if self._columns.measure(rows, self.scroll_offset.x, room):
            self._resize()
            self.widened()
            self.refresh()

    def _measure_sight(self) -> None:
        """Give the rows in sight the room they need."""
        self._measure(self._held.between(*self._in_sight))

    def _resize(self) -> None:
        self.virtual_size = Size(self._edge + self._columns.width, self.rows + 1)

    # drawing

    @property
    def _edge(self) -> int:
        """How wide the left edge is: label and marks, which stay when the rest moves sideways."""
        return self._label_width + self._marks + 2

    @property
    def _body_height(self) -> int:
        return max(0, self.scrollable_content_region.height - 1)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        if y == 0:
            return self._header(width)
        base = self.rich_style
        position = self.scroll_offset.y + y - 1
        if position >= self.rows:
            return Strip.blank(width, base)
        row = self._held.row(position)
        style, label_style = base, base + self._style("label")
        if row is None or not row.good:
            style = label_style = base + self._style("waiting" if row is None else "bad")
        if position == self.cursor:
            style, label_style = style + self._style("cursor"), label_style + self._style("cursor")
        label = f"{position + 1:,}" if row is None else shown(row.label, self._label_width)
        marks = "" if row is None else row.marks or ("" if row.good else _MARK)
        edge = f" {label:>{self._label_width}}{marks:<{self._marks}.{self._marks}} "
        in_sight = self._columns.in_sight(("...",) if row is None else row.cells, self.scroll_offset.x, self._room)
        line = self._line(edge, label_style, in_sight, style, width)
        whole = row is not None and len(row.cells) == len(self._columns.names)
        return self._under_column(line) if whole and position == self.cursor else line

    def _header(self, width: int) -> Strip:
        """The names of the columns; a mark at the right end says that there are more."""
        style = self.rich_style + self._style("header")
        edge = f" {self._label:>{self._label_width}}" + " " * (self._marks + 1)
        in_sight = self._columns.headings(self.scroll_offset.x, self._room)
        line = self._under_column(self._line(edge, style, in_sight, style, width))
        if self._columns.width - self.scroll_offset.x <= width - self._edge:
            return line
        return Strip.join([line.crop(0, width - 2), Strip([Segment(f" {_MORE}", style)])])

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"row-table--{name}", partial=True)

    @property
    def _room(self) -> int:
        """How much of the columns can be seen."""
        return max(0, self.scrollable_content_region.width - self._edge)

    def _line(self, edge: str, edge_style: Style, in_sight: tuple[str, int], style: Style, width: int) -> Strip:
        text, left = in_sight
        body = Strip([Segment(text, style)]).crop_extend(left, left + self._room, style)
        return Strip.join([Strip([Segment(edge, edge_style)]), body]).crop_extend(0, width, style)

    def _under_column(self, line: Strip) -> Strip:
        """The line with the cell under the column cursor standing out, where there is such a cursor."""
        if self.column is None or not self._columns.names:
            return line
        start, width = self._columns.place(self.column)
        left = max(self._edge, self._edge + start - self.scroll_offset.x)
        right = min(line.cell_length, self._edge + start + width - self.scroll_offset.x)
        if left >= right:
            return line
        style = self._style("column")
        marked = Strip(Segment.apply_style(line.crop(left, right), post_style=style))
        return Strip.join([line.crop(0, left), marked, line.crop(right)])

    # scrolling

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_x(old_value, new_value)
        self._measure_sight()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._want()
        self._measure_sight()

    def on_resize(self) -> None:
        self._want()
        self._measure_sight()
