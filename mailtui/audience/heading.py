"""Owns where the column names of a grid stand: in its first row, below a title block, or nowhere.

A grid is any list of rows of cells with the numbers of their lines, whatever file it came from. Nothing above the
names is lost without a word: what is left out is told, and without a row of names every row is data.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mailtui.audience.address import is_address
from mailtui.audience.address_column import is_address_name
from mailtui.audience.comparing import fold
from mailtui.audience.findings import Finding
from mailtui.errors import AudienceError

NONE = "none"
COLUMN_LIMIT = 1_900
"""How many columns a list may have: what SQLite takes, less those of our own."""

Row = tuple[int, Sequence[str]]

_LOOKED_AT = 30
_MEANT = re.compile(r"\S\s*(?:@|[(\[{]\s*at\s*[)\]}])\s*\S", re.IGNORECASE)
_SHOWN_LINES = 3
_SHOWN_TEXT = 60


@dataclass(frozen=True, slots=True)
class Heading:
    """The columns of a grid. `finding.value` is the line of their names, or `none`.

    `first` is the index of the first row of data among the rows that were looked at. `notes` tell what is left out
    above the names, and which columns are called otherwise than they stand there.
    """

    finding: Finding
    columns: tuple[str, ...]
    notes: tuple[str, ...]
    first: int

    @property
    def line(self) -> int | None:
        """The line of the names; None where there are none."""
        return None if self.finding.value == NONE else int(self.finding.value)


def find_heading(
    rows: Sequence[Row], given: bool | int | None, *, address: str | None = None, unit: str = "line"
) -> Heading:
    """Where the column names stand among the first rows of a grid, of which there is at least one.

    `given` is what a person said: the line, false for none, true for "there is one". `address` is the column that
    they said has the addresses. Raises `AudienceError` when the line they named is not there, and for too many columns.
    """
    position, finding = _position(rows, given, address, unit)
    width = _usual_width(rows) if position is None else len(rows[position][1])
    if width > COLUMN_LIMIT:
        raise AudienceError(
            f"The list has {width:,} columns",
            detail=f"Up to {COLUMN_LIMIT:,} are read.",
            hint="Leave out those that neither the filter nor the message names. Is it cut at the right delimiter?",
        )
    if position is None:
        columns, notes = _numbered(width)
        return Heading(finding, columns, notes, 0)
    columns, notes = unique_names(rows[position][1])
    return Heading(finding, columns, (*_left_out(rows[:position], unit), *notes), position + 1)


def unique_names(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that differ even without regard to case, and notes on those that are called otherwise than they stand.

    A second `Name` is `Name_2`, an empty one `column_3`.
    """
    taken = {fold(cell.strip()) for cell in cells}
    seen: set[str] = set()
    names: list[str] = []
    notes: list[str] = []
    for position, cell in enumerate(cells, start=1):
        written = " ".join(cell.replace("\ufeff", "").split())
        wanted = name = written or f"column_{position}"
        number = 2
        while fold(name) in seen or (name != written and fold(name) in taken):
            name = f"{wanted}_{number}"
            number += 1
        if written and name != written:
            notes.append(f"A second column {written} is called {name} here.")
        seen.add(fold(name))
        names.append(name)
    return tuple(names), (*notes, *_nameless(cells, names))


def _nameless(cells: Sequence[str], names: Sequence[str]) -> list[str]:
    # An empty name at the very end is a trailing delimiter, and nothing to speak of.
    filled = max((position for position, cell in enumerate(cells) if cell.strip()), default=-1)
    nameless = [name for cell, name in zip(cells[:filled], names, strict=False) if not cell.strip()]
    if not nameless:
        return []
    shown = ", ".join(nameless[:5]) + (", …" if len(nameless) > 5 else "")
    return [
        f"{'A column without a name is' if len(nameless) == 1 else 'Columns without a name are'} called {shown} here."
    ]


