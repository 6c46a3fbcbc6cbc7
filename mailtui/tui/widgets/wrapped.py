"""Owns text whose long lines go on below their beginning: numbered sources, lists, quotes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content

from mailtui.tui.text import Plain

LINES = 6_000
_NARROWEST = 12


@dataclass(frozen=True, slots=True)
class Line:
    """A line: its text, what stands before it, and before what it goes on with (blanks when left out)."""

    text: Content
    lead: Content = Content("")  # noqa: RUF009 - never changed
    onward: Content | None = None


class Wrapped(Plain):
    """Lines, wrapped to the width there is."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: Sequence[Line] = ()
        self._wrapped_to = 0

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show other lines. There are at most `LINES`; whoever cuts a text says so in its last line."""
        self._lines = lines[:LINES]
        self._wrapped_to = 0
        self._wrap()

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._wrapped_to:
            self._wrap()

    def _wrap(self) -> None:
        width = self.content_size.width
        if not width:
            return  # not laid out yet; the resize comes
        self._wrapped_to = width
        self.show(Content("\n").join([part for line in self._lines for part in folded(line, width)]))


def folded(line: Line, width: int) -> list[Content]:
    """A line as so many as it takes within a width."""
    room = max(width - line.lead.cell_length, _NARROWEST)
    if line.text.cell_length <= room:
        return [line.lead + line.text]
    first, *further = line.text.wrap(room)
    onward = Content(" " * line.lead.cell_length) if line.onward is None else line.onward
    return [line.lead + first, *(onward + part for part in further)]
