"""Owns what an SQLite outbox has about meters: how many mails each has counted in which slot of ten seconds, the limits
that are held against that, and what servers let it have.

Everything here runs inside a transaction of the caller's, or only reads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import ceil
from typing import Any

import apsw

from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import Mark
from mailtui.outbox.timed_records import SLOT, MeterRow, SentSlot

SQL = statements("sqlite", "meters")
_KEPT = 25 * 3600.0  # seconds; no limit counts over more than a day


def count_marks(connection: apsw.Connection, marks: Iterable[Mark], now: float) -> None:
    """Count these marks, which hold, in all their meters."""
    slot = int(now // SLOT)
    for meter, number in Counter(chain.from_iterable(mark.meters for mark in marks)).items():
        connection.execute(SQL["count_sent"], (meter, slot, number))
        connection.execute(SQL["counted"], (meter, now))


def sent_since(connection: apsw.Connection, since: float) -> list[SentSlot]:
    """What was counted in the slot of `since` (epoch seconds) and later."""
    rows: Any = connection.execute(SQL["sent_since"], (int(since // SLOT),)).fetchall()
    return [SentSlot(*row) for row in rows]


def meters(connection: apsw.Connection) -> list[MeterRow]:
    rows: Any = connection.execute(SQL["meters"]).fetchall()
    return [MeterRow(*row) for row in rows]


def put_limits(connection: apsw.Connection, limits: Mapping[str, str]) -> bool:
    """Put limits on record; whether any are others than before."""
    before = connection.total_changes()
    connection.executemany(SQL["put_limits"], list(limits.items()))
    return connection.total_changes() > before


def set_cap(
    connection: apsw.Connection,
    meter: str,
    cap: float | None,
    reason: str,
    at: float,
    *,
    rests_until: float | None,
    at_once: int | None,
) -> None:
    known = (cap, rests_until, at_once) != (None, None, None)
    bindings = {"meter": meter, "cap": cap, "reason": reason if known else "", "at": at if known else None}
    connection.execute(SQL["set_cap"], bindings | {"rests_until": rests_until, "at_once": at_once})


def forget_old(connection: apsw.Connection, now: float) -> None:
    """Drop counts that no limit looks back to, and meters of which nothing else is known."""
    connection.execute(SQL["forget_sent"], (int((now - _KEPT) // SLOT),))
    connection.execute(SQL["forget_meters"], {"before": now - _KEPT})


def in_time(connection: apsw.Connection, now: float) -> None:
    """Nothing has happened yet that is on record for later: the clock was put back while nobody looked. No limit is
    renewed by that.
    """
    slot = int(now // SLOT)
    connection.execute(SQL["sent_just_now"], {"slot": slot})
    connection.execute(SQL["forget_to_come"], {"slot": slot})
    connection.execute(SQL["known_by_now"], {"now": now})


def move(connection: apsw.Connection, by: float) -> None:
    """The clock was put by so many seconds: so is all that was written down by it."""
    connection.execute(SQL["move_meters"], {"by": by})
    slots = ceil(by / SLOT)  # rather counted for too long than forgotten too soon
    if slots:
        rows: Sequence[Any] = connection.execute(SQL["all_sent"]).fetchall()
        connection.execute(SQL["forget_all_sent"])
        connection.executemany(SQL["count_sent"], [(meter, slot + slots, n) for meter, slot, n in rows])
