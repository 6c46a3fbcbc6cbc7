"""Owns the audience index: one disposable SQLite file a list, so that a million rows need no memory.

The file's name is a hash over what the source is and how it is read; the filter is no part of it. It is built
under another name and renamed when it is whole, so a crash leaves no half index. Columns are `c0` to `cN`,
whatever a stranger called them; a missing cell is ''. `twin` marks rows whose key occurs more than once:
only those can be duplicates, under any filter. `alike` has the rows whose key differs from another one in capital
letters alone: two recipients, since only the host that has the mailbox may say otherwise (RFC 5321 section 2.4).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw

from mailtui.audience.address import AddressError, parse_address, plain_address
from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.problem import RowProblem
from mailtui.audience.reading import Reading, original, read, reading_from_json, reading_to_json, understand
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.paths import private_folder
from mailtui.kit.sqlite import open_disposable, open_reader

VERSION = 4
SIZE_LIMIT = 4 << 30
AGE_LIMIT = 30 * 86_400.0
_ORPHAN_AGE = 86_400.0
_BATCH = 5_000

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


def open_index(
    source: Source, spec: AudienceSpec, cache: Path, *, progress: Callable[[int], None] | None = None
) -> tuple[apsw.Connection, Reading]:
    """The index of a list, built when there is none yet, opened for reading. Raises `AudienceError`.

    `progress` hears how many rows were read while it is built; what it raises ends that.
    """
    try:
        private_folder(cache)
    except OSError as error:
        raise AudienceError(
            "The folder for audience indexes cannot be made",
            detail=f"{cache}: {error.strerror or error}",
            hint="Set MAILTUI_HOME to a folder you may write to.",
        ) from None
    path = cache / f"{_name(source, spec)}.db"
    found = _open_existing(path)
    if found is None:
        _build(source, spec, path, progress)
        found = _open_existing(path)
        if found is None:
            raise AudienceError(f"The index of {source.name} cannot be opened", detail=str(path))
    evict(cache, keep=path)
    return found


def evict(cache: Path, *, keep: Path, size_limit: int = SIZE_LIMIT, age_limit: float = AGE_LIMIT) -> None:
    """Delete the indexes used longest ago until age (seconds) and total size (bytes) are within limits.

    `keep` stays whatever its size. What a crash left half built goes after a day.
    """
    now = time.time()
    entries = []
    for path in cache.iterdir():
        if path == keep or path.suffix not in (".db", ".tmp"):
            continue
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if now - found.st_mtime > (age_limit if path.suffix == ".db" else _ORPHAN_AGE):
            path.unlink(missing_ok=True)
        elif path.suffix == ".db":
            entries.append((found.st_mtime, found.st_size, path))
    total = (keep.stat().st_size if keep.exists() else 0) + sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= size_limit:
            return
        path.unlink(missing_ok=True)
        total -= size


def _name(source: Source, spec: AudienceSpec) -> str:
    options = spec.model_dump(exclude={"source", "filter", "suppress", "columns", "group", "list", "offline"})
    text = json.dumps([VERSION, source.identity, options], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _open_existing(path: Path) -> tuple[apsw.Connection, Reading] | None:
    """The index, or None when it is not there or is no whole index; then it is deleted."""
    if not path.exists():
        return None
    connection = open_reader(path)
    try:
        meta = connection.execute("SELECT value FROM meta WHERE name = 'reading'").get
    except (apsw.SQLError, apsw.NotADBError, apsw.CorruptError):
        meta = None
    if meta is None:
        connection.close()
        path.unlink(missing_ok=True)
        return None
    os.utime(path)  # the time of last use, by which old ones are evicted
    return connection, reading_from_json(str(meta))


def _build(source: Source, spec: AudienceSpec, path: Path, progress: Callable[[int], None] | None) -> None:
    reading = understand(source, spec)
    handle, name = tempfile.mkstemp(prefix=".building-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        connection = open_disposable(temporary)
        try:
            _fill(connection, source, reading, progress)
        finally:
            connection.close()
        if source.changed():
            raise AudienceError(f"{source.name} changed while it was read", hint="Run the same command again.")
        temporary.replace(path)
    except (apsw.FullError, apsw.IOError):
        raise AudienceError(
            f"There is no room for the index of {source.name}",
            detail=str(path.parent),
            hint="Free some space, or set MAILTUI_HOME to a larger disk.",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def _fill(
    connection: apsw.Connection, source: Source, reading: Reading, progress: Callable[[int], None] | None
) -> None:
    width = len(reading.columns)
    cells = "".join(f", c{number} TEXT NOT NULL" for number in range(width))
    connection.execute(
        # Row numbers have gaps where a bad record stands, which is in problem alone.
        f"CREATE TABLE entry (row INTEGER PRIMARY KEY, line INTEGER NOT NULL, key TEXT, twin INTEGER{cells});"
        "CREATE TABLE problem (row INTEGER PRIMARY KEY, line INTEGER NOT NULL, kind TEXT NOT NULL,"
        " reason TEXT NOT NULL, text TEXT NOT NULL);"
        "CREATE TABLE alike (low TEXT, row INTEGER, PRIMARY KEY (low, row)) WITHOUT ROWID;"
        "CREATE TABLE meta (name TEXT PRIMARY KEY, value)"
    )
    filling = _Filling(source, reading)
    insert = f"INSERT INTO entry VALUES (?, ?, ?, NULL{', ?' * width})"  # noqa: S608 - a number of marks, no text
    with connection:
        batch: list[tuple[str | int | None, ...]] = []
        for entry in filling.entries():
            batch.append(entry)
            if len(batch) == _BATCH:
                connection.executemany(insert, batch)
                _insert_problems(connection, filling)
                batch.clear()
                if progress is not None:
                    progress(filling.rows)
        connection.executemany(insert, batch)
        _insert_problems(connection, filling)
        connection.execute("CREATE INDEX by_key ON entry (key, row) WHERE key IS NOT NULL")
        connection.execute(
            "UPDATE entry SET twin = 1 WHERE key IN"
            " (SELECT key FROM entry WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1)"
        )
        connection.execute(_FIND_ALIKE)
        connection.execute("CREATE INDEX by_twin ON entry (row) WHERE twin = 1")
        meta = {"rows": filling.rows, "reading": reading_to_json(reading)}
        connection.executemany("INSERT INTO meta VALUES (?, ?)", list(meta.items()))


def _insert_problems(connection: apsw.Connection, filling: _Filling) -> None:
    connection.executemany("INSERT INTO problem VALUES (?, ?, ?, ?, ?)", filling.problems)
    filling.problems.clear()


class _Filling:
    """One pass over a list: hands out the rows of `entry` and gathers those of `problem`."""

    def __init__(self, source: Source, reading: Reading) -> None:
        self.rows = 0
        self.problems: list[tuple[str | int | None, ...]] = []
        self._source = source
        self._reading = reading

    def entries(self) -> Iterator[tuple[str | int | None, ...]]:
        position = self._reading.address_position
        row = 0
        for line, cells in read(self._source, self._reading):
            row += 1
            self.rows = row
            if isinstance(cells, BadRecord):
                self.problems.append((row, line, "bad_row", cells.reason, cells.text))
                continue
            key = plain_address(cells[position])
            if key is None:
                key = self._look_closer(cells[position], row, line, cells)
            yield (row, line, key, *cells)

    def _look_closer(self, cell: str, row: int, line: int, cells: list[str]) -> str | None:
        try:
            return parse_address(cell).key
        except AddressError as error:
            self.problems.append((row, line, "bad_address", str(error), original(cells, self._reading)))
            return None


def read_problems(connection: apsw.Connection) -> Iterator[RowProblem]:
    """Bad rows and bad addresses, in the order of the list."""
    for row, line, kind, reason, text in connection.execute(
        "SELECT row, line, kind, reason, text FROM problem ORDER BY row"
    ):
        yield RowProblem(line, row, kind, reason, text)
