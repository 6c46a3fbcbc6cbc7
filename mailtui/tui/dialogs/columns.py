"""Owns the columns of a list: their types, how sure those are, a cell of each; going to one, or mending its type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mailtui.kit.words import counted
from mailtui.service.lists import Understanding
from mailtui.tui.text import Plain
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.understood import type_word

_WIDEST = 40


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """The column that was chosen, and whether its type is to be mended or it is to be gone to."""

    column: int
    mend: bool


class ColumnsDialog(ModalScreen[ColumnChoice | None]):
    """The column to go to, or None."""

    AUTO_FOCUS = "RowTable"
    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Close"),
        Binding("slash", "find", "Find", show=False),
        Binding("t", "mend", "Type", show=False),
    ]
    CSS = """
    ColumnsDialog > .dialog { width: 110; }
    ColumnsDialog SafeInput { height: 1; border: none; padding: 0 1; background: $panel; }
    ColumnsDialog SafeInput:focus { border: none; }
    ColumnsDialog RowTable { scrollbar-size-horizontal: 0; margin-top: 1; }
    """

    def __init__(self, found: Understanding, first: Sequence[str], column: int) -> None:
        """`first` are the cells of the first row, `column` is where the cursor is to begin."""
        super().__init__()
        self._found = found
        self._first = tuple(first)
        self._start = column
        self._shown: list[int] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(counted(len(self._found.columns), "column"), classes="title")
            yield SafeInput(placeholder="/ finds a column by a part of its name")
            yield RowTable()
            yield Plain("enter goes there   t mends its type   / finds   esc closes", classes="muted")

    def on_mount(self) -> None:
        self._show("")
        self.call_after_refresh(self.query_one(RowTable).go_to, self._start)  # into sight, once it has its height

    @on(Input.Changed)
    def typed(self, event: Input.Changed) -> None:
        self._show(event.value)

    @on(Input.Submitted)
    def submitted(self) -> None:
        self.query_one(RowTable).focus()

    def _show(self, part: str) -> None:
        """The columns whose names have this part."""
        wanted = part.strip().casefold()
        found = self._found
        self._shown = [number for number, name in enumerate(found.columns) if wanted in name.casefold()]
        shown = self._shown

        async def fetch(first: int, count: int) -> Sequence[TableRow]:
            return [self._row(first + place, column) for place, column in enumerate(shown[first : first + count])]

        table = self.query_one(RowTable)
        table.show(
            ("name", "type", "sure", "first cell", "why"),
            len(shown),
            fetch,
            label="column",
            label_width=len(f"{len(found.columns):,}"),
            widest=_WIDEST,
        )
        table.styles.height = min(len(found.columns), 200) + 1
        table.styles.max_height = "50vh"

    def _row(self, position: int, column: int) -> TableRow:
        found = self._found
        kind = found.types[column] if column < len(found.types) else None
        address = found.columns[column] == found.address_column.value
        word = "address" if address else "text" if kind is None else type_word(kind)
        sure = found.address_column.confidence if address else "" if kind is None else kind.confidence
        why = found.address_column.reason if address else "" if kind is None else kind.reason
        cell = self._first[column] if column < len(self._first) else ""
        return TableRow(position, f"{column + 1:,}", (found.columns[column], word, sure, cell, why))

    @on(RowTable.Chosen)
    def chosen(self, event: RowTable.Chosen) -> None:
        self.dismiss(ColumnChoice(self._shown[event.table.cursor], mend=False))

    def action_find(self) -> None:
        self.query_one(SafeInput).focus()

    def action_mend(self) -> None:
        if self._shown:
            self.dismiss(ColumnChoice(self._shown[self.query_one(RowTable).cursor], mend=True))

    def action_leave(self) -> None:
        table = self.query_one(RowTable)
        if table.has_focus:
            self.dismiss(None)
        else:
            table.focus()
