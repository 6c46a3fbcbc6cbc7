"""Owns the line that says which rows of a list are shown, and how many there are of each kind; a click changes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.content import Content
from textual.message import Message

from mailtui.service.lists import Which
from mailtui.tui.text import Plain, joined, plain

_GAP = 2
_LINES = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """Some of the rows: `which` as the list knows them, their name, and how many they are."""

    which: Which
    name: str
    count: int
    style: str = ""


class ViewBar(Plain):
    """Kinds beside one another, the one that is shown marked, over two lines where it takes them."""

    DEFAULT_CSS = """
    ViewBar { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    class Picked(Message):
        """Another kind was clicked."""

        def __init__(self, which: Which) -> None:
            super().__init__()
            self.which = which

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._kinds: tuple[Kind, ...] = ()
        self._taken: Which = "all"
        self._tail = Content("")
        self._places: list[tuple[int, int, int, Which]] = []

    def tell(self, kinds: Sequence[Kind], taken: Which, tail: Content) -> None:
        """Show these kinds, and a `tail` behind them, such as the order they are in."""
        self._kinds, self._taken, self._tail = tuple(kinds), taken, tail
        self._lay_out()

    def on_resize(self) -> None:
        self._lay_out()

    def on_click(self, event: events.Click) -> None:
        x = event.x - self.styles.padding.left
        which = next((which for y, first, last, which in self._places if y == event.y and first <= x < last), None)
        if which is not None:
            self.post_message(self.Picked(which))

    def _lay_out(self) -> None:
        width = self.content_size.width
        if not width:
            return
        lines: list[list[Content]] = [[]]
        at, self._places = 0, []
        for kind in self._kinds:
            told = self._named(kind)
            if at and at + told.cell_length > width:
                lines.append([])
                at = 0
            self._places.append((len(lines) - 1, at, at + told.cell_length, kind.which))
            lines[-1].append(told)
            at += told.cell_length + _GAP
        if self._tail.cell_length:
            lines = [*lines, []] if at + self._tail.cell_length > width else lines
            lines[-1].append(self._tail)
        gap = " " * _GAP
        self.show(joined(*(joined(*line, separator=gap) for line in lines), separator="\n"))
        self.styles.height = min(len(lines), _LINES)  # one that follows from the text is overlooked within a resize

    def _named(self, kind: Kind) -> Content:
        """The one that is shown stands between brackets, in the colours of a cursor."""
        if kind.which == self._taken:
            return plain(f"[{kind.count:,} {kind.name}]", "bold $block-cursor-foreground on $block-cursor-background")
        return joined(plain(f"{kind.count:,}", f"bold {kind.style}".strip()), " ", plain(kind.name, "$text-muted"))
