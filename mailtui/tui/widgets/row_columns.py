"""Owns the columns of a long table: how wide each is, and which part of a row can be seen."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

from rich.cells import cell_len, set_cell_size

from mailtui.tui.text import plain
from mailtui.tui.widgets.row_pages import TEXT_KEPT, TableRow

WIDEST = 32
_NARROWEST = 3
_GAP = 2


class RowColumns:
    """Columns are as wide as their names and the widest cell seen so far, within limits; they never shrink."""

    def __init__(self, names: Sequence[str] = (), widest: int = WIDEST) -> None:
        self.names = tuple(names)
        self._widest = widest
        self._widths: tuple[int, ...] = ()
        self._starts: list[int] = []
        self.measure(())

    @property
    def width(self) -> int:
        """The columns of a terminal that they all take."""
        return sum(self._widths) + _GAP * max(0, len(self._widths) - 1)

    def measure(self, rows: Sequence[TableRow]) -> bool:
        """Give these rows the room they need; whether any column has become wider."""
        widths = []
        for number, name in enumerate(self.names):
            cells = [row.cells[number] for row in rows if len(row.cells) == len(self.names)]
            longest = max(cell_len(shown(cell, self._widest)) for cell in [name, *cells])
            before = self._widths[number] if self._widths else _NARROWEST
            widths.append(max(before, min(longest, self._widest)))
        if tuple(widths) == self._widths:
            return False
        self._widths = tuple(widths)
        self._starts = [0, *accumulate(width + _GAP for width in widths)][:-1]
        return True

    def in_sight(self, cells: Sequence[str], left: int, room: int) -> tuple[str, int]:
        """The cells within `room` from `left` on as one text, and how much of it lies to the left of what is seen."""
        if len(cells) == 1 and len(self.names) > 1:
            return shown(cells[0], TEXT_KEPT), left
        first = max(0, bisect_right(self._starts, left) - 1)
        last = bisect_left(self._starts, left + room)
        texts = []
        for cell, width in zip(cells[first:last], self._widths[first:last], strict=False):
            texts.append(set_cell_size(_fitting(cell, width), width + _GAP))
        return "".join(texts), left - self._starts[first] if self._starts else 0

    def start_beside(self, left: int, *, onward: bool) -> int:
        """Where the next column begins, or the one before."""
        if onward:
            return next((start for start in self._starts if start > left), left)
        return next((start for start in reversed(self._starts) if start < left), 0)


def shown(text: str, limit: int) -> str:
    """A stranger's text as it may stand on a line, at most so many characters of it."""
    return plain(text, limit=limit).plain


def _fitting(text: str, width: int) -> str:
    """A cell within so many columns of the terminal, with an ellipsis where something is left out."""
    cell = shown(text, width + 1)
    return cell if cell_len(cell) <= width else set_cell_size(cell, width - 1).rstrip() + "…"
