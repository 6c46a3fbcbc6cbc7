"""Owns keeping the write-ahead log of a busy outbox short, so that it is written over instead of growing.

A commit into a log that grows has the file system note the new size on the disk as well, and takes twice as long as
one that writes over what was moved out. SQLite starts at the log's beginning again once all of it was moved and nobody
reads from it, but a checkpoint beside a writer never gets that far: more is written meanwhile. So a thread moves most
of it, and the writer the little that is left, between two of its transactions.
"""

from __future__ import annotations

import threading
from pathlib import Path

import apsw

from mailtui.kit.sqlite import open_durable

_PAGES = 2_000  # of 4 KB each
_FEW_PAGES = 500  # so many are moved in a few milliseconds


class LogKeeper:
    """Watches the log behind the one connection that writes. Nothing here waits for anybody."""

    def __init__(self, connection: apsw.Connection, path: Path, *, busy_ms: int) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._connection = connection
        self._pages = 0
        self._limit = _PAGES
        self._moved: tuple[int, int] | None = None
        """The pages that the thread found when it began, and how far it came, when it has just ended."""
        self._thread: threading.Thread | None = None
        connection.wal_autocheckpoint(0)
        connection.set_wal_hook(self._note)

    def _note(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def tidy(self, *, at_once: bool) -> None:
        """Have the log moved into the file once it has grown.

        On a full disk, `at_once` gives the room in the log back to the next write.
        """
        if self._thread is not None and self._thread.is_alive():
            return
        if self._pages < self._limit and not at_once:
            return
        self._thread = threading.Thread(target=self._move, name="checkpoint", daemon=True)
        self._thread.start()

    def _move(self) -> None:
        try:
            connection = open_durable(self._path, busy_ms=self._busy_ms)
            try:
                self._moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            finally:
                connection.close()
        except apsw.Error:
            # Nothing is lost by a checkpoint that did not happen: the log keeps what it would have moved,
            # and a fault that matters shows at the next commit, which does not go unheard.
            return

    def start_over(self) -> None:
        """To be called before a transaction: after the thread has moved most of the log, move what is left."""
        if self._moved is None:
            return
        (pages, moved), self._moved = self._moved, None
        if moved == pages:
            if self._pages - moved > _FEW_PAGES:
                return  # the next thread begins with less
            try:
                pages, moved = self._connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            except apsw.Error:
                return  # as above
        # Somebody who reads an older state keeps it in the log; they are not asked again before it has grown.
        self._limit = _PAGES if moved == pages else self._pages + _PAGES

    def close(self) -> None:
        """Wait for the thread; the connection is not watched any more."""
        if self._thread is not None:
            self._thread.join()
        self._connection.set_wal_hook(None)
