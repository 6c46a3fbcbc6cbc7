"""Owns which rows of a list get no mail of their own, and why, in words."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

from mailtui.audience.hygiene import BITS, Hygiene
from mailtui.audience.index import Index, read_problems
from mailtui.audience.problem import RowProblem
from mailtui.audience.reading import original
from mailtui.audience.selection import Selection, repeat_reason


class LeftOut:
    """The rows that are left out under one selection. With `grouped`, rows of one address make one mail."""

    def __init__(self, index: Index, selection: Selection, hygiene: Hygiene, *, unwanted: int, grouped: bool) -> None:
        self._connection = index.connection
        self._reading = index.reading
        self._cells = ", ".join(f"c{number}" for number in range(len(index.reading.columns)))
        self._selection = selection
        self._hygiene = hygiene
        self._unwanted = unwanted
        self._grouped = grouped

    def problems(self) -> Iterator[RowProblem]:
        """Bad rows and addresses, and of the matched rows duplicates and excluded kinds, in the order of the list."""
        return heapq.merge(
            read_problems(self._connection),
            () if self._grouped else self._duplicates(),
            self._excluded() if self._unwanted else (),
            key=lambda problem: problem.line,
        )

    def of_row(
        self, row: int, line: int, key: str, flag: int, cells: Sequence[str], *, twin: bool
    ) -> tuple[RowProblem | None, int | None]:
        """Why a matched row with a usable address is left out, or with which row it goes; None where that is not so."""
        if flag & self._unwanted:
            return RowProblem(line, row, "excluded", self._why(key, flag), original(cells, self._reading)), None
        first = self._selection.first_of(row) if twin else None
        if first is None or self._grouped:
            return None, first
        return RowProblem(line, row, "duplicate", repeat_reason(key, first), original(cells, self._reading)), None

    def _duplicates(self) -> Iterator[RowProblem]:
        table = self._selection.repeats()
        query = (
            f"SELECT row, first, line, key, {self._cells} FROM {table} CROSS JOIN entry USING (row)"  # noqa: S608 - ours
            f" ORDER BY {table}.row"
        )
        for row, first, line, key, *cells in self._selection.ask(query):
            yield RowProblem(line, row, "duplicate", repeat_reason(key, first), original(cells, self._reading))

    def _excluded(self) -> Iterator[RowProblem]:
        query = (
            f"SELECT row, line, key, flag, {self._cells} FROM entry"  # noqa: S608 - c0 to cN
            f" WHERE flag > 0 AND flag & :unwanted <> 0 AND {self._selection.condition} ORDER BY row"
        )
        for row, line, key, flag, *cells in self._selection.ask(query):
            yield RowProblem(line, row, "excluded", self._why(key, flag), original(cells, self._reading))

    def _why(self, key: str, flag: int) -> str:
        return "; ".join(self._hygiene.reason(key, bit) for bit in BITS.values() if bit & flag & self._unwanted)
