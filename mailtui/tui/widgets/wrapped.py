"""Owns text whose long lines go on below their beginning: mails, numbered sources, lists, quotes.

A mail may have thousands of lines. How many rows each takes is worked out for all of them, from their texts alone;
what is in sight is drawn, and nothing else.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Protocol

from textual.content import Content
from textual.geometry import Size
from textual.selection import Selection
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual
from textual.widget import Widget

from mailtui.tui.folding import breaks

LINES = 6_000
_NARROWEST = 12


class Rows(Protocol):
    """Something that takes one or more rows of the terminal. Both say the same number for a width."""

    def height(self, width: int) -> int:
        """How many rows it takes; cheap."""
        ...

    def rows(self, width: int) -> Sequence[Content]:
        """The rows."""
        ...


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its text, what stands before it, and before what it goes on with (blanks when left out)."""

    text: Content
    lead: Content = Content("")  # noqa: RUF009 - never changed
    onward: Content | None = None

    def height(self, width: int) -> int:
        return 1 + len(self._breaks(width))

    def rows(self, width: int) -> list[Content]:
        at = self._breaks(width)
        if not at:
            return [self.lead + self.text]
        first, *further = (part.rstrip() for part in self.text.divide(at))
        onward = Content(" " * self.lead.cell_length) if self.onward is None else self.onward
        return [self.lead + first, *(onward + part for part in further)]

    def _breaks(self, width: int) -> list[int]:
        return breaks(self.text.plain, max(width - self.lead.cell_length, _NARROWEST))


class Wrapped(Widget):
    """Lines, wrapped to the width there is."""

    DEFAULT_CSS = "Wrapped { height: auto; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Rows] = ()
        self._starts: dict[int, list[int]] = {}
        self._drawn: tuple[int, int, Sequence[Content]] = (-1, 0, ())

    def show_lines(self, lines: Sequence[Rows]) -> None:
        """Show other lines. There are at most `LINES`; whoever cuts a text says so in its last line."""
        self._lines = lines[:LINES]
        self._starts.clear()
        self._drawn = (-1, 0, ())
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:  # noqa: ARG002 - Textual's
        return self._starts_at(width)[-1] if width else 0

    def render_line(self, y: int) -> Strip:
        width, style = self.size.width, self.visual_style
        if not width or y >= self._starts_at(width)[-1]:
            return Strip.blank(width, style.rich_style)
        row = self._row(y, width)
        span = None if self.text_selection is None else self.text_selection.get_span(y)
        if span is not None:
            chosen = Style.from_styles(self.screen.get_component_styles("screen--selection"))
            row = row.stylize(chosen, span[0], None if span[1] < 0 else span[1])
        [drawn, *_] = Visual.to_strips(self, row, width, 1, style, apply_selection=False) or [Strip.blank(width)]
        return drawn.apply_offsets(0, y)

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        width = self.size.width
        return selection.extract("\n".join(row.plain for line in self._lines for row in line.rows(width))), "\n"

    def _starts_at(self, width: int) -> list[int]:
        """The row at which each line begins, and behind them how many rows there are."""
        starts = self._starts.get(width)
        if starts is None:
            starts = self._starts[width] = list(accumulate((line.height(width) for line in self._lines), initial=0))
        return starts

    def _row(self, y: int, width: int) -> Content:
        starts = self._starts_at(width)
        at = bisect_right(starts, y) - 1
        if self._drawn[:2] != (at, width):
            self._drawn = (at, width, self._lines[at].rows(width))
        return self._drawn[2][y - starts[at]]
