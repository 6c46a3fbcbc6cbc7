"""Owns how an index is filled: one pass over a list, batch by batch, so that memory does not grow with it.

A record is cut into cells once. A batch of them is turned into columns, which are looked at and handed to SQLite as
wholes: that is where the time goes on a million rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import apsw

from mailtui.audience.address import AddressError, parse_address, plain_address
from mailtui.audience.column_facts import FactsGatherer, facts_to_json
from mailtui.audience.csv_reader import BadRecord, Record
from mailtui.audience.reading import Reading, original, read, reading_to_json
from mailtui.audience.source import Source

Flags = Callable[[str], int]
_BATCH_ROWS = 5_000
_BATCH_CELLS = 100_000

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
        for rows in filling.take(read(source, reading)):
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
        self._connection = connection
        self._reading = reading
        self._gatherer = gatherer
        self._flags = flags
        self._problems: list[tuple[int, int, str, str, str]] = []
        names = ["row", "line", "key", "flag", *gatherer.names, *(f"c{at}" for at in range(len(reading.columns)))]
        marks = ", ".join("?" * len(names))
        self._insert = f"INSERT INTO entry ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names

    def take(self, records: Iterable[Record]) -> Iterator[int]:
        """Put all records away; yields how many were read, a batch at a time."""
        size = max(20, min(_BATCH_ROWS, _BATCH_CELLS // len(self._reading.columns)))
        rows: list[int] = []
        lines: list[int] = []
        batch: list[list[str]] = []
        row = 0
        for row, (line, cells) in enumerate(records, start=1):
            if isinstance(cells, BadRecord):
                self._problems.append((row, line, "bad_row", cells.reason, cells.text))
            else:
                rows.append(row)
                lines.append(line)
                batch.append(cells)
            if not row % size:
                self._put(rows, lines, batch)
                self.rows = row
                yield row
                rows.clear()
                lines.clear()
                batch.clear()
        self._put(rows, lines, batch)
        self.rows = row

    def _put(self, rows: list[int], lines: list[int], batch: list[list[str]]) -> None:
        if batch:
            columns = list(zip(*batch, strict=True))
            position = self._reading.address_position
            keys = list(map(plain_address, columns[position]))
            if None in keys:
                for at, key in enumerate(keys):
                    if key is None:
                        keys[at] = self._look_closer(columns[position][at], rows[at], lines[at], batch[at])
            flags = self._flags
            bits = [0 if key is None else flags(key) for key in keys]
            shadows = self._gatherer.look(columns)
            entries = zip(rows, lines, keys, bits, *shadows, *columns, strict=True)
            self._connection.executemany(self._insert, entries)
        self._connection.executemany("INSERT INTO problem VALUES (?, ?, ?, ?, ?)", self._problems)
        self._problems.clear()

    def _look_closer(self, cell: str, row: int, line: int, cells: list[str]) -> str | None:
        try:
            return parse_address(cell).key
        except AddressError as error:
            self._problems.append((row, line, "bad_address", str(error), original(cells, self._reading)))
            return None