def _position(
    rows: Sequence[Row], given: bool | int | None, address: str | None, unit: str
) -> tuple[int | None, Finding]:
    """The index of the row with the names, or None."""
    if given is False:
        return None, Finding(NONE, "given", "as you said")
    if given is not None and given is not True:
        return _given_line(rows, given, unit)
    data = next((index for index, (_, cells) in enumerate(rows) if any(map(is_address, cells))), None)
    if data == 0 and given is None:
        first = next(cell for cell in rows[0][1] if is_address(cell))
        return None, Finding(NONE, "certain", f"the first row already holds an address, {first.strip()}")
    above = rows[: max(data, 1)] if data is not None else rows[:_LOOKED_AT]
    position = _names_among(above, _usual_reach(rows[data or 0 :]), address)
    line = str(rows[position or 0][0])
    if given is True:
        return position or 0, Finding(line, "given", "as you said")
    odd = _why_no_name(rows[0][1], rows[data][1]) if position == 0 and data is not None else ""
    if odd:
        # A row of data whose address is none: taken for names it would be lost, and as data it is reported.
        return None, Finding(NONE, "likely", f"the first row has {odd}")
    if position is None:
        # Too narrow for the rows below it, a title perhaps: as data it will be reported, and nothing is lost.
        return None, Finding(NONE, "guess", f"no {unit} above the first address is as wide as the rows from there on")
    if position:
        reason = f"the first {unit} with names for all columns; {_count_above(position, unit)} it"
        return position, Finding(line, "likely", reason)
    if data is None:
        return 0, Finding(line, "likely", "the first row holds no address")
    sure = any(map(is_address_name, rows[0][1]))
    return 0, Finding(line, "certain" if sure else "likely", "the first row holds no address, later ones do")


def _why_no_name(cells: Sequence[str], data: Sequence[str]) -> str:
    """What speaks against a row of names: something that was to be an address, or nothing where `data` has one."""
    if any(map(is_address_name, cells)):
        return ""
    meant = next((cell.strip() for cell in cells if _MEANT.search(cell.strip())), "")
    if meant:
        return f"{meant}, which is no name of a column"
    pairs = zip(cells, data, strict=False)
    return "nothing where others have an address" if any(is_address(d) and not c.strip() for c, d in pairs) else ""


def _given_line(rows: Sequence[Row], given: int, unit: str) -> tuple[int, Finding]:
    for index, (line, _) in enumerate(rows):
        if line == given:
            return index, Finding(str(given), "given", "as you said")
    seen = [str(line) for line, cells in rows if any(cell.strip() for cell in cells)][:5]
    raise AudienceError(
        f"No row of the list starts on {unit} {given}",
        detail=f"The first ones start on {unit} {', '.join(seen)}",
        hint="Name the line with the column names, counted from 1, or none.",
    )


def _names_among(above: Sequence[Row], width: int, address: str | None) -> int | None:
    """Which of the rows above the data has the names, if any.

    One that names an address column, else the first one with something in most of its cells.
    """
    sizes = [sum(1 for cell in cells if cell.strip()) for _, cells in above]
    wanted = None if address is None else fold(address.strip())
    for index, (_, cells) in enumerate(above):
        if wanted is not None and any(fold(cell.strip()) == wanted for cell in cells):
            return index
    for index, (_, cells) in enumerate(above):
        if sizes[index] >= min(2, width) and any(map(is_address_name, cells)):
            return index
    least = max(min(2, width), (width * 3 + 4) // 5)
    for index, size in enumerate(sizes):
        if size >= least:
            return index
    # A first row with a name or two too few is still one of names, unless it is all that a title has: one cell.
    alone = sizes[0] == 1 and len(above) == 1 and any(map(is_address_name, above[0][1]))
    return 0 if sizes[0] >= min(2, width) or alone else None


def _usual_width(rows: Sequence[Row]) -> int:
    """How many cells most rows have."""
    return Counter(len(cells) for _, cells in rows).most_common(1)[0][0]


def _usual_reach(rows: Sequence[Row]) -> int:
    """The same, but for empty cells at the ends."""
    reaches = (
        max((place for place, cell in enumerate(cells, start=1) if cell.strip()), default=1) for _, cells in rows
    )
    return Counter(reaches).most_common(1)[0][0]


def _numbered(width: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    names = tuple(f"column_{number}" for number in range(1, width + 1))
    called = f"they are called {names[0]} to {names[-1]}" if width > 1 else f"the only one is called {names[0]}"
    return names, (f"There is no row of column names, so {called}.",)


def _left_out(above: Sequence[Row], unit: str) -> list[str]:
    notes = []
    for line, cells in above[:_SHOWN_LINES]:
        text = " ".join(cell.strip() for cell in cells if cell.strip())
        shown = text if len(text) <= _SHOWN_TEXT else text[:_SHOWN_TEXT] + "…"
        notes.append(f"{unit.capitalize()} {line} stands above the column names and is left out: {shown}")
    if len(above) > _SHOWN_LINES:
        notes.append(f"So are {len(above) - _SHOWN_LINES:,} more {unit}s above them.")
    return notes


def _count_above(count: int, unit: str) -> str:
    return f"one {unit} stands above" if count == 1 else f"{count} {unit}s stand above"
