"""Owns how an index is filled: one pass over a list, batch by batch, so that memory does not grow with it.

A record is cut into cells once. A batch of them is turned into columns, which are looked at and handed to SQLite as
wholes: that is where the time goes on a million rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import apsw

from mailtui.audience.address import AddressError, are_plain, parse_address, plain_address
from mailtui.audience.column_facts import FactsGatherer, facts_to_json
from mailtui.audience.csv_blocks import Batch, Columns
from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.reading import Reading, original, read_batches, reading_to_json
from mailtui.audience.source import Source

Flags = Callable[[str], int]
_BATCH_ROWS = 2_500
_BATCH_CELLS = 100_000
_KEYS_AT_ONCE = 250

# Most lists have few keys with a capital or none, and then this is one pass over an index.
_FIND_ALIKE = """
CREATE TEMP TABLE capital AS SELECT DISTINCT key, lower(key) AS low FROM entry
WHERE key IS NOT NULL AND key <> lower(key);
CREATE TEMP TABLE several (low TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO several SELECT low FROM capital GROUP BY low HAVING count(*) > 1;
INSERT OR IGNORE INTO several SELECT low FROM capital WHERE EXISTS (SELECT 1 FROM entry WHERE entry.key = low);
INSERT INTO alike SELECT low, entry.row FROM capital JOIN several USING (low) JOIN entry ON entry.key = capital.key;
INSERT INTO alike SELECT low, entry.row FROM several JOIN entry ON entry.key = several.low;
"""


def fill(
    connection: apsw.Connection,
    source: Source,
    reading: Reading,
    flags: Flags,
    progress: Callable[[int], None] | None,
) -> None:
    """Make an index of a list in an empty database.

    `flags` tells what is to be known of an address, as the bits of `Hygiene`. `progress` hears how many rows were
    read so far; what it raises ends that.
    """
    gatherer = FactsGatherer(reading.understanding.types, len(reading.columns))
    _make_tables(connection, gatherer, len(reading.columns))
    filling = _Filling(connection, reading, gatherer, flags)
    with connection:
        for rows in filling.take(read_batches(source, reading)):
            if progress is not None:
                progress(rows)
        connection.execute("CREATE INDEX by_key ON entry (key, row) WHERE key IS NOT NULL")
        connection.execute(
            "UPDATE entry SET twin = 1 WHERE key IN"
            " (SELECT key FROM entry WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)"
        )
        connection.execute(_FIND_ALIKE)
        connection.execute("CREATE INDEX by_twin ON entry (row) WHERE twin = 1")
        connection.execute("CREATE INDEX by_flag ON entry (row) WHERE flag > 0")
        facts = facts_to_json(gatherer.facts())
        meta = {"rows": filling.rows, "reading": reading_to_json(reading), "facts": facts}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))


def _make_tables(connection: apsw.Connection, gatherer: FactsGatherer, width: int) -> None:
    shadows = "".join(f", {name}" for name in gatherer.names)  # of no type: whole numbers stay whole
    cells = "".join(f", c{number} TEXT NOT NULL" for number in range(width))
    connection.execute("PRAGMA page_size = 16384")  # rows of a list are long: filling and scanning take a tenth less
    connection.execute(
        # Row numbers have gaps where a bad record stands, which is in problem alone.
        "CREATE TABLE entry (row INTEGER PRIMARY KEY, line INTEGER NOT NULL, key TEXT, flag INTEGER NOT NULL,"
        f" twin INTEGER{shadows}{cells});"
        "CREATE TABLE problem (row INTEGER PRIMARY KEY, line INTEGER NOT NULL, kind TEXT NOT NULL,"
        " reason TEXT NOT NULL, text TEXT NOT NULL);"
        "CREATE TABLE alike (low TEXT, row INTEGER, PRIMARY KEY (low, row)) WITHOUT ROWID;"
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value)"
    )


class _Filling:
    """The rows of `entry` and `problem`, from the records of a list."""

    def __init__(self, connection: apsw.Connection, reading: Reading, gatherer: FactsGatherer, flags: Flags) -> None:
        self.rows = 0
        """How many records were taken in."""
        self._connection = connection
        self._reading = reading
        self._width = len(reading.columns)
        self._gatherer = gatherer
        self._flags = flags
        self._cells: list[str] = []  # of all rows of a batch, one after the other
        self._numbers: list[int] = []
        self._lines: list[int] = []
        self._problems: list[tuple[int, int, str, str, str]] = []
        names = ["row", "line", "key", "flag", *gatherer.names, *(f"c{at}" for at in range(self._width))]
        marks = ", ".join("?" * len(names))
        self._insert = f"INSERT INTO entry ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names

    def take(self, batches: Iterable[Batch]) -> Iterator[int]:
        """Put all records away; yields how many were read, a batch at a time."""
        size = max(20, min(_BATCH_ROWS, _BATCH_CELLS // self._width))
        for batch in batches:
            self._add(batch)
            if len(self._numbers) + len(self._problems) >= size:
                self._put()
                yield self.rows
        self._put()

    def _add(self, batch: Batch) -> None:
        row = self.rows + 1
        if isinstance(batch, Columns):
            self._cells += batch.cells
            self._numbers += range(row, row + batch.count)
            self._lines += range(batch.line, batch.line + batch.count)
            self.rows += batch.count
            return
        for number, (line, cells) in enumerate(batch, start=row):
            if isinstance(cells, BadRecord):
                self._problems.append((number, line, "bad_row", cells.reason, cells.text))
            else:
                self._cells += cells
                self._numbers.append(number)
                self._lines.append(line)
        self.rows += len(batch)

    def _put(self) -> None:
        cells, width = self._cells, self._width
        if cells:
            columns = [cells[at::width] for at in range(width)]
            keys = self._keys(columns[self._reading.address_position])
            flags = self._flags
            bits = [0 if key is None else flags(key) for key in keys]
            shadows = self._gatherer.look(columns)
            entries = zip(self._numbers, self._lines, keys, bits, *shadows, *columns, strict=True)
            self._connection.executemany(self._insert, entries)
        self._connection.executemany("INSERT INTO problem VALUES (?, ?, ?, ?, ?)", self._problems)
        for used in (cells, self._numbers, self._lines, self._problems):
            used.clear()

    def _keys(self, cells: list[str]) -> list[str | None]:
        """The key of each row's address, None where there is none to use."""
        keys: list[str | None] = []
        for start in range(0, len(cells), _KEYS_AT_ONCE):
            part = cells[start : start + _KEYS_AT_ONCE]
            # A plain address without a capital is its own key.
            plain = are_plain(part) and "".join(part).islower()
            keys += part if plain else map(plain_address, part)
        if None in keys:
            for at, key in enumerate(keys):
                if key is None:
                    keys[at] = self._look_closer(cells[at], at)
        return keys

    def _look_closer(self, cell: str, at: int) -> str | None:
        try:
            return parse_address(cell).key
        except AddressError as error:
            cells = self._cells[at * self._width : (at + 1) * self._width]
            text = original(cells, self._reading)
            self._problems.append((self._numbers[at], self._lines[at], "bad_address", str(error), text))
            return None
