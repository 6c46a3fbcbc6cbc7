"""Owns putting what a program found out into a page: tables of Markdown, each between its two comments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """A table's lines; whole numbers get commas between their thousands."""
    lines = [_row(head), _row(["---"] * len(head))]
    return lines + [_row([f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row]) for row in rows]


def dated(command: str) -> str:
    """Below each table: when, and how anybody gets one of their own."""
    return f"Run on {datetime.now(UTC):%Y-%m-%d} by `{command}`."


def write_block(page: Path, kind: str, name: str, lines: Sequence[str]) -> None:
    """Put lines between `<!-- kind: name -->` and `<!-- end of kind: name -->`, in place of what stands there."""
    before, _, after = _around(page, kind, name)
    page.write_text("".join((before, "\n", *(f"{line}\n" for line in lines), "\n", after)), encoding="utf-8")


def rows_of(page: Path, kind: str, name: str) -> list[tuple[str, ...]]:
    """The rows of the table that stands there, without its head; none where there is no table."""
    lines = [line for line in _around(page, kind, name)[1].splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


def _around(page: Path, kind: str, name: str) -> tuple[str, str, str]:
    """The page up to a block, the block, and the page from its end. Raises `ValueError` where it has no such block."""
    begin, end = f"<!-- {kind}: {name} -->\n", f"<!-- end of {kind}: {name} -->\n"
    text = page.read_text(encoding="utf-8")
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{page} has no place for {name}")
    before, _, rest = text.partition(begin)
    block, _, after = rest.partition(end)
    return before + begin, block, end + after


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
