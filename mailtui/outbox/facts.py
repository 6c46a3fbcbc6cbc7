"""Owns what can be said about an outbox's file at a glance, without reading all of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailtui.outbox.sqlite_file import open_for_reading
from mailtui.outbox.storage_errors import storage_errors

_FACTS = """
SELECT (SELECT value FROM meta WHERE key = 'generation'), (SELECT count(*) FROM campaign),
       (SELECT coalesce(sum(n), 0) FROM counter), (SELECT max(at) FROM event)
"""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Sizes are in bytes, the time in epoch seconds; `generation` tells this outbox from all others."""

    generation: str
    schema: int
    size: int
    log_size: int
    free: int
    campaigns: int
    deliveries: int
    last_event_at: float | None


def facts(path: Path) -> FileFacts:
    """Look at an outbox that exists. Raises `OutboxError`."""
    connection = open_for_reading(path)
    try:
        with storage_errors(path):
            rows: Any = connection.execute(_FACTS).fetchall()
            pages: Any = connection.pragma("freelist_count")
            size: Any = connection.pragma("page_size")
            schema: Any = connection.pragma("user_version")
    finally:
        connection.close()
    [(generation, campaigns, deliveries, last)] = rows
    log = path.with_name(f"{path.name}-wal")
    return FileFacts(
        generation=generation,
        schema=schema,
        size=path.stat().st_size,
        log_size=log.stat().st_size if log.exists() else 0,
        free=pages * size,
        campaigns=campaigns,
        deliveries=deliveries,
        last_event_at=last,
    )
