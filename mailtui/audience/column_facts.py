"""Owns what is known of a column's cells once all of them were seen: what a filter in SQL may rely on.

A column of numbers or dates has a shadow in the index, `n0` or `d0` beside `c0`: what its cells compare as, NULL
where a cell is no number or date. The cell itself is never rewritten.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Literal

from mailtui.audience.comparing import comparing
from mailtui.audience.findings import ColumnType
from mailtui.audience.typed import Moment

Shadow = Literal["", "number", "date"]
Read = Callable[[Sequence[str]], Sequence[int | float | None]]
DAY = 2 * 86_400_000_000
"""What a day is in a date's shadow."""
BLANKS = "".join(filter(str.isspace, map(chr, range(0x3001))))
"""Every character that `str.strip` takes away; the last one is U+3000."""
_SHADOWS = 80  # a table has at most 2,000 columns, and a list up to 1,900
_DATES_KNOWN = 50_000
_ODD_BLANKS = BLANKS.replace(" ", "")
_PLAIN_NUMBERS = re.compile(r"(?:(?:[+-]?[0-9]{1,15}|(?=[+-]?[0-9.]{3,16}\0)[+-]?[0-9]+\.[0-9]+)?\0)*+")
_WIDEST = 1 << 63
_START = datetime(1, 1, 1)  # noqa: DTZ001 - the calendar's own first day
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What holds for every cell of a column.

    `ascii`: no cell has a character beyond ASCII, or a NUL. `bare`: no cell begins or ends with a blank.
    `exact`: every number of the column fits its shadow; one of more than 63 bits is rounded there, good enough
    to sort by.
    """

    ascii: bool = False
    bare: bool = False
    shadow: Shadow = ""
    exact: bool = True

    def shadow_name(self, position: int) -> str:
        """The shadow's column in the index."""
        return f"{'n' if self.shadow == 'number' else 'd'}{position}"


def date_key(moment: Moment) -> int:
    """A moment as a whole number that orders as it does: twice the microseconds, and one more with a time of day."""
    return 2 * ((moment.at - _START) // _MICROSECOND) + moment.has_time


class FactsGatherer:
    """Sees every row of a list once, in batches."""

    def __init__(self, types: Sequence[ColumnType], width: int) -> None:
        self._types = tuple(types)
        self._ascii = [True] * width
        self._bare = [True] * width
        self._exact = [True] * width
        kinds = [kind.kind for kind in self._types]
        typed = [position for position, kind in enumerate(kinds) if kind in ("number", "date")][:_SHADOWS]
        self._shadows: dict[int, Shadow] = {
            position: "number" if kinds[position] == "number" else "date" for position in typed
        }
        self._read: list[tuple[int, Read]] = [
            (position, self._number(position) if shadow == "number" else self._date(position))
            for position, shadow in self._shadows.items()
        ]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the shadows, in their order."""
        return tuple(ColumnFacts(shadow=shadow).shadow_name(at) for at, shadow in self._shadows.items())

    def look(self, columns: Sequence[Sequence[str]]) -> list[Sequence[int | float | None]]:
        """Take in some rows, given column by column; what their typed cells compare as, likewise."""
        for position, cells in enumerate(columns):
            ascii, bare = self._ascii[position], self._bare[position]
            if ascii or bare:
                # One text for all of them: looking through it takes a fraction of asking each cell.
                text = "\0".join(cells)
                apart = text.count("\0") == len(cells) - 1
                self._ascii[position] = ascii and apart and text.isascii()
                self._bare[position] = bare and _are_bare(text if apart else None, cells)
        return [read(columns[position]) for position, read in self._read]

    def facts(self) -> tuple[ColumnFacts, ...]:
        """What held for all rows."""
        return tuple(
            ColumnFacts(self._ascii[at], self._bare[at], self._shadows.get(at, ""), self._exact[at])
            for at in range(len(self._ascii))
        )

    def _number(self, position: int) -> Read:
        how = comparing(self._types[position])
        number = how.number

        def read(cell: str) -> int | float | None:
            found = number(cell)
            if isinstance(found, int) and not -_WIDEST <= found < _WIDEST:
                self._exact[position] = False
                return float(found)
            return found

        def read_all(cells: Sequence[str]) -> Sequence[int | float | None]:
            # Most are plain, and then as_number says what float does; up to 15 digits that is exact. In a column with
            # a decimal comma 1.234 is more than a thousand.
            text = "\0".join(cells) + "\0"
            plain = how.number_style != "comma" and text.count("\0") == len(cells)
            if plain and _PLAIN_NUMBERS.fullmatch(text):
                return [float(cell) if cell else None for cell in cells]
            return list(map(read, cells))

        return read_all

    def _date(self, position: int) -> Read:
        keys = _DateKeys(comparing(self._types[position]).moment).__getitem__
        return lambda cells: list(map(keys, cells))


class _DateKeys(dict[str, int | None]):
    """The shadows of the dates seen so far: lists repeat them."""

    def __init__(self, moment: Callable[[str], Moment | None]) -> None:
        super().__init__()
        self._moment = moment

    def __missing__(self, cell: str) -> int | None:
        found = self._moment(cell)
        key = None if found is None else date_key(found)
        if len(self) < _DATES_KNOWN:
            self[cell] = key
        return key


def _are_bare(text: str | None, cells: Sequence[str]) -> bool:
    """Whether no cell begins or ends with a blank; `text` has them joined by NULs, which none of them has itself."""
    if text is not None:
        if text[:1] == " " or text[-1:] == " " or " \0" in text or "\0 " in text:
            return False
        if not any(blank in text for blank in _ODD_BLANKS):
            return True
    return all(cell == cell.strip() for cell in cells)


def facts_to_json(facts: Sequence[ColumnFacts]) -> str:
    """Facts as text, for `facts_from_json`."""
    return json.dumps([asdict(one) for one in facts])


def facts_from_json(text: str) -> tuple[ColumnFacts, ...]:
    """What `facts_to_json` wrote."""
    return tuple(ColumnFacts(**one) for one in json.loads(text))
