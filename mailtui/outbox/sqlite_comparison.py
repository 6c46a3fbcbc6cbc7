"""Owns holding a list against a campaign that was launched before: who is new, who has gone, whose row has changed.

What the list has of it lies in a private temporary file beside the outbox, which is only read; memory stays flat.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from mailtui.kit.sqlite import open_scratch
from mailtui.outbox.cells import cells_text, rows_text
from mailtui.outbox.copies import concerned, copy_from
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import NewDelivery
from mailtui.outbox.states import DeliveryState
from mailtui.outbox.storage_errors import storage_errors

SQL = statements("sqlite", "comparison")
_PAGE = 1_000
_CACHE = "PRAGMA outbox.cache_size = -16000"  # KB: keys come in any order, and pages of their index are needed again


class SqliteComparison:
    """The `Comparison` port over one SQLite file."""

    def __init__(self, path: Path, campaign: int) -> None:
        self._path = path
        self._campaign = campaign
        with storage_errors(path):
            self._connection = open_scratch(path, "outbox")
            self._connection.create_scalar_function("checksum", _checksum, 2, deterministic=True)
            self._connection.execute(_CACHE)
            self._connection.execute(SQL["make"])

    def add(self, rows: Sequence[NewDelivery]) -> list[str]:
        keys = json.dumps([row.key for row in rows])
        with storage_errors(self._path):
            asked: Iterable[Any] = self._connection.execute(SQL["whose"], {"keys": keys, "campaign": self._campaign})
            found = list(zip(rows, (delivery for (delivery,) in asked), strict=True))
            with self._connection:
                sums = ((id_, _checksum(cells_text(row.fields), rows_text(row.more))) for row, id_ in found if id_)
                self._connection.executemany(SQL["give"], sums)
        return [row.key for row, id_ in found if id_ is None]

    def gone(self) -> dict[DeliveryState, int]:
        with storage_errors(self._path):
            rows: Iterable[Any] = self._connection.execute(SQL["gone"], {"campaign": self._campaign})
            return {DeliveryState(state): number for state, number in rows}

    def changed(self) -> int:
        with storage_errors(self._path):
            return int(self._connection.execute(SQL["changed"], {"campaign": self._campaign}).get or 0)

    def waiting(self) -> Iterator[list[tuple[str, ...]]]:
        after = 0
        while True:
            bindings = {"campaign": self._campaign, "after": after, "limit": _PAGE}
            with storage_errors(self._path):
                page: list[Any] = self._connection.execute(SQL["waiting"], bindings).fetchall()
            if not page:
                return
            after = page[-1][0]
            yield [concerned(key, address, copy_from(copied)) for _, key, address, copied in page]

    def close(self) -> None:
        self._connection.close()


def _checksum(*texts: Any) -> int:
    """Of two texts or None. Tells rows apart but for one in four thousand millions: it is for a number to be shown."""
    sum_ = 0
    for text in filter(None, texts):
        sum_ = zlib.crc32(text.encode("utf-8", "surrogatepass"), sum_)
    return sum_
