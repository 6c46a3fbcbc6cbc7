"""Owns a list seen another way: some of its rows only, in another order, and where a text stands in it.

A view is worked out once into a table of the connection's scratch database, row numbers in their order; after that
any page of it is read as fast as of the list itself. Working it out can be ended, and tells how far it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, cast

from mailtui.audience.column_facts import BLANKS, ColumnFacts
from mailtui.audience.comparing import fold
from mailtui.audience.index import Index
from mailtui.audience.match_sql import like_pattern, speakable, sql_function
from mailtui.audience.selection import Selection
from mailtui.audience.views import ListView

Looked = Callable[[int], None]
"""Hears up to which row of the list has been looked; what it raises ends the work."""

_KEPT = 4  # views; a few megabytes on disk for a million rows each
_EVERY = 20_000
_STEP = 25_000  # positions; some tens of milliseconds
_numbers = count(1)


def search_steps(after: int, length: int, *, backwards: bool) -> Iterator[tuple[int, int]]:
    """The positions to look through after one of a view, or before it, a part after the other."""
    if backwards:
        for last in range(min(after - 1, length), 0, -_STEP):
            yield max(1, last - _STEP + 1), last
    else:
        for first in range(max(after, 0) + 1, length + 1, _STEP):
            yield first, min(first + _STEP - 1, length)


class Views:
    """The views of one index under one selection."""

    def __init__(self, index: Index, selection: Selection) -> None:
        self._connection = index.connection
        self._columns = index.reading.columns
        self._facts = index.facts
        self._rows = index.rows
        self._selection = selection
        self._made: dict[ListView, tuple[str, int]] = {}
        self._told: Looked | None = None
        sql_function(self._connection, "folded", fold)
        self._connection.create_scalar_function("looked", cast("Callable[..., int]", self._looked), 1)

    def close(self) -> None:
        """Drop the views."""
        for name, _ in self._made.values():
            self._connection.execute(f"DROP TABLE {name}")
        self._made.clear()

    def plain(self, view: ListView) -> bool:
        """Whether a view is the list as it stands."""
        everything = view.which == "all" or (view.which == "matched" and self._selection.matcher is None)
        return everything and view.column is None

    def prepare(self, view: ListView, told: Looked | None = None) -> int:
        """Work a view out unless it was; how many rows it has."""
        if self.plain(view):
            return self._rows
        if view not in self._made:
            while len(self._made) >= _KEPT:
                oldest = next(iter(self._made))
                self._connection.execute(f"DROP TABLE {self._made.pop(oldest)[0]}")
            self._told = told
            try:
                self._made[view] = self._make(view)
            finally:
                self._told = None
        return self._made[view][1]

    def rows(self, view: ListView, first: int, last: int) -> list[int]:
        """The row numbers at the positions from `first` to `last`, counted from 1."""
        query = f"SELECT row FROM {self._table(view)} WHERE position BETWEEN ? AND ? ORDER BY position"  # noqa: S608
        found: Any = self._connection.execute(query, (first, last))
        return [row for (row,) in found]

    def position(self, view: ListView, row: int) -> int | None:
        """Where a row stands in a view, None when it is not in it."""
        if self.plain(view):
            return row if 1 <= row <= self._rows else None
        query = f"SELECT position FROM {self._table(view)} WHERE row = ? LIMIT 1"  # noqa: S608
        found: Any = self._connection.execute(query, (row,)).fetchone()
        return None if found is None else int(found[0])

    def search(
        self, view: ListView, text: str, first: int, last: int, *, column: str | None, backwards: bool
    ) -> int | None:
        """The first position from `first` to `last`, or the last one, whose row has a text, in one column or any."""
        wanted = fold(text)
        spoken = speakable(wanted)
        positions = range(len(self._columns)) if column is None else (self._columns.index(column),)
        hit = self._hit(positions, spoken=spoken)
        sql_function(self._connection, "has_text", lambda cell: wanted in fold(cell))
        order, best = ("DESC", max) if backwards else ("ASC", min)
        if self.plain(view):
            at, entries, problems = "row", "entry", "problem"
        else:
            at, table = "position", self._table(view)
            # CROSS JOIN: the view gives the order, whatever SQLite thinks of it.
            entries, problems = f"{table} CROSS JOIN entry USING (row)", f"{table} CROSS JOIN problem USING (row)"
        queries = [f"SELECT {at} FROM {entries} WHERE {hit}"]  # noqa: S608 - our own names
        if column is None:
            queries.append(f"SELECT {at} FROM {problems} WHERE kind = 'bad_row' AND has_text(text)")  # noqa: S608
        found: list[int] = []
        for query in queries:
            within = f"{query} AND {at} BETWEEN :first AND :last ORDER BY {at} {order} LIMIT 1"
            row: Any = self._connection.execute(
                within, {"first": first, "last": last, "like": f"%{like_pattern(wanted)}%"}
            ).fetchone()
            found += [] if row is None else [int(row[0])]
        return best(found, default=None)

    def _hit(self, positions: Sequence[int], *, spoken: bool) -> str:
        """Whether any of some columns has the text; of ASCII cells LIKE knows, of others Python."""
        parts = []
        for position in positions:
            cell = f"c{position}"
            plain = f"{cell} LIKE :like ESCAPE '!'"
            if not spoken:
                parts.append(f"has_text({cell})")
            elif self._facts[position].ascii:
                parts.append(plain)
            else:
                parts.append(f"CASE WHEN length({cell}) = octet_length({cell}) THEN {plain} ELSE has_text({cell}) END")
        return f"({' OR '.join(parts)})"

    def _make(self, view: ListView) -> tuple[str, int]:
        selection = self._selection
        name = f"view_{next(_numbers)}"
        condition, damaged = self._meant(view)
        chosen = f"SELECT row FROM entry WHERE {self._watched('row')} AND {condition}"  # noqa: S608
        bad = "SELECT row FROM problem WHERE kind = 'bad_row'"
        if view.column is None:
            steps = [f"{chosen} UNION ALL {bad} ORDER BY row" if damaged else f"{chosen} ORDER BY row"]
        else:
            position = self._columns.index(view.column)
            steps = [
                f"{chosen} ORDER BY {_sort_keys(position, self._facts[position], descending=view.descending)}, row"
            ]
            steps += [f"{bad} ORDER BY row"] if damaged else []
        self._connection.execute(f"CREATE TABLE {name} (position INTEGER PRIMARY KEY, row INTEGER NOT NULL)")
        for step in steps:
            selection.ask(f"INSERT INTO {name} (row) {step}", blanks=BLANKS)
        length: Any = self._connection.execute(f"SELECT count(*) FROM {name}").get  # noqa: S608
        return name, int(length)

    def _meant(self, view: ListView) -> tuple[str, bool]:
        """The condition for rows that can be read, and whether those belong to it that cannot."""
        selection, which = self._selection, view.which
        unfiltered = selection.matcher is None
        if which == "all" or (which == "matched" and unfiltered):
            return "1", True
        if which == "matched":
            return selection.condition, False
        if which == "out":
            return f"NOT {selection.condition}", not unfiltered
        if which == "problems":
            return "key IS NULL", True
        if which == "duplicates":
            return f"row IN (SELECT row FROM {selection.repeats()})", False  # noqa: S608
        if which == "excluded":
            return f"flag > 0 AND flag & :unwanted <> 0 AND {selection.condition}", False
        if which == "flagged":
            return f"flag > 0 AND {selection.condition}", False
        return selection.kept_condition(), False

    def _watched(self, at: str) -> str:
        return f"({at} % {_EVERY} <> 0 OR looked({at}))"

    def _looked(self, row: int) -> int:
        if self._told is not None:
            self._told(row)
        return 1

    def _table(self, view: ListView) -> str:
        self.prepare(view)
        return self._made[view][0]


def _sort_keys(position: int, facts: ColumnFacts, *, descending: bool) -> str:
    """By value what has one, texts by their folded form, empty cells last in either direction."""
    order = "DESC NULLS LAST" if descending else "ASC NULLS LAST"
    cell = f"c{position}"
    if not facts.bare:
        cell = f"trim({cell}, :blanks)"
    folded = f"lower({cell})"
    if not facts.ascii:
        folded = f"CASE WHEN length({cell}) = octet_length({cell}) THEN lower({cell}) ELSE folded({cell}) END"
    by_text = f"nullif({folded}, '') {order}"
    if not facts.shadow:
        return by_text
    shadow = facts.shadow_name(position)
    # Numbers past 63 bits are rounded in the shadow; of equal ones the longer is the larger.
    by_length = "" if facts.exact else f"length({cell}) {order}, "
    return f"{shadow} {order}, {by_length}{by_text}"
