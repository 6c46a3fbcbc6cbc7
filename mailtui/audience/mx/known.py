"""Owns remembering what was found out about domains, for as long as the DNS says that it holds."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

import apsw

from mailtui.audience.mx.verdict import Found, Verdict
from mailtui.kit.paths import private_folder
from mailtui.kit.sqlite import open_disposable

_TABLE = (
    "CREATE TABLE IF NOT EXISTS domain (name TEXT PRIMARY KEY, verdict TEXT NOT NULL, reason TEXT NOT NULL,"
    " until REAL NOT NULL) WITHOUT ROWID"
)


class KnownDomains:
    """What is known, in one file of mode 0600. It may be lost: a damaged one is made anew."""

    def __init__(self, path: Path) -> None:
        private_folder(path.parent)
        try:
            self._connection = _opened(path)
        except (apsw.NotADBError, apsw.CorruptError):
            path.unlink(missing_ok=True)
            self._connection = _opened(path)

    def __enter__(self) -> KnownDomains:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def find(self, domains: Iterable[str]) -> dict[str, Found]:
        """Those of the domains of which something is known that still holds."""
        now = time.time()
        found: dict[str, Found] = {}
        query = "SELECT verdict, reason, until FROM domain WHERE name = ? AND until > ?"
        for domain in domains:
            row = self._connection.execute(query, (domain, now)).fetchone()
            if row is not None:
                found[domain] = Found(_verdict(str(row[0])), str(row[1]), float(str(row[2])) - now)
        return found

    def keep(self, found: Mapping[str, Found]) -> None:
        """Remember what lasts, and forget what does no more."""
        now = time.time()
        rows = [(name, item.verdict, item.reason, now + item.lasts) for name, item in found.items() if item.lasts > 0]
        with self._connection:
            self._connection.execute("DELETE FROM domain WHERE until <= ?", (now,))
            self._connection.executemany("INSERT OR REPLACE INTO domain VALUES (?, ?, ?, ?)", rows)


def _opened(path: Path) -> apsw.Connection:
    connection = open_disposable(path)
    try:
        connection.execute(_TABLE)
    except apsw.Error:
        connection.close()
        raise
    return connection


def _verdict(text: str) -> Verdict:
    return next(verdict for verdict in get_args(Verdict) if verdict == text)
