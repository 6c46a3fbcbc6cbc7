"""Owns opening SQLite files: one library, one set of pragmas, private modes.

SQLite 3.7.0 to 3.51.2 can corrupt a database in WAL mode when two connections write and checkpoint at the
same time (sqlite.org/wal.html, "The WAL-reset bug"), and the standard library uses whatever the system has.
So every file is opened through apsw, which brings a current SQLite of its own; an older one is refused.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from urllib.parse import quote

import apsw

from mailtui.errors import MailtuiError
from mailtui.kit.paths import touch_private

MINIMUM_SQLITE = (3, 51, 3)


def sqlite_version() -> tuple[int, int, int]:
    """The version of the SQLite library in use."""
    major, minor, patch = (int(part) for part in apsw.sqlite_lib_version().split(".")[:3])
    return major, minor, patch


def require_safe_sqlite() -> None:
    """Raise `MailtuiError` when the SQLite library has the WAL-reset bug."""
    version = sqlite_version()
    if version < MINIMUM_SQLITE:
        raise MailtuiError(
            f"This SQLite ({'.'.join(map(str, version))}) can lose writes in WAL mode and is refused",
            hint="Install a current apsw: pip install --upgrade apsw",
        )


def open_durable(path: Path, *, busy_ms: int) -> apsw.Connection:
    """Open for writing, WAL, `synchronous=FULL` read back; made with mode 0600 when missing.

    `busy_ms` is how long a statement may wait for another writer, in milliseconds.
    """
    require_safe_sqlite()
    touch_private(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(busy_ms)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    mode, level = connection.pragma("journal_mode"), connection.pragma("synchronous")
    if mode != "wal" or level != 2:
        connection.close()
        raise MailtuiError(
            f"{path} cannot be opened durably",
            detail=f"journal_mode is {mode}, synchronous is {level}; wal and 2 are needed",
            hint="Is the file on a network share? Put the outbox on a local disk: --outbox sqlite:///PATH",
        )
    return connection


def open_reader(path: Path, *, busy_ms: int = 2_000) -> apsw.Connection:
    """Open an existing file for reading only."""
    require_safe_sqlite()
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    uri = f"file:{quote(str(path))}?mode=ro"
    connection = apsw.Connection(uri, flags=apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
    connection.set_busy_timeout(busy_ms)
    connection.execute("PRAGMA query_only = ON")
    return connection


def write_copy(path: Path, target: Path) -> None:
    """Write a compact copy of a database, as it is at one moment, over an empty file of mode 0600; writers go on."""
    source = open_reader(path)
    try:
        source.execute("PRAGMA query_only = OFF")  # forbids this too; the file itself is open for reading only
        source.execute("VACUUM INTO ?", (str(touch_private(target)),))
    finally:
        source.close()


def open_scratch(path: Path, name: str) -> apsw.Connection:
    """Open an existing file for reading only, as `name`, beside a private database that vanishes with its connection.

    What is made there of the file's content lies in a temporary file on disk, and its memory stays the same.
    """
    require_safe_sqlite()
    flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
    connection = apsw.Connection("", flags=flags)
    try:
        # A journal, since an interrupted statement is taken back; in memory, where new pages need no room in it.
        connection.execute("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -4000")
        connection.execute("PRAGMA temp_store = FILE")
        connection.execute("ATTACH ? AS " + name, (f"file:{quote(str(path))}?mode=ro",))
    except BaseException:
        connection.close()
        raise
    return connection


def open_disposable(path: Path) -> apsw.Connection:
    """Open a cache file that may be lost at any crash: no journal on disk, no syncs. Mode 0600."""
    require_safe_sqlite()
    touch_private(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    connection.set_busy_timeout(5_000)
    connection.execute("PRAGMA journal_mode = MEMORY")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA temp_store = FILE")
    return connection
