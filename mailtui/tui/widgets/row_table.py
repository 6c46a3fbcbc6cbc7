"""Owns a table of any length: only the rows in sight are asked for, a page at a time, and drawn line by line."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.tui.room import failure_of
from mailtui.tui.text import plain

PAGE = 200
KEPT_PAGES = 16
_WIDEST = 32
_NARROWEST = 3
_GAP = 2
_TEXT_KEPT = 400
_CELLS_MEASURED = 400
_MARK = "×"


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: where it stands in the table (from 0), what it is called at the left edge, and its cells.

    A row that is not `good` is marked. One with a single cell where there are more columns is shown as one text.
    """

    position: int
    label: str
    cells: tuple[str, ...]
    good: bool = True


Fetch = Callable[[int, int], Awaitable[Sequence[TableRow]]]
"""The rows from a position on, at most so many. May raise `MailtuiError`."""


class RowTable(ScrollView, can_focus=True):
    """Rows under a cursor. `show` gives it something to show."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "row-table--header",
        "row-table--label",
        "row-table--cursor",
        "row-table--bad",
        "row-table--waiting",
    }
    DEFAULT_CSS = """
    RowTable {
        height: 1fr;
        background: $surface;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 1;
        & > .row-table--header { background: $panel; color: $foreground; text-style: bold; }
        & > .row-table--label { text-style: dim; }
        & > .row-table--cursor { background: $panel; }
        & > .row-table--bad { color: $text-error; }
        & > .row-table--waiting { text-style: dim; }
        &:focus > .row-table--cursor { background: $block-cursor-background; color: $block-cursor-foreground; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "leap(-1)", "Page up", show=False),
        Binding("pagedown", "leap(1)", "Page down", show=False),
        Binding("home,ctrl+home", "first", "First row", show=False),
        Binding("end,ctrl+end,G", "last", "Last row", show=False),
        Binding("left", "sideways(-1)", "Left", show=False),
        Binding("right", "sideways(1)", "Right", show=False),
        Binding("enter", "choose", "Choose", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    """The position of the row under the cursor, from 0."""

    class Moved(Message):
        """The cursor stands on another row, or that row has arrived."""

        def __init__(self, table: RowTable) -> None:
            super().__init__()
            self.table = table

        @property
        def control(self) -> RowTable:
            return self.table

    class Chosen(Moved):
        """Enter, or a double click."""

    class Failed(Message):
        """Rows could not be fetched."""

        def __init__(self, error: MailtuiError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._pages: OrderedDict[int, dict[int, TableRow]] = OrderedDict()
        self._wanted: list[int] = []
        self._fetching = False
        self._generation = 0
        self._fetch: Fetch | None = None
        self._columns: tuple[str, ...] = ()
        self._widths: tuple[int, ...] = ()
        self._starts: list[int] = []
        self._measured = False
        self._label_width = 1
        self._label = ""
        self.rows = 0
        """How many rows there are."""

    # what is shown

    def show(
        self, columns: Sequence[str], rows: int, fetch: Fetch, *, label: str = "row", label_width: int = 0
    ) -> None:
        """Show other rows, from the first on. `label` heads the left edge, which has room for `label_width`."""
        self._generation += 1
        self._pages.clear()
        self._fetch, self._columns, self.rows = fetch, tuple(columns), rows
        self._label, self._label_width = label, max(len(label), label_width, len(f"{rows:,}"))
        self._measured = False
        self._measure([])
        self.set_reactive(RowTable.cursor, 0)
        self.scroll_to(0, 0, animate=False, force=True)
        self._want()
        self.refresh()

    def show_rows(self, columns: Sequence[str], rows: Sequence[TableRow], *, label: str = "row") -> None:
        """Show rows that are all at hand."""
        kept = [replace(row, position=position) for position, row in enumerate(rows)]

        async def fetch(first: int, count: int) -> Sequence[TableRow]:
            return kept[first : first + count]

        self.show(columns, len(kept), fetch, label=label, label_width=max((len(row.label) for row in kept), default=0))

    @property
    def current(self) -> TableRow | None:
        """The row under the cursor, None while it has not arrived."""
        return self._row(self.cursor)

    @property
    def pages_kept(self) -> int:
        """How many pages are held now; never more than `KEPT_PAGES`, however long the table."""
        return len(self._pages)

    def go_to(self, position: int) -> None:
        """Put the cursor on a row and bring it into sight."""
        self.cursor = max(0, min(position, self.rows - 1))
        self._reveal()

    # fetching

    def _want(self) -> None:
        """Ask for the pages in sight that are missing, and for those next to them."""
        if self._fetch is None or not self.rows:
            return
        first, last = self._pages_in_sight
        near = [*range(first, last + 1), last + 1, first - 1]
        end = (self.rows - 1) // PAGE
        self._wanted = [page for page in near if 0 <= page <= end and page not in self._pages]
        if self._wanted and not self._fetching:
            self._fetching = True
            self.run_worker(self._fetch_wanted(), group="pages", exit_on_error=False)

    @property
    def _pages_in_sight(self) -> tuple[int, int]:
        """The first and the last page of which rows are in sight."""
        top = self.scroll_offset.y
        return top // PAGE, min(self.rows - 1, top + max(1, self._body_height) - 1) // PAGE

    async def _fetch_wanted(self) -> None:
        """Fetch what is wanted until nothing is; what has been scrolled past meanwhile is no longer in the list."""
        try:
            while self._wanted and self._fetch is not None:
                page, generation = self._wanted.pop(0), self._generation
                try:
                    rows = await self._fetch(page * PAGE, PAGE)
                except MailtuiError as error:
                    if generation == self._generation:
                        self._wanted.clear()
                        self.post_message(self.Failed(error))
                    continue
                if generation == self._generation:
                    self._arrived(page, rows)
        finally:
            self._fetching = False

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self.post_message(self.Failed(error))

    def _arrived(self, page: int, rows: Sequence[TableRow]) -> None:
        self._pages[page] = {row.position: _kept(row) for row in rows}
        while len(self._pages) > KEPT_PAGES:
            self._pages.popitem(last=False)
        self._measure(rows[:: 1 + len(rows) * len(self._columns) // _CELLS_MEASURED])
        self._measure_sight()
        if self._pages_in_sight[0] <= page <= self._pages_in_sight[1]:
            self.refresh()
        if self.cursor // PAGE == page:
            self.post_message(self.Moved(self))

    def _row(self, position: int) -> TableRow | None:
        page = self._pages.get(position // PAGE)
        if page is None:
            return None
        self._pages.move_to_end(position // PAGE)
        return page.get(position)

    def _measure(self, rows: Sequence[TableRow]) -> None:
        """Column widths by names and the rows seen so far, within limits; and so the size of everything."""
        widths = []
        former = self._widths if self._measured else ()
        for number, name in enumerate(self._columns):
            cells = [row.cells[number] for row in rows if len(row.cells) == len(self._columns)]
            longest = max(cell_len(_shown(cell, _WIDEST)) for cell in [name, *cells])
            before = former[number] if former else _NARROWEST
            widths.append(max(before, min(longest, _WIDEST)))
        if self._measured and tuple(widths) == self._widths:
            return
        self._widths, self._measured = tuple(widths), self._measured or bool(rows)
        self._starts = [0, *accumulate(width + _GAP for width in widths)][:-1]
        self.virtual_size = Size(self._edge + sum(widths) + _GAP * max(0, len(widths) - 1), self.rows + 1)

    def _measure_sight(self) -> None:
        """Give the rows in sight the room they need."""
        top = self.scroll_offset.y
        found = [self._row(position) for position in range(top, min(self.rows, top + self._body_height))]
        self._measure([row for row in found if row is not None])

    # drawing

    @property
    def _edge(self) -> int:
        """How wide the left edge is: label and mark, which stay when the rest moves sideways."""
        return self._label_width + 3

    @property
    def _body_height(self) -> int:
        return max(0, self.scrollable_content_region.height - 1)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        base = self.rich_style
        if y == 0:
            style = base + self._style("header")
            return self._line(f" {self._label:>{self._label_width}}  ", style, self._columns, style, width)
        position = self.scroll_offset.y + y - 1
        if position >= self.rows:
            return Strip.blank(width, base)
        row = self._row(position)
        style, label_style = base, base + self._style("label")
        if row is None or not row.good:
            style = label_style = base + self._style("waiting" if row is None else "bad")
        if position == self.cursor:
            style, label_style = style + self._style("cursor"), label_style + self._style("cursor")
        label = f"{position + 1:,}" if row is None else _shown(row.label, self._label_width)
        mark = _MARK if row is not None and not row.good else " "
        cells = ("...",) if row is None else row.cells
        return self._line(f" {label:>{self._label_width}}{mark} ", label_style, cells, style, width)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"row-table--{name}", partial=True)

    def _line(self, edge: str, edge_style: Style, cells: Sequence[str], style: Style, width: int) -> Strip:
        room = max(0, width - self._edge)
        text, left = self._cells_in_sight(cells, room)
        body = Strip([Segment(text, style)]).crop_extend(left, left + room, style)
        return Strip.join([Strip([Segment(edge, edge_style)]), body]).crop_extend(0, width, style)

    def _cells_in_sight(self, cells: Sequence[str], room: int) -> tuple[str, int]:
        """The cells that are in sight as one text, and how many columns of it lie to the left of what is."""
        left = self.scroll_offset.x
        if len(cells) == 1 and len(self._columns) > 1:
            return _shown(cells[0], _TEXT_KEPT), left
        first = max(0, bisect_right(self._starts, left) - 1)
        last = bisect_left(self._starts, left + room)
        texts = []
        for cell, width in zip(cells[first:last], self._widths[first:last], strict=False):
            texts.append(set_cell_size(_fitting(cell, width), width + _GAP))
        return "".join(texts), left - self._starts[first] if self._starts else 0

    # moving

    def watch_cursor(self, old: int, new: int) -> None:
        top = self.scroll_offset.y
        for position in (old, new):
            if 0 <= position - top < self._body_height:
                self.refresh(Region(0, position - top + 1, self.size.width, 1))
        self.post_message(self.Moved(self))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._want()
        self._measure_sight()

    def on_resize(self) -> None:
        self._want()

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, self._body_height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)

    def action_move(self, by: int) -> None:
        self.go_to(self.cursor + by)

    def action_leap(self, by: int) -> None:
        self.go_to(self.cursor + by * max(1, self._body_height - 1))

    def action_first(self) -> None:
        self.go_to(0)

    def action_last(self) -> None:
        self.go_to(self.rows - 1)

    def action_sideways(self, by: int) -> None:
        """To the next column's beginning, or back to the one before."""
        left = self.scroll_offset.x
        later = [start for start in self._starts if start > left]
        earlier = [start for start in self._starts if start < left]
        target = (later[0] if later else left) if by > 0 else (earlier[-1] if earlier else 0)
        self.scroll_to(x=target, animate=False)

    def action_choose(self) -> None:
        if self.rows:
            self.post_message(self.Chosen(self))

    def on_click(self, event: events.Click) -> None:
        position = self.scroll_offset.y + event.y - 1
        if event.y < 1 or not 0 <= position < self.rows:
            return
        self.go_to(position)
        if event.chain == 2:
            self.action_choose()


def _kept(row: TableRow) -> TableRow:
    """The row without what can never be in sight: a cell may be as large as the file."""
    if all(len(cell) <= _TEXT_KEPT for cell in row.cells):
        return row
    return replace(row, cells=tuple(cell[:_TEXT_KEPT] for cell in row.cells))


def _shown(text: str, limit: int) -> str:
    """A stranger's text as it may stand on a line, at most so many characters of it."""
    return plain(text, limit=limit).plain


def _fitting(text: str, width: int) -> str:
    """A cell within so many columns of the terminal, with an ellipsis where something is left out."""
    shown = _shown(text, width + 1)
    return shown if cell_len(shown) <= width else set_cell_size(shown, width - 1).rstrip() + "…"
