"""Owns the rows that a filter lets in and leaves out, side by side or one above the other."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Container, Vertical
from textual.message import Message

from mailtui.service.lists import AudienceCounts, ListRow
from mailtui.service.workbench import OpenList, Sample
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable

_TABLES = {"within": ("+ in", "$text-success"), "without": ("× out", "$text-error")}


class RuleSamples(Container):
    """Two tables, of those who are in and of those who are out."""

    class Looked(Message):
        """A person looks at one of the rows, or at none any more."""

        def __init__(self, row: int | None) -> None:
            super().__init__()
            self.row = row

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._rows: dict[str, Sequence[ListRow]] = {}

    def compose(self) -> ComposeResult:
        for name in _TABLES:
            yield Vertical(Plain(id=f"{name}-title"), RowTable(id=name))

    def focus_rows(self) -> None:
        """Go to the first of the tables that has rows."""
        name = next((name for name in _TABLES if self._rows.get(name)), "within")
        self.query_one(f"#{name}", RowTable).focus()

    def show_sample(self, opened: OpenList, text: str, sample: Sample, counts: AudienceCounts | None) -> None:
        """Show rows, the address and what the filter `text` asks about first; the counts when they are known."""
        self.remove_class("-stale")
        numbers = ("", "") if counts is None else (f"{counts.matched:,}", f"{counts.rows - counts.matched:,}")
        for name, number, rows in zip(_TABLES, numbers, (sample.within, sample.without), strict=True):
            word, style = _TABLES[name]
            title = joined(plain(word, f"bold {style}"), plain(f"   {number}" if number else "", "$text-muted"))
            self.query_one(f"#{name}-title", Plain).show(title)
            self._show_rows(opened, text, name, rows)
        focused = self.screen.focused
        if isinstance(focused, RowTable) and focused.id in _TABLES:
            self._tell(focused)

    def tell_old(self) -> None:
        """Say that these rows are of the last filter that could be read."""
        muted = plain("of the last rule that worked", "$text-muted")
        for name, (word, _) in _TABLES.items():
            title = joined(plain(word, "$text-muted"), muted, separator="   ")
            self.query_one(f"#{name}-title", Plain).show(title)

    def _show_rows(self, opened: OpenList, text: str, name: str, rows: Sequence[ListRow]) -> None:
        self._rows[name] = rows
        columns = opened.columns
        address = opened.understanding.address_column.value
        asked = [column for column in columns if column.casefold() in text.casefold()]
        order = list(dict.fromkeys([*([address] if address in columns else []), *asked, *columns]))
        places = [columns.index(column) for column in order]
        shown = [
            TableRow(
                0,
                f"{row.row:,}",
                tuple(row.cells[place] for place in places) if len(row.cells) == len(columns) else row.cells,
                row.usable,
            )
            for row in rows
        ]
        self.query_one(f"#{name}", RowTable).show_rows(order, shown)

    @on(RowTable.Moved)
    def moved(self, event: RowTable.Moved) -> None:
        if event.table.has_focus:
            self._tell(event.table)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        if isinstance(event.widget, RowTable):
            self._tell(event.widget)

    def on_descendant_blur(self) -> None:
        self.post_message(self.Looked(None))

    def _tell(self, table: RowTable) -> None:
        rows = self._rows.get(table.id or "", ())
        at = table.cursor
        self.post_message(self.Looked(rows[at].row if 0 <= at < len(rows) else None))
