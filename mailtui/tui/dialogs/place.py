"""Owns asking which tab of a workbook, table of a database or list of a document is meant."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.screen import ModalScreen

from mailtui.service.lists import Places
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.row_pages import TableRow
from mailtui.tui.widgets.row_table import RowTable

_KINDS: Mapping[str, str] = {"sheet": "tab", "query": "table", "records": "list"}


class PlaceDialog(ModalScreen[str | None]):
    """The one that was chosen, '' for whichever has addresses, or None."""

    AUTO_FOCUS = "RowTable"
    BINDINGS: ClassVar = [Binding("escape,q", "leave", "Cancel")]
    CSS = """
    PlaceDialog RowTable { scrollbar-size-horizontal: 0; margin: 1 0; max-height: 50vh; }
    """

    def __init__(self, name: str, places: Places) -> None:
        super().__init__()
        self._of = name
        self._places = places
        self._names = ("", *places.names) if places.found else places.names

    def compose(self) -> ComposeResult:
        kind = _KINDS[self._places.key]
        with Vertical(classes="dialog"):
            title = f"{self._of} has {len(self._places.names):,} {kind}s: which one is the list?"
            yield Plain(plain(title, "bold", limit=120), classes="title")
            yield RowTable()
            yield Plain("enter opens it   esc closes", classes="muted")

    def on_mount(self) -> None:
        kind = _KINDS[self._places.key]
        # Of several tabs the first will do; of tables and lists one is only found out where no other would do.
        unchosen = f"the {'first' if kind == 'tab' else 'only'} {kind} with addresses"
        rows = [
            TableRow(place, f"{place}" if name else "-", (name or unchosen,))
            for place, name in enumerate(self._names, 0 if self._places.found else 1)
        ]
        table = self.query_one(RowTable)
        table.show_rows(("name",), rows, label=kind, widest=60)
        table.styles.height = min(len(rows), 100) + 1

    @on(RowTable.Chosen)
    def chosen(self, event: RowTable.Chosen) -> None:
        self.dismiss(self._names[event.table.cursor])

    def action_leave(self) -> None:
        self.dismiss(None)
