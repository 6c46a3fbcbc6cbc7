"""Owns who of an indexed list is meant by one filter: the rows that match, less the unwanted and repeated addresses.

The filter is a condition in SQL (`match_sql`), so counting is SQLite's work and can be ended at any time. Which rows
repeat an address is worked out once, over the rows whose address occurs more than once, and kept in the connection's
scratch database. So nothing here grows with the list.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import count, groupby
from operator import itemgetter
from types import TracebackType
from typing import Any

from mailtui.audience.index import Index
from mailtui.audience.match import Matcher
from mailtui.audience.match_sql import Bound, compile_rule

Heard = Callable[[int, int], None]
"""Hears how many rows were looked at, and how many of them match."""

FLAG_BITS = (1, 2, 4)
_CHUNK = 50_000  # some tens of milliseconds: as long as a newer question waits at most
_RUN = 32  # rows side by side in a sample: neighbours are often alike, so many short runs tell more than few long ones
_tables = count(1)


@dataclass(frozen=True, slots=True)
class Totals:
    """`matched` rows; `valid`, those of them with a usable address; of these, `excluded` ones; of the rest, `repeats`.

    `flagged`: how many valid and matched rows have each of the bits of `Hygiene`, in their order; `remarkable`: any.
    """

    matched: int
    valid: int
    excluded: int
    repeats: int
    remarkable: int
    flagged: tuple[int, ...]


class Selection:
    """One filter over one open index; `matcher` is None when everybody is meant, `unwanted` has the flags to leave out.

    `condition` holds for the rows that match, `wanted` for those that get a mail if they repeat nobody; both are SQL
    over `entry`, to be used with `bindings`.
    """

    def __init__(self, index: Index, matcher: Matcher | None, *, unwanted: int = 0) -> None:
        self.matcher = matcher
        self.bindings: dict[str, Bound | None] = {"unwanted": unwanted}
        self._connection = index.connection
        self._rows = index.rows
        self._rule = None if matcher is None else compile_rule(matcher, index.facts)
        if self._rule is not None:
            self._rule.install(self._connection)
            self.bindings.update(self._rule.bindings)
        self.condition = "1" if self._rule is None else f"({self._rule.text})"
        # What costs little comes first.
        self.wanted = f"(key IS NOT NULL AND flag & :unwanted = 0 AND {self.condition})"
        self._repeat: str | None = None

    def __enter__(self) -> Selection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Drop what was made in the scratch database."""
        if self._repeat is not None:
            self._connection.execute(f"DROP TABLE {self._repeat}")
            self._repeat = None
        if self._rule is not None:
            self._rule.remove(self._connection)
            self._rule = None

    def totals(self, heard: Heard | None = None) -> Totals:
        """All counts, in one pass over the list, a part after the other."""
        sums = [0] * (4 + len(FLAG_BITS))
        flags = ", ".join(f"total(flag & {bit} <> 0)" for bit in FLAG_BITS)
        query = (
            f"SELECT count(*), count(key), total(flag & :unwanted <> 0), total(flag > 0), {flags} FROM entry"  # noqa: S608 - our own names
            f" WHERE row BETWEEN :first AND :last AND {self.condition}"
        )
        for first in range(1, self._rows + 1, _CHUNK):
            last = min(first + _CHUNK - 1, self._rows)
            found: Any = self.ask(query, first=first, last=last).fetchone()
            sums = [int(sum(pair)) for pair in zip(sums, found, strict=True)]
            if heard is not None:
                heard(last, sums[0])
        matched, valid, excluded, remarkable, *flagged = sums
        repeats: Any = self.ask(f"SELECT count(*) FROM {self.repeats()}").get  # noqa: S608
        return Totals(matched, valid, excluded, int(repeats), remarkable, tuple(flagged))

    def share(self, sample: int) -> float:
        """Which part of the rows matches, from 0 to 1, judged by about `sample` of them from all over the list."""
        if self.matcher is None or not self._rows:
            return 1.0
        step = max(_RUN, self._rows * _RUN // max(1, sample))
        chance = random.Random(self._rows)  # the same rows whenever the list is asked  # noqa: S311
        firsts = [begin + chance.randrange(step - _RUN + 1) for begin in range(1, self._rows + 1, step)]
        query = (
            f"SELECT count(*), total({self.condition}) FROM json_each(:firsts) AS run"  # noqa: S608 - our own names
            f" CROSS JOIN entry WHERE row BETWEEN run.value AND run.value + {_RUN - 1}"
        )
        seen, held = self.ask(query, firsts=json.dumps(firsts)).fetchone()
        return float(held / seen) if seen else 0.0

    def ask(self, query: str, **more: Bound | None) -> Any:
        """Run a query that may name the conditions."""
        return self._connection.execute(query, {**self.bindings, **more})

    def kept(self, columns: str, first: int, last: int) -> Iterator[tuple[int, str, int | None, tuple[str, ...]]]:
        """Row, key, twin and cells of every row from `first` to `last` that gets a mail, in order."""
        query = f"SELECT row, key, twin, {columns} FROM entry WHERE {self.kept_condition()}"  # noqa: S608
        query += " AND row BETWEEN :first AND :last ORDER BY row"
        for row, key, twin, *cells in self.ask(query, first=first, last=last):
            yield row, key, twin, tuple(cells)

    def flagged(self, bit: int, limit: int) -> tuple[int, tuple[int, ...]]:
        """How many of the rows that get a mail have a flag, and the first ones."""
        found = f"FROM entry WHERE flag & :bit AND {self.kept_condition()}"
        count = int(self.ask(f"SELECT count(*) {found}", bit=bit).get)
        rows = self.ask(f"SELECT row {found} ORDER BY row LIMIT :limit", bit=bit, limit=limit) if count else ()
        return count, tuple(row for (row,) in rows)

    def kept_condition(self) -> str:
        """Holds for the rows that get a mail."""
        repeat = self.repeats()
        repeated = f"EXISTS (SELECT 1 FROM {repeat} WHERE {repeat}.row = entry.row)"  # noqa: S608
        return f"{self.wanted} AND (twin IS NULL OR NOT {repeated})"

    def more_of(self, key: str, row: int, columns: str, limit: int) -> list[tuple[str, ...]]:
        """The cells of the further rows of an address, after the one that is kept, in order; the first `limit`."""
        query = f"SELECT {columns} FROM entry WHERE key = :key AND row > :row AND {self.wanted}"  # noqa: S608
        query += " ORDER BY row LIMIT :limit"
        return list(map(tuple, self.ask(query, key=key, row=row, limit=limit)))

    def further_rows(self, key: str, row: int, limit: int) -> tuple[int, ...]:
        """The numbers of those rows."""
        return tuple(int(number) for (number,) in self.more_of(key, row, "row", limit))

    def mailed(self, keys: Collection[str]) -> dict[str, int]:
        """The row that is kept, for each of these addresses of which one is."""
        first = f"SELECT row FROM entry WHERE key = address.value AND {self.wanted} ORDER BY row LIMIT 1"  # noqa: S608
        query = f"SELECT value, ({first}) AS first FROM json_each(:keys) AS address WHERE first IS NOT NULL"  # noqa: S608
        return {key: int(row) for key, row in self.ask(query, keys=json.dumps(list(keys)))} if keys else {}

    def alike(self) -> Iterator[int]:
        """The rows that are kept though another one that is kept has the same address but for capital letters."""
        query = f"SELECT low, row, key FROM alike JOIN entry USING (row) WHERE {self.wanted} ORDER BY low, row"  # noqa: S608
        for _, group in groupby(self.ask(query), key=itemgetter(0)):
            firsts: dict[str, int] = {}
            for _, row, key in group:
                firsts.setdefault(key, row)
            if len(firsts) > 1:
                yield from firsts.values()

    def first_of(self, row: int) -> int | None:
        """The row that is kept in place of this one, or None when this one is no duplicate."""
        found = self.ask(f"SELECT first FROM {self.repeats()} WHERE row = :row", row=row).fetchone()  # noqa: S608
        return None if found is None else int(found[0])

    def repeats(self) -> str:
        """The table of the rows whose address an earlier one that is kept has: `row`, and that one, `first`."""
        if self._repeat is None:
            name = f"repeat_{next(_tables)}"
            # No transaction around both: one that is interrupted is gone by the time it would be rolled back.
            self._connection.execute(f"CREATE TABLE {name} (row INTEGER PRIMARY KEY, first INTEGER NOT NULL)")
            # INDEXED BY: left to itself, SQLite walks all addresses, since their index has them in order.
            self.ask(
                f"INSERT INTO {name} SELECT row, first FROM (SELECT row, min(row) OVER (PARTITION BY key) AS first"  # noqa: S608
                f" FROM entry INDEXED BY by_twin WHERE twin = 1 AND {self.wanted}) WHERE row <> first"
            )
            self._repeat = name
        return self._repeat


def repeat_reason(key: str, first: int) -> str:
    """Why a duplicate gets no mail of its own."""
    return f"{key} already stands in row {first:,}"
