"""Owns which recipients of a list are most likely to look odd in a message: the longest, the blank, the unusual.

It reads cells and renders nothing, so that a whole list takes as long as reading it. It keeps the first of each kind
and counts, whatever the list's length.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mailtui.audience.recipient import Recipient
from mailtui.kit.words import counted

SHOWN = 10
_NAMED = 4  # columns that are named of a row


class Oddity(StrEnum):
    """In what a recipient stands out."""

    LONGEST = "longest"
    BLANK = "blank"
    NOT_ASCII = "not ASCII"
    ROWS = "most rows"


@dataclass(frozen=True, slots=True)
class OddRow:
    """One recipient, and why they stand out: a sentence in which the list's cells do not stand, only column names."""

    row: int
    address: str
    why: str


@dataclass(frozen=True, slots=True)
class OddRows:
    """The recipients who stand out most in one way, the worst first; `count` is how many stand out in it at all."""

    oddity: Oddity
    rows: tuple[OddRow, ...]
    count: int


@dataclass(slots=True)
class _Top:
    """The largest so far; of equal ones the first in the list."""

    count: int = 0
    _heap: list[tuple[int, int, Recipient]] = field(default_factory=list)

    def add(self, amount: int, recipient: Recipient) -> None:
        self.count += 1
        item = (amount, -recipient.row, recipient)
        if len(self._heap) < SHOWN:
            heapq.heappush(self._heap, item)
        elif amount > self._heap[0][0]:
            heapq.heapreplace(self._heap, item)

    def sorted(self) -> list[tuple[int, Recipient]]:
        return [(amount, recipient) for amount, _, recipient in sorted(self._heap, reverse=True)]


class WorstRows:
    """Is fed one recipient after another. `used` are the columns that the message reads; None for all of them.

    A row that stands out in a column that no template reads is as good as any.
    """

    def __init__(self, used: Collection[str] | None) -> None:
        self._used = None if used is None else tuple(used)
        self._tops = {oddity: _Top() for oddity in Oddity}

    def feed(self, recipient: Recipient) -> None:
        """Look at one recipient; with rows that make one mail, at all of them."""
        cells = self._cells(recipient.fields)
        for fields in recipient.rows[1:]:
            cells += self._cells(fields)
        text = "".join(cells)
        if text:
            self._tops[Oddity.LONGEST].add(len(text), recipient)
        blank = sum(1 for cell in cells if not cell or cell.isspace())
        if blank:
            self._tops[Oddity.BLANK].add(blank, recipient)
        if not text.isascii() or not recipient.address.isascii():
            foreign = sum(1 for character in text + recipient.address if not character.isascii())
            self._tops[Oddity.NOT_ASCII].add(foreign, recipient)
        if len(recipient.rows) > 1:
            self._tops[Oddity.ROWS].add(len(recipient.rows), recipient)

    def result(self) -> tuple[OddRows, ...]:
        """What was found, one of each kind that there is."""
        return tuple(
            OddRows(
                oddity,
                tuple(
                    OddRow(recipient.row, recipient.address, self._why(oddity, amount, recipient))
                    for amount, recipient in top.sorted()
                ),
                top.count,
            )
            for oddity, top in self._tops.items()
            if top.count
        )

    def _cells(self, fields: Mapping[str, str]) -> list[str]:
        return list(fields.values()) if self._used is None else [fields.get(name, "") for name in self._used]

    def _why(self, oddity: Oddity, amount: int, recipient: Recipient) -> str:
        if oddity is Oddity.ROWS:
            return f"{counted(amount, 'row')} make this mail"
        columns = self._columns(recipient)
        if oddity is Oddity.BLANK:
            return f"nothing in {_named([name for name, text, gaps in columns if gaps])}"
        if oddity is Oddity.LONGEST:
            name, longest = max(((name, len(text)) for name, text, _ in columns), key=lambda item: item[1])
            most = f", {longest:,} of them in {name}" if len(columns) > 1 else f" in {name}"
            return f"{counted(amount, 'character')}{most}"
        where = [name for name, text, _ in columns if not text.isascii()]
        where += [] if recipient.address.isascii() else ["the address"]
        return f"{counted(amount, 'character')} beyond ASCII, in {_named(where)}"

    def _columns(self, recipient: Recipient) -> list[tuple[str, str, bool]]:
        """Name, whole text, and whether a cell is blank, of each column that is looked at."""
        rows = recipient.rows or (recipient.fields,)
        names = tuple(recipient.fields) if self._used is None else self._used
        found = [(name, [fields.get(name, "") for fields in rows]) for name in names]
        return [(name, "".join(cells), not all(cell.strip() for cell in cells)) for name, cells in found]


def _named(names: list[str]) -> str:
    """Names of columns in a row, the first few of many."""
    if len(names) <= _NAMED:
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)
    return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED:,} more"
