"""Owns the SQLite file behind an outbox: opening, identity, migrations, and naming what storage errors mean."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from mailtui.errors import DiskFailure, MailtuiError, OutboxBusy, OutboxDamaged, OutboxError, OutboxFull
from mailtui.kit.paths import sync
from mailtui.kit.sqlite import open_durable, open_reader
from mailtui.outbox.named_sql import migrations

APPLICATION_ID = 0x6D747569  # "mtui": tells our files from other SQLite files
RUNNER_BUSY_MS = 5  # the runner's loop never waits for another writer; it keeps its batch and tries again
FACE_BUSY_MS = 10_000
# A quota or a limit on the size of files; SQLite tells only ENOSPC apart.
_NO_ROOM = (apsw.SQLITE_IOERR_WRITE, apsw.SQLITE_IOERR_SHMSIZE, apsw.SQLITE_IOERR_TRUNCATE)


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn what SQLite raises into errors a person can act on."""
    try:
        yield
    except apsw.BusyError:
        raise OutboxBusy(str(path)) from None
    except apsw.FullError as error:
        raise OutboxFull(str(path), reason=str(error)) from error
    except (apsw.NotADBError, apsw.CorruptError) as error:
        raise OutboxError(
            f"{path} is not a readable outbox: it is damaged, or another kind of file",
            detail=str(error),
            hint="It was left as it is. Restore a backup of it, or use another: --outbox sqlite:///PATH\n"
            f"A backup put in its place must not find the old one's log beside it: {path}-wal",
        ) from error
    except (apsw.CantOpenError, apsw.PermissionsError, apsw.ReadOnlyError) as error:
        raise OutboxError(
            f"The outbox {path} cannot be opened",
            detail=str(error),
            hint="Check that the folder exists and is yours, or use another: --outbox sqlite:///PATH",
        ) from error
    except apsw.IOError as error:
        if getattr(error, "extendedresult", None) in _NO_ROOM:
            raise OutboxFull(str(path), reason=f"the disk refused a write ({error})") from error
        raise DiskFailure(str(path), reason=str(error)) from error
    except OSError as error:
        raise OutboxError(
            f"The outbox {path} cannot be opened",
            detail=str(error.strerror or error),
            hint="Check that the folder exists and is yours, or use another: --outbox sqlite:///PATH",
        ) from error


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
        _migrate(connection, path)
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


def _migrate(connection: apsw.Connection, path: Path) -> None:
    """Each migration and its version number are one transaction: a crash leaves the old schema or the new."""
    steps = migrations("sqlite")
    while True:
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = connection.pragma("user_version")
            if version == len(steps):
                connection.execute("COMMIT")
                return
            connection.execute(steps[version])
            if version == 0:
                connection.execute("INSERT INTO meta (key, value) VALUES ('generation', ?)", (secrets.token_hex(8),))
            connection.pragma("application_id", APPLICATION_ID)
            connection.pragma("user_version", version + 1)
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if isinstance(error, apsw.SQLError):
                raise MailtuiError(f"{path} cannot be brought to schema {version + 1}", detail=str(error)) from error
            raise


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
