"""Owns what is told about the open list beside its rows: how it was understood, how many are meant, the filter."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from mailtui.service.lists import AudienceCounts
from mailtui.service.workbench import OpenList
from mailtui.tui.text import Plain
from mailtui.tui.widgets.understood import counts_text, filter_text, understood

_WIDE, _TALL = 120, 30
_PAIRS_NEED = 80


class ListAbout(Vertical):
    """In full where there is room, with what matters most where there is not."""

    def compose(self) -> ComposeResult:
        yield Plain(id="understood")
        yield Plain(id="counts")
        yield Plain(id="set")

    def tell(self, opened: OpenList, counts: AudienceCounts | None, filter: str, *, counting: bool) -> None:
        """Show this; `counts` are those under the filter, None while they are not known."""
        width, tall = self.app.size.width, self.app.size.height >= _TALL
        stacked = width >= _WIDE and tall
        reasons = "below" if stacked else "beside" if tall else "pairs"
        if width < _PAIRS_NEED:
            reasons = "none"
        self.query_one("#understood", Plain).show(understood(opened.understanding, reasons=reasons))
        numbers = self.query_one("#counts", Plain)
        numbers.display = stacked  # elsewhere the line above the rows has them
        numbers.show(counts_text(counts or opened.rows, filtered=bool(filter), counting=counting))
        self.query_one("#set", Plain).show(filter_text(filter, stacked=stacked))
