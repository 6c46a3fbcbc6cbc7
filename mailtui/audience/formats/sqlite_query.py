"""Owns reading from a SQLite file that somebody else wrote: one SELECT, that changes nothing and reaches no other file.

Nothing is ever written beside it either, unless another program has it open in WAL mode; then SQLite needs its shared
memory file to read what that one wrote last.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from mailtui.audience.csv_reader import BadRecord
from mailtui.audience.source import Source
from mailtui.errors import AudienceError

PATIENCE = 60.0
"""Seconds that a query may work for one row."""

_STEPS = 20_000
_VALUE_LIMIT = 64 << 20
_READING = frozenset((apsw.SQLITE_SELECT, apsw.SQLITE_READ, apsw.SQLITE_FUNCTION, apsw.SQLITE_RECURSIVE))
_FORBIDDEN = frozenset(("load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "zeroblob"))
_WAL = b"\2"
_AT_WRITE_VERSION = 18


class Query:
    """A connection that answers one SELECT at a time and denies everything else."""

    def __init__(self, connection: apsw.Connection, name: str) -> None:
        self._connection = connection
        self._name = name
        self._deadline = 0.0
        self._statements = 0
        self._described: tuple[tuple[str, str | None], ...] = ()
        connection.authorizer = _authorize
        connection.set_progress_handler(lambda: time.monotonic() > self._deadline, _STEPS)

    def columns(self, query: str) -> list[str]:
        """The names of what a query gives. Raises `AudienceError` for one that is no SELECT or does not fit."""
        with self._told(query):
            # Asked for when it starts: SQLite forgets them as soon as a query without rows has ended.
            self._started(query)
            return [str(item[0]) for item in self._described]

    def rows(self, query: str) -> Iterator[tuple[Any, ...] | BadRecord]:
        """What a query gives, row by row."""
        with self._told(query):
            cursor = self._started(query)
            while True:
                try:
                    row = next(cursor, None)
                except UnicodeDecodeError as error:
                    yield BadRecord("it holds a text that is not UTF-8", error.object.decode(errors="backslashreplace"))
                    continue
                if row is None:
                    return
                yield row
                self._deadline = time.monotonic() + PATIENCE

    def _started(self, query: str) -> apsw.Cursor:
        self._deadline = time.monotonic() + PATIENCE
        self._statements = 0
        cursor = self._connection.cursor()
        cursor.exec_trace = self._count
        return cursor.execute(query)

    def _count(self, cursor: apsw.Cursor, _statement: str, _bindings: object) -> bool:
        self._statements += 1
        if self._statements > 1:
            raise AudienceError(
                "A query is one SELECT, and here are several statements", hint="Leave out all but the SELECT."
            )
        self._described = cursor.get_description()
        return True

    @contextmanager
    def _told(self, query: str) -> Iterator[None]:
        try:
            yield
        except apsw.AuthError:
            raise _forbidden(query) from None
        except apsw.InterruptError:
            raise AudienceError(
                f"The query of {self._name} worked for {PATIENCE:.0f} seconds without a row, and was stopped",
                detail=_shown(query),
                hint="Join by columns that have an index, or write the result into a table and name that.",
            ) from None
        except (apsw.CorruptError, apsw.NotADBError, apsw.IOError) as error:
            raise broken(self._name, error) from None
        except UnicodeDecodeError:
            raise AudienceError(
                f"{self._name} has a table or column whose name is not UTF-8", hint="Give it another name there."
            ) from None
        except apsw.BusyError:
            raise AudienceError(
                f"{self._name} is being written to by another program", hint="Try again in a moment."
            ) from None
        except apsw.ReadOnlyError:
            raise AudienceError(
                f"{self._name} was left in the middle of a change by a program that crashed, or is still at it",
                detail=f"What it was like before stands in {self._name}-journal.",
                hint="Open it once in the program it belongs to, which puts it in order, and try again.",
            ) from None
        except apsw.TooBigError:
            raise AudienceError(f"{self._name} has a value of more than {_VALUE_LIMIT >> 20} MiB") from None
        except apsw.Error as error:
            if "not authorized" in str(error):
                raise _forbidden(query) from None
            raise AudienceError(
                f"The query of {self._name} cannot be carried out", detail=f"{error}\n{_shown(query)}"
            ) from None


@contextmanager
def opened(source: Source) -> Iterator[Query]:
    """The database, opened for reading. Raises `AudienceError` when it cannot be."""
    connection: apsw.Connection | None = None
    try:
        connection = apsw.Connection(
            _uri(source.path), flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, vfs=None
        )
        connection.set_busy_timeout(2_000)
        connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
        connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        connection.limit(apsw.SQLITE_LIMIT_ATTACHED, 0)
        connection.limit(apsw.SQLITE_LIMIT_LENGTH, _VALUE_LIMIT)
        connection.execute("PRAGMA cell_size_check = ON")
        yield Query(connection, source.name)
    except apsw.Error as error:
        raise broken(source.name, error) from None
    finally:
        if connection is not None:
            connection.close()


def broken(name: str, error: apsw.Error) -> AudienceError:
    """The error for a file that is no sound database."""
    return AudienceError(
        f"{name} cannot be read as a SQLite database",
        detail=str(error),
        hint=f"Copy it again while no program writes to it, or save what can be read: sqlite3 {name} .recover",
    )


def _uri(path: Path) -> str:
    """The file without locks when nobody can be writing to it, else with them.

    Opening one in WAL mode would make files beside it, which the folder may not allow. A WAL file that is there
    already is read too: it has what was written last.
    """
    with path.open("rb") as stream:
        stream.seek(_AT_WRITE_VERSION)
        in_wal_mode = stream.read(1) == _WAL
    wal = path.with_name(path.name + "-wal")
    alone = in_wal_mode and not (wal.exists() and wal.stat().st_size)
    return f"file:{quote(str(path))}?mode=ro" + ("&immutable=1" if alone else "")


def _authorize(action: int, _first: str | None, second: str | None, _database: str | None, _trigger: str | None) -> int:
    if action not in _READING or (action == apsw.SQLITE_FUNCTION and (second or "").lower() in _FORBIDDEN):
        return apsw.SQLITE_DENY
    return apsw.SQLITE_OK


def _forbidden(query: str) -> AudienceError:
    return AudienceError(
        "A query may only read", detail=_shown(query), hint="It is one SELECT over the tables of this file."
    )


def _shown(query: str) -> str:
    return query.strip() if len(query) <= 300 else query.strip()[:300] + "…"
