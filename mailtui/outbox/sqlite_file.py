"""Owns the SQLite file behind an outbox: opening it, making it, and telling it from other files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from mailtui.errors import OutboxDamaged, OutboxError
from mailtui.kit.paths import sync
from mailtui.kit.sqlite import open_durable, open_reader
from mailtui.outbox.migrating import migrate
from mailtui.outbox.named_sql import migrations
from mailtui.outbox.storage_errors import storage_errors

APPLICATION_ID = 0x6D747569  # "mtui": tells our files from other SQLite files
RUNNER_BUSY_MS = 5  # the runner's loop never waits for another writer; it keeps its batch and tries again
FACE_BUSY_MS = 10_000


class Others:
    """Whoever else may write to the same file."""

    def __init__(self, connection: apsw.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._version = -1

    def wrote(self) -> bool:
        """Whether another connection has written since the last call; the first call says yes."""
        with storage_errors(self._path):
            version: int = self._connection.pragma("data_version")
        before, self._version = self._version, version
        return version != before


def open_for_writing(path: Path, *, busy_ms: int) -> apsw.Connection:
    """Open the outbox, making it or bringing its schema up to date where needed.

    A new one gets its name when it is whole, so an empty file, or a log without its file, is what is left of one
    that was damaged: it is refused (`OutboxDamaged`) rather than begun anew.
    """
    with storage_errors(path):
        if not path.exists():
            _make(path)
        if not path.stat().st_size:
            raise OutboxDamaged(str(path), faults=["the file is empty"])
        return _open(path, busy_ms=busy_ms)


def _open(path: Path, *, busy_ms: int) -> apsw.Connection:
    connection = open_durable(path, busy_ms=FACE_BUSY_MS)
    try:
        _check_identity(connection, path)
        migrate(connection, path, migrations("sqlite"), APPLICATION_ID)
    except BaseException:
        connection.close()
        raise
    connection.set_busy_timeout(busy_ms)
    return connection


def _make(path: Path) -> None:
    """Make a new outbox beside the name it is to have, then give it that name, unless somebody else was quicker."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        # SQLite would take it for the log of the new file.
        raise OutboxDamaged(str(path), faults=[f"the file is gone, and its log is still there: {log}"])
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        _open(fresh, busy_ms=FACE_BUSY_MS).close()
        sync(fresh)
        try:
            os.link(fresh, path)
        except FileExistsError:
            return  # somebody else was quicker, with one that is as good
        except OSError:  # a file system without hard links
            fresh.rename(path)
        sync(path.parent)
    finally:
        fresh.unlink(missing_ok=True)


def open_for_reading(path: Path) -> apsw.Connection:
    """Open an outbox that exists and has the current schema, for reading only."""
    if not path.exists():
        # A reader never makes the file: an empty outbox is made by the one call that may write.
        open_for_writing(path, busy_ms=FACE_BUSY_MS).close()
    with storage_errors(path):
        connection = open_reader(path)
        try:
            _check_identity(connection, path)
            if connection.pragma("user_version") < len(migrations("sqlite")):
                connection.close()
                open_for_writing(path, busy_ms=FACE_BUSY_MS).close()
                connection = open_reader(path)
        except BaseException:
            connection.close()
            raise
        return connection


def _check_identity(connection: apsw.Connection, path: Path) -> None:
    version = connection.pragma("user_version")
    application = connection.pragma("application_id")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
    if application != APPLICATION_ID and tables:
        raise OutboxError(
            f"{path} is a database of another program",
            hint="Use another file for the outbox: --outbox sqlite:///PATH",
        )
    if version > len(migrations("sqlite")):
        raise OutboxError(
            f"{path} was written by a newer mailtui (schema {version}; this one knows {len(migrations('sqlite'))})",
            hint="Install the newer version again, or use another outbox: --outbox sqlite:///PATH",
        )


@contextmanager
def transaction(connection: apsw.Connection, path: Path) -> Iterator[None]:
    """One write transaction, taken at once, so that it cannot fail half-way for want of the lock."""
    with storage_errors(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
