"""Owns who of an indexed list is meant by one filter: the rows that match, less those that repeat an address.

Which rows repeat is worked out once, over the rows whose address occurs more than once, and kept in a scratch
database on disk that vanishes with its connection. So nothing here grows with the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import Any

import apsw

from mailtui.audience.match import Matcher
from mailtui.audience.problem import RowProblem
from mailtui.audience.reading import Reading, original


class Selection:
    """One filter over one open index. `matcher` is None when everybody is meant."""

    def __init__(self, connection: apsw.Connection, matcher: Matcher | None) -> None:
        self.matcher = matcher
        self._connection = connection
        self._scratch: apsw.Connection | None = None

    def __enter__(self) -> Selection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop the scratch database."""
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None

    def totals(self) -> tuple[int, int, int]:
        """Matching rows, those of them with a usable address, and the duplicates among these."""
        found: Any = self._repeats().execute("SELECT count(*) FROM repeat").get
        duplicates = int(found)
        if self.matcher is None:
            totals: Any = self._connection.execute("SELECT count(*), count(key) FROM entry").fetchone()
            return int(totals[0]), int(totals[1]), duplicates
        matched = valid = 0
        test = self.matcher.test_used
        query = f"SELECT key IS NOT NULL{self._used()} FROM entry"  # noqa: S608 - names c0 to cN
        for usable, *cells in self._connection.execute(query):
            if test(cells):
                matched += 1
                valid += usable
        return matched, valid, duplicates

    def kept(self, columns: str, first: int, last: int) -> Iterator[tuple[int, str, tuple[str, ...]]]:
        """Row, key and cells of every row from `first` to `last` that gets a mail, in order."""
        test = None if self.matcher is None else self.matcher.test
        query = f"SELECT row, key, twin, {columns} FROM entry"  # noqa: S608 - names c0 to cN
        query += " WHERE row BETWEEN ? AND ? AND key IS NOT NULL ORDER BY row"
        for row, key, twin, *cells in self._connection.execute(query, (first, last)):
            if (test is None or test(cells)) and not (twin and self.first_of(row) is not None):
                yield row, key, tuple(cells)

    def duplicates(self, columns: str, reading: Reading) -> Iterator[RowProblem]:
        """The rows left out because an earlier one that is kept has the same address, in order."""
        query = f"SELECT line, key, {columns} FROM entry WHERE row = ?"  # noqa: S608
        pairs: Any = self._repeats().execute("SELECT row, first FROM repeat ORDER BY row")
        for row, first in pairs:
            found: Any = self._connection.execute(query, (row,)).fetchone()
            line, key, *cells = found
            yield RowProblem(line, row, "duplicate", repeat_reason(key, first), original(cells, reading))

    def alike(self) -> Iterator[int]:
        """The rows that are kept though another one that is kept has the same address but for capital letters."""
        test = None if self.matcher is None else self.matcher.test_used
        query = f"SELECT low, row, key{self._used()} FROM alike JOIN entry USING (row) ORDER BY low, row"  # noqa: S608
        for _, group in groupby(self._connection.execute(query), key=itemgetter(0)):
            firsts: dict[str, int] = {}
            for _, row, key, *cells in group:
                if test is None or test(cells):
                    firsts.setdefault(key, row)
            if len(firsts) > 1:
                yield from firsts.values()

    def first_of(self, row: int) -> int | None:
        """The row that is kept in place of this one, or None when this one is no duplicate."""
        found = self._repeats().execute("SELECT first FROM repeat WHERE row = ?", (row,)).fetchone()
        return None if found is None else int(found[0])

    def _repeats(self) -> apsw.Connection:
        if self._scratch is None:
            self._scratch = self._find_repeats()
        return self._scratch

    def _find_repeats(self) -> apsw.Connection:
        scratch = apsw.Connection("")  # a private file on disk, deleted by SQLite when it is closed
        scratch.execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000")
        scratch.execute(
            "CREATE TABLE seen (key TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID;"
            "CREATE TABLE repeat (row INTEGER PRIMARY KEY, first INTEGER NOT NULL)"
        )
        test = None if self.matcher is None else self.matcher.test_used
        query = f"SELECT row, key{self._used()} FROM entry WHERE twin = 1 ORDER BY row"  # noqa: S608
        with scratch:
            for row, key, *cells in self._connection.execute(query):
                if test is not None and not test(cells):
                    continue
                scratch.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (key, row))
                if not scratch.changes():
                    scratch.execute("INSERT INTO repeat SELECT ?, row FROM seen WHERE key = ?", (row, key))
        return scratch

    def _used(self) -> str:
        return "" if self.matcher is None else "".join(f", c{position}" for position in self.matcher.used)


def repeat_reason(key: str, first: int) -> str:
    """Why a duplicate gets no mail of its own."""
    return f"{key} already stands in row {first:,}"
