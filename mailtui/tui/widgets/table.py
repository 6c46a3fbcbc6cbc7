"""Owns a table of rows with keys: what changed is drawn anew, everything else stays, and so does the cursor.

For some hundred rows; a list of any length has a widget of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.style import Style as RichStyle
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.content import Content, Span
from textual.style import Style
from textual.widgets import DataTable

Row = Sequence[Content]


@dataclass(frozen=True, slots=True)
class Column:
    """A column; those of width 0 share what is left. It is left out where the table is narrower than `least`."""

    key: str
    title: str
    width: int = 0
    right: bool = False
    least: int = 0


Layout = tuple[tuple[Column, int], ...]
"""The columns that are shown, with their widths."""


class KeyedTable(DataTable[Text], inherit_bindings=False):
    """`show` says what is in it. Enter belongs to the screen."""

    DEFAULT_CSS = """
    KeyedTable {
        overflow-x: hidden;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        &:focus { background-tint: transparent; }
    }
    """
    BINDINGS: ClassVar = [
        Binding("up,k", "cursor_up", show=False),
        Binding("down,j", "cursor_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]

    def __init__(self, columns: Sequence[Column], *, id: str) -> None:
        super().__init__(id=id, cursor_type="row", cell_padding=0)
        self._wanted = tuple(columns)
        self._layout: Layout = ()
        self._rows: dict[str, Row] = {}
        self._drawn: dict[str, tuple[tuple[str, tuple[Span, ...]], ...]] = {}
        self._styles: dict[str, RichStyle] = {}

    @property
    def key(self) -> str | None:
        """The key of the row under the cursor."""
        if not self.row_count:
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show(self, rows: Mapping[str, Row]) -> None:
        """Show these rows in this order, each a cell a column."""
        self._rows = dict(rows)
        if self._layout:
            self._draw()

    def on_mount(self) -> None:
        self.app.theme_changed_signal.subscribe(self, lambda _: self._recolour())

    def on_resize(self, _: events.Resize) -> None:
        layout = lay_out(self._wanted, self.scrollable_content_region.width)
        if layout != self._layout:
            self._layout = layout
            self._rebuild()

    def _recolour(self) -> None:
        self._styles.clear()
        if self._layout:
            self._rebuild()

    def _rebuild(self) -> None:
        key = self.key
        self.clear(columns=True)
        self._drawn.clear()
        for column, width in self._layout:
            title = column.title.rjust(width) if column.right else column.title
            self.add_column(Text(title), width=width + 1, key=column.key)
        self._draw()
        if key is not None and key in self._drawn:
            self.move_cursor(row=self.get_row_index(key), animate=False)

    def _draw(self) -> None:
        held = self.key
        kept = [key for key in self._drawn if key in self._rows]
        if kept != list(self._rows)[: len(kept)]:
            self.clear()  # the order has changed, or something new stands before what is there
            self._drawn.clear()
        for key in [key for key in self._drawn if key not in self._rows]:
            self.remove_row(key)
            del self._drawn[key]
        for key, row in self._rows.items():
            self._draw_row(key, row)
        if held is not None and held in self._drawn and self.key != held:
            self.move_cursor(row=self.get_row_index(held), animate=False)

    def _draw_row(self, key: str, row: Row) -> None:
        named = {column.key: cell for column, cell in zip(self._wanted, row, strict=True)}
        cells = [fit(named[column.key], width, right=column.right) for column, width in self._layout]
        now = tuple((cell.plain, tuple(cell.spans)) for cell in cells)
        before = self._drawn.get(key)
        if before is None:
            self.add_row(*(self._text(cell) for cell in cells), key=key)
        elif before != now:
            for (column, _), old, new, cell in zip(self._layout, before, now, cells, strict=True):
                if old != new:
                    self.update_cell(key, column.key, self._text(cell))
        self._drawn[key] = now

    def _text(self, cell: Content) -> Text:
        """The cell in the form this widget draws, with the theme's colours."""
        text = Text(cell.plain, no_wrap=True, end="")
        for span in cell.spans:
            text.stylize(self._style(str(span.style)), span.start, span.end)
        return text

    def _style(self, style: str) -> RichStyle:
        found = self._styles.get(style)
        if found is None:
            parsed = Style.parse(style, self.app.theme_variables)
            colour = parsed.foreground
            if colour is not None:
                ground = self.background_colors[1]
                colour = ground.get_contrast_text(colour.a) if colour.auto else colour
                colour = colour if colour.a == 1 or colour.ansi is not None else ground.blend(colour, colour.a, 1)
            found = RichStyle(color=None if colour is None else colour.rich_color, bold=parsed.bold)
            self._styles[style] = found
        return found


def lay_out(columns: Sequence[Column], width: int) -> Layout:
    """The columns that fit, and how wide each is."""
    shown = [column for column in columns if column.least <= width]
    taken = sum(column.width for column in shown) + len(shown)  # each has a blank after it
    sharing = sum(not column.width for column in shown)
    share = max(4, (width - taken - 1) // sharing) if sharing else 0
    return tuple((column, column.width or share) for column in shown)


def fit(cell: Content, width: int, *, right: bool) -> Content:
    """A cell cut to its column, and moved to the right where the column is."""
    fitted = cell.truncate(width, ellipsis=True)
    return fitted.pad_left(width - fitted.cell_length) if right else fitted
