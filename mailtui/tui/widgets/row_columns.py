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
    """Columns are as wide as their headings and the widest cell seen so far, within limits; they never shrink.

    Only columns in sight are measured: there may be thousands.
    """

    def __init__(self, names: Sequence[str] = (), widest: int = WIDEST, marks: Sequence[str] = ()) -> None:
        """`marks`, one for each name or none at all, stand behind the names."""
        self.names = tuple(names)
        self._widest = widest
        self._marks: tuple[str, ...] = ()
        self._widths = [_NARROWEST] * len(self.names)
        self._starts: list[int] = []
        self.mark(marks)

    @property
    def width(self) -> int:
        """The columns of a terminal that they all take."""
        return self._starts[-1] + self._widths[-1] if self._starts else 0

    def mark(self, marks: Sequence[str]) -> None:
        """Put other marks behind the names."""
        self._marks = tuple(marks) or ("",) * len(self.names)
        for number, (name, mark) in enumerate(zip(self.names, self._marks, strict=True)):
            needed = cell_len(shown(name, self._widest)) + len(mark) + bool(mark)
            self._widths[number] = max(self._widths[number], min(needed, self._widest))
        self._place()

    def measure(self, rows: Sequence[TableRow], left: int, room: int) -> bool:
        """Give the cells of these rows that stand within `room` from `left` on what they need; whether any got more."""
        whole = [row for row in rows if len(row.cells) == len(self.names)]
        wider = False
        for number in range(*self._between(left, room)):
            longest = max((cell_len(shown(row.cells[number], self._widest)) for row in whole), default=0)
            if min(longest, self._widest) > self._widths[number]:
                self._widths[number] = min(longest, self._widest)
                wider = True
        if wider:
            self._place()
        return wider

    def in_sight(self, cells: Sequence[str], left: int, room: int) -> tuple[str, int]:
        """The cells within `room` from `left` on as one text, and how much of it lies to the left of what is seen."""
        if len(cells) == 1 and len(self.names) > 1:
            return shown(cells[0], TEXT_KEPT), left
        first, last = self._between(left, room)
        texts = []
        for cell, width in zip(cells[first:last], self._widths[first:last], strict=False):
            texts.append(set_cell_size(_fitting(cell, width), width + _GAP))
        return "".join(texts), left - self._starts[first] if self._starts else 0

    def headings(self, left: int, room: int) -> tuple[str, int]:
        """The names within `room` from `left` on with their marks, as `in_sight` gives cells."""
        first, last = self._between(left, room)
        texts = []
        for name, mark, width in zip(
            self.names[first:last], self._marks[first:last], self._widths[first:last], strict=True
        ):
            tail = f" {mark}" if mark else ""
            texts.append(set_cell_size(_fitting(name, width - len(tail)) + tail, width + _GAP))
        return "".join(texts), left - self._starts[first] if self._starts else 0

    def place(self, column: int) -> tuple[int, int]:
        """Where a column begins, and how wide it is."""
        return self._starts[column], self._widths[column]

    def at(self, left: int) -> int:
        """The column that stands at a place."""
        return max(0, bisect_right(self._starts, left) - 1)

    def start_beside(self, left: int, *, onward: bool) -> int:
        """Where the next column begins, or the one before."""
        if onward:
            return next((start for start in self._starts if start > left), left)
        return next((start for start in reversed(self._starts) if start < left), 0)

    def _place(self) -> None:
        self._starts = [0, *accumulate(width + _GAP for width in self._widths)][:-1] if self._widths else []

    def _between(self, left: int, room: int) -> tuple[int, int]:
        """The columns within `room` from `left` on: the first, and the one behind the last."""
        return self.at(left), bisect_left(self._starts, left + room)


def shown(text: str, limit: int) -> str:
    """A stranger's text as it may stand on a line, at most so many characters of it."""
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    return plain(text, limit=limit).plain


def _fitting(text: str, width: int) -> str:
    """A cell within so many columns of the terminal, with an ellipsis where something is left out."""
    cell = shown(text, width + 1)
    return cell if cell_len(cell) <= width else set_cell_size(cell, width - 1).rstrip() + "…"
