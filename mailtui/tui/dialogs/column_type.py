"""Owns choosing the type of a column: as what its cells compare. They are never rewritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from mailtui.service.lists import COLUMN_TYPES, ColumnType
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.understood import type_word

FOUND_OUT = "found out"
_SAID: Mapping[str, str] = {
    "": "what its cells look like",
    "text": "letter by letter; 007 is not 7",
    "number": "1234.5 and 1,234.5",
    "number comma": "1234,5 and 1.234,5",
    "date": "2026-01-25 and what says its order itself",
    "date dmy": "25/01/2026, the day first",
    "date mdy": "01/25/2026, the month first",
    "date ymd": "2026/01/25, the year first",
}


class ColumnTypeDialog(ModalScreen[str | None]):
    """The type as the list's settings have it, '' to have it found out, or None."""

    AUTO_FOCUS = "RowTable"
    BINDINGS: ClassVar = [Binding("escape,q", "leave", "Close")]
    CSS = """
    ColumnTypeDialog RowTable { scrollbar-size-horizontal: 0; height: 9; margin: 1 0; }
    """

    def __init__(self, column: str, now: ColumnType | None) -> None:
        super().__init__()
        self._of = column
        self._now = now
        self._types = ("", *COLUMN_TYPES)

    def compose(self) -> ComposeResult:
        now = "text" if self._now is None else f"{type_word(self._now)} ({self._now.reason})"
        with Vertical(classes="dialog"):
            yield Plain(joined("How ", plain(self._of, limit=30), " is compared"), classes="title")
            yield Plain(joined(plain("now ", "$text-muted"), plain(now, limit=120)))
            yield RowTable()
            yield Plain("It is for rules and sorting: mails have the cells as they stand.", classes="muted")
            yield Plain("enter takes it   esc closes", classes="muted")

    def on_mount(self) -> None:
        rows = [TableRow(place, "", (kind or FOUND_OUT, _SAID.get(kind, ""))) for place, kind in enumerate(self._types)]
        table = self.query_one(RowTable)
        table.show_rows(("type", "reads"), rows, label="", widest=50)
        given = self._now is not None and self._now.confidence == "given"
        word = type_word(self._now) if self._now is not None and given else ""
        table.go_to(self._types.index(word) if word in self._types else 0)

    @on(RowTable.Chosen)
    def chosen(self, event: RowTable.Chosen) -> None:
        self.dismiss(self._types[event.table.cursor])

    def action_leave(self) -> None:
        self.dismiss(None)
