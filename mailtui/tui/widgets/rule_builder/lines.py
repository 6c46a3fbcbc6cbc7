"""Owns a filter as the lines of a drawn tree: what stands where, and what a click there means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len

from mailtui.kit.safe_text import safe_text
from mailtui.service.rules import Draft, Group, Join, Line, Node, Operator, format_value

Part = Literal["column", "operator", "value", "join", "add", "group", "lead"]
Where = tuple[int, ...]

_GROUPS = {Join.AND: "all of these hold", Join.OR: "any of these holds", Join.NOT: "the following does not hold"}
_VALUE = 200
_COLUMN = 60


@dataclass(frozen=True, slots=True)
class Piece:
    """A few characters of a line, and what they are."""

    text: str
    part: Part
    hint: bool = False
    """Whether it is an aside, or stands where something is missing."""


@dataclass(frozen=True, slots=True)
class TreeLine:
    """One line of the tree: the node at `path`, None for the last line, which adds something."""

    path: Where | None
    pieces: tuple[Piece, ...]

    @property
    def width(self) -> int:
        return sum(cell_len(piece.text) for piece in self.pieces)

    def part_at(self, x: int) -> Part:
        """What stands so many columns from the left."""
        at = 0
        for piece in self.pieces:
            at += cell_len(piece.text)
            if x < at:
                return piece.part
        return "lead"


def tree_lines(draft: Draft) -> list[TreeLine]:
    """A draft as lines, the root first."""
    lines = list(_lines(draft, (), "", "")) if draft is not None else []
    start = "+ add a comparison" if draft is not None else "+ everybody is meant: add a comparison"
    gap = Piece("    ", "lead")
    lines.append(TreeLine(None, (Piece(start, "add", hint=True), gap, Piece("+ add a group", "group", hint=True))))
    return lines


def _lines(node: Node, path: Where, lead: str, below: str) -> Iterator[TreeLine]:
    start = (Piece(lead, "lead"),) if lead else ()
    if isinstance(node, Line):
        yield TreeLine(path, (*start, *_comparison(node)))
        return
    about = Piece(f"  {_GROUPS[node.join]}", "lead", hint=True)
    yield TreeLine(path, (*start, Piece(node.join.value, "join"), about))
    yield from _members(node, path, below)


def _members(group: Group, path: Where, below: str) -> Iterator[TreeLine]:
    last = len(group.nodes) - 1
    for at, member in enumerate(group.nodes):
        lead, further = ("└─ ", "   ") if at == last else ("├─ ", "│  ")
        yield from _lines(member, (*path, at), below + lead, below + further)


def _comparison(line: Line) -> Iterator[Piece]:
    column = safe_text(line.column, limit=_COLUMN)
    yield Piece(column or "column?", "column", hint=not column)
    yield Piece(f"  {line.operator.value}", "operator")
    if line.operator is not Operator.EMPTY:
        value = safe_text(format_value(line.value), limit=_VALUE)
        yield Piece(f"  {value or 'value?'}", "value", hint=not value)
