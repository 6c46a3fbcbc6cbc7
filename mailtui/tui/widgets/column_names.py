"""Owns the list's column names as a few lines; a click on one hands it on."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message

from mailtui.service.rules import format_column
from mailtui.tui.text import Plain, joined, plain

_LONGEST = 24
_LINES = 2
_GAP = 2


class ColumnNames(Plain):
    """Names as a filter has them, beside one another, as many as there is room for."""

    class Picked(Message):
        """A name was clicked."""

        def __init__(self, column: str) -> None:
            super().__init__()
            self.column = column

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._columns: tuple[str, ...] = ()
        self._places: list[tuple[int, int, int, str]] = []

    def offer(self, columns: Sequence[str]) -> None:
        """Show these names."""
        self._columns = tuple(columns)
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        for line, first, last, name in self._places:
            if event.y == line and first <= event.x < last:
                self.post_message(self.Picked(name))

    def _lay_out(self) -> None:
        """Write names until the lines are full, and remember where each stands."""
        width = self.content_size.width
        if not width:
            return
        lead = "columns  "
        lines: list[list[Content]] = [[plain(lead, "$text-muted")]]
        at, self._places = len(lead), []
        for number, name in enumerate(self._columns):
            shown = plain(format_column(name), "$text-accent", limit=_LONGEST)
            more = f"  and {len(self._columns) - number} more"
            last = len(lines) == _LINES
            room = width - at - (len(more) if last and number < len(self._columns) - 1 else 0)
            if shown.cell_length > room:
                if last:
                    lines[-1].append(plain(more, "$text-muted"))
                    break
                lines.append([plain(" " * len(lead))])
                at = len(lead)
            if len(lines[-1]) > 1:
                lines[-1].append(plain(" " * _GAP))
            self._places.append((len(lines) - 1, at, at + shown.cell_length, name))
            lines[-1].append(shown)
            at += shown.cell_length + _GAP
        self.show(joined(*(joined(*line) for line in lines), separator="\n"))
        self.styles.height = len(lines)  # one that follows from the text is overlooked within a resize
