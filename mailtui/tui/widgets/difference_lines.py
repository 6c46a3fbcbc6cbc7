"""Owns how two mails look beside each other: what they share once, and what differs in two columns or line by line.

What differs is marked by a sign before the line and by underlining, and not by colour alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from textual.content import Content

from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.previews import Pair, Piece
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.wrapped import LINES, Line, Rows, Wrapped

_AROUND = 2  # lines that are the same and stand around what differs
_LONGEST = 2_000  # of one line
_LEFT, _RIGHT = "underline on $error-muted", "underline on $success-muted"
_SIDES = ("- ", "$text-error", _LEFT), ("+ ", "$text-success", _RIGHT)


@dataclass(frozen=True, slots=True)
class _Marked:
    """A line of one mail. What differs in it is marked when it is drawn: of a long mail little is in sight."""

    pieces: Sequence[Piece]
    marked: str = ""
    lead: Content = Content("")  # noqa: RUF009 - never changed

    def height(self, width: int) -> int:
        text = "".join(safe_text(piece.text, limit=_LONGEST) for piece in self.pieces)
        return Line(Content(text), self.lead).height(width)

    def rows(self, width: int) -> list[Content]:
        text = (plain(piece.text, self.marked if piece.changed else "", limit=_LONGEST) for piece in self.pieces)
        return Line(joined(*text), self.lead).rows(width)


@dataclass(frozen=True, slots=True)
class _Beside:
    """A line of each mail in two columns; None where one has none there."""

    left: _Marked | None
    right: _Marked | None
    same: bool

    def height(self, width: int) -> int:
        room = _column(width)
        return max(1, *(line.height(room) for line in (self.left, self.right) if line is not None))

    def rows(self, width: int) -> list[Content]:
        room = _column(width)
        edge = plain(" │ ", "$text-muted") if self.same else plain(" ┃ ", "bold $text-warning")
        left, right = ([] if line is None else line.rows(room) for line in (self.left, self.right))
        rows = []
        for one, other in zip_longest(left, right, fillvalue=Content("")):
            rows.append(joined(one.pad_right(max(room - one.cell_length, 0)), edge, other))
        return rows


class DifferenceLines(Wrapped):
    """Pairs of lines, wrapped to the width there is."""

    def show_pairs(self, pairs: Sequence[Pair], *, beside: bool) -> None:
        """Show other pairs: in two columns, or the lines of both below each other."""
        lines: list[Rows] = list(islice(_in_columns(pairs) if beside else _below(pairs), LINES + 1))
        if len(lines) > LINES:
            lines[LINES - 1 :] = [Line(plain("The rest is not shown here.", "$text-warning"))]
        self.show_lines(lines or [Line(plain("Both are the same here.", "$text-muted"))])


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


def _below(pairs: Sequence[Pair]) -> Iterator[Rows]:
    run: list[Pair] = []
    leads = [plain(sign, f"bold {style}") for sign, style, _ in _SIDES]
    for item in [*_shared(pairs), 0]:
        if isinstance(item, Pair) and not item.same:
            run.append(item)
            continue
        for (_, _, marked), lead, side in zip(_SIDES, leads, ("left", "right"), strict=True):
            for pair in run:
                pieces = pair.left if side == "left" else pair.right
                if pieces is not None:
                    yield _Marked(pieces, marked, lead)
        run = []
        if isinstance(item, Pair):
            yield _Marked(item.left or (), lead=Content("  "))
        elif item:
            yield _skipped(item)


def _in_columns(pairs: Sequence[Pair]) -> Iterator[Rows]:
    for item in _shared(pairs):
        if isinstance(item, Pair):
            left = None if item.left is None else _Marked(item.left, _LEFT)
            right = None if item.right is None else _Marked(item.right, _RIGHT)
            yield _Beside(left, right, item.same)
        else:
            yield _skipped(item)


def _column(width: int) -> int:
    return max((width - 3) // 2, 1)


def _skipped(count: int) -> Line:
    return Line(plain(f"  ··· {counted(count, 'line')} the same", "$text-muted"))
