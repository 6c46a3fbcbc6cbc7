"""Owns how two mails look beside each other: what they share once, and what differs in two columns or line by line.

What differs is marked by a sign before the line and by underlining, and not by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual import events
from textual.content import Content

from mailtui.kit.words import counted
from mailtui.service.previews import Pair, Piece
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.wrapped import LINES, Line, folded

_AROUND = 2  # lines that are the same and stand around what differs
_LONGEST = 2_000  # of one line
_LEFT, _RIGHT = "underline on $error-muted", "underline on $success-muted"
_SIDES = ("- ", "$text-error", _LEFT), ("+ ", "$text-success", _RIGHT)


class DifferenceLines(Plain):
    """Pairs of lines, wrapped to the width there is."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pairs: Sequence[Pair] = ()
        self._beside = False
        self._wrapped_to = 0

    def show_pairs(self, pairs: Sequence[Pair], *, beside: bool) -> None:
        """Show other pairs: in two columns, or the lines of both below each other."""
        self._pairs, self._beside, self._wrapped_to = pairs, beside, 0
        self._wrap()

    def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._wrapped_to:
            self._wrap()

    def _wrap(self) -> None:
        width = self.content_size.width
        if not width:
            return  # not laid out yet; the resize comes
        self._wrapped_to = width
        lines = _in_columns(self._pairs, width) if self._beside else _below(self._pairs, width)
        shown = [line for _, line in zip(range(LINES), lines, strict=False)]
        self.show(Content("\n").join(shown or [plain("Both are the same here.", "$text-muted")]))


def told(pairs: Sequence[Pair]) -> str:
    """How much differs."""
    changed = sum(1 for pair in pairs if not pair.same)
    return f"{counted(changed, 'line')} of {len(pairs):,} differ" if changed else "no line differs"


def _shared(pairs: Sequence[Pair]) -> Iterator[Pair | int]:
    """The pairs, and in place of those that are far from any difference how many they are."""
    near = [not pair.same for pair in pairs]
    differing = [at for at, differs in enumerate(near) if differs]
    for at in differing:
        for beside in range(max(0, at - _AROUND), min(len(near), at + _AROUND + 1)):
            near[beside] = True
    skipped = 0
    for pair, shown in zip(pairs, near, strict=True):
        if not shown:
            skipped += 1
            continue
        if skipped:
            yield skipped
            skipped = 0
        yield pair
    if skipped and differing:
        yield skipped


def _skipped(count: int) -> Content:
    return plain(f"  ··· {counted(count, 'line')} the same", "$text-muted")


def _below(pairs: Sequence[Pair], width: int) -> Iterator[Content]:
    run: list[Pair] = []
    for item in [*_shared(pairs), 0]:
        if isinstance(item, Pair) and not item.same:
            run.append(item)
            continue
        for (sign, style, marked), side in zip(_SIDES, ("left", "right"), strict=True):
            for pair in run:
                pieces = pair.left if side == "left" else pair.right
                if pieces is not None:
                    yield from folded(Line(_line(pieces, marked), plain(sign, f"bold {style}")), width)
        run = []
        if isinstance(item, Pair):
            yield from folded(Line(_line(item.left or (), ""), plain("  ")), width)
        elif item:
            yield _skipped(item)


def _in_columns(pairs: Sequence[Pair], width: int) -> Iterator[Content]:
    room = max((width - 3) // 2, 1)
    blank = Content(" " * room)
    for item in _shared(pairs):
        if not isinstance(item, Pair):
            yield _skipped(item)
            continue
        edge = plain(" │ ", "$text-muted") if item.same else plain(" ┃ ", "bold $text-warning")
        left = folded(Line(_line(item.left, _LEFT)), room) if item.left is not None else []
        right = folded(Line(_line(item.right, _RIGHT)), room) if item.right is not None else []
        for at in range(max(len(left), len(right), 1)):
            one = left[at].pad_right(max(room - left[at].cell_length, 0)) if at < len(left) else blank
            yield joined(one, edge, right[at] if at < len(right) else "")


def _line(pieces: Sequence[Piece], marked: str) -> Content:
    return joined(*(plain(piece.text, marked if piece.changed else "", limit=_LONGEST) for piece in pieces))
