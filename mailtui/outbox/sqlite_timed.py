"""Owns the parts of an SQLite outbox's ports that are about time: meters, starts to come, recurrences and notices."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import apsw

from mailtui.outbox import sqlite_meters
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import Campaign
from mailtui.outbox.sqlite_campaigns import READ, campaign_from
from mailtui.outbox.sqlite_file import transaction
from mailtui.outbox.states import NoticeState, RecurrenceState
from mailtui.outbox.storage_errors import storage_errors
from mailtui.outbox.timed_ports import ALL
from mailtui.outbox.timed_records import MeterRow, NewNotice, NewRecurrence, Notice, Passed, Recurrence, SentSlot

SQL = statements("sqlite", "timed")
_LONGEST_PAUSE = 24 * 3600.0  # seconds; for how long a notice is tried


def put_notices(connection: apsw.Connection, campaign: int | None, notices: Iterable[NewNotice]) -> None:
    """Put them on record, in the caller's transaction."""
    rows = [(one.id, campaign, one.event, one.at, one.body, one.target) for one in notices]
    if rows:
        connection.executemany(SQL["insert_notice"], rows)


def in_time(connection: apsw.Connection, now: float) -> None:
    """What waits for its next attempt by a clock that was ahead is due."""
    connection.execute(SQL["notices_in_time"], {"now": now, "latest": now + _LONGEST_PAUSE})


def move(connection: apsw.Connection, by: float) -> None:
    """The clock was put by so many seconds: so are the pauses between attempts."""
    connection.execute(SQL["move_notices"], {"by": by})


def recurrence_of(connection: apsw.Connection, id: str) -> Recurrence | None:
    """A recurrence by its id, None where there is none; in the caller's transaction."""
    row = connection.execute(SQL["recurrence"], (id,)).fetchone()
    return None if row is None else _recurrence_from(row)


def _recurrence_from(row: tuple[Any, ...]) -> Recurrence:
    values = list(row)
    values[7] = RecurrenceState(values[7])
    return Recurrence(*values)


def _notice_from(row: tuple[Any, ...]) -> Notice:
    values = list(row)
    values[6] = NoticeState(values[6])
    return Notice(*values)


class TimedReads:
    """What a face and a runner may both ask of an SQLite outbox."""

    _connection: apsw.Connection
    _path: Path

    def _asked(self, statement: str, bindings: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        with storage_errors(self._path):
            return self._connection.execute(statement, bindings).fetchall()

    async def meters(self) -> list[MeterRow]:
        with storage_errors(self._path):
            return sqlite_meters.meters(self._connection)

    async def sent_since(self, since: float) -> list[SentSlot]:
        with storage_errors(self._path):
            return sqlite_meters.sent_since(self._connection, since)

    async def recurrence(self, id: str) -> Recurrence | None:
        with storage_errors(self._path):
            return recurrence_of(self._connection, id)

    async def recurrences(self) -> list[Recurrence]:
        return [_recurrence_from(row) for row in self._asked(SQL["recurrences"])]

    async def occurrence(self, recurrence: str, at: float) -> Campaign | None:
        rows = self._asked(READ["occurrence"], (recurrence, at))
        return campaign_from(rows[0]) if rows else None

    async def next_wake(self) -> float | None:
        at: float | None = self._asked(SQL["next_wake"])[0][0]
        return at

    async def notices(self, campaign: int | None) -> list[Notice]:
        if campaign is None:
            return [_notice_from(row) for row in self._asked(SQL["notices_waiting"])]
        return [_notice_from(row) for row in self._asked(SQL["notices_of_campaign"], (campaign,))]


class TimedDesk:
    """What faces write to an SQLite outbox about time."""

    _connection: apsw.Connection
    _path: Path

    async def put_limits(self, limits: Mapping[str, str]) -> bool:
        with transaction(self._connection, self._path):
            return sqlite_meters.put_limits(self._connection, limits)

    async def put_recurrence(self, recurrence: NewRecurrence, *, actor: str, now: float) -> bool:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["insert_recurrence"], {**asdict(recurrence), "actor": actor, "now": now})
            is_new = self._connection.changes() == 1
            if is_new:
                detail = json.dumps({"recurrence": recurrence.id, "schedule": recurrence.schedule})
                self._connection.execute(SQL["insert_event"], (now, actor, "recurrence", detail))
        return is_new

    async def change_recurrence(
        self,
        id: str,
        *,
        actor: str,
        now: float,
        state: RecurrenceState | None = None,
        reason: str | None = None,
        next_at: float | None = None,
        schedule: str | None = None,
        arguments: str | None = None,
        hooks: str | None = None,
    ) -> bool:
        wanted = {"state": state, "reason": reason, "next_at": next_at, "schedule": schedule}
        wanted |= {"arguments": arguments, "hooks": hooks}
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["change_recurrence"], {**wanted, "id": id})
            is_changed = self._connection.changes() == 1
            if is_changed:
                said = {name: value for name, value in wanted.items() if value is not None}
                detail = json.dumps({"recurrence": id, **said})
                self._connection.execute(SQL["insert_event"], (now, actor, "recurrence", detail))
        return is_changed


class TimedLedger(TimedReads):
    """What a runner asks and writes about time."""

    async def to_resume(self, due_by: float = math.inf) -> list[Campaign]:
        return [campaign_from(row) for row in self._asked(READ["to_resume"], (due_by,))]

    async def to_start(self, due_by: float = math.inf, limit: int = ALL) -> list[Campaign]:
        return [campaign_from(row) for row in self._asked(READ["to_start"], (due_by, limit))]

    async def absent_since(self) -> float | None:
        rows = self._asked(SQL["absent_since"])
        return float(rows[0][0]) if rows else None

    async def attended(self) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["attended"])

    async def went_on_at(self, campaign: int) -> float:
        rows = self._asked(SQL["went_on_at"], (campaign,))
        return float(rows[0][0]) if rows else 0.0

    async def own_times_passed(self, campaign: int, after: float, until: float) -> Passed | None:
        bindings = {"campaign": campaign, "after": after, "until": until}
        count, first = self._asked(SQL["own_times_passed"], bindings)[0]
        return Passed(count, first) if count else None

    async def set_cap(
        self,
        meter: str,
        cap: float | None,
        reason: str,
        at: float,
        *,
        rests_until: float | None = None,
        at_once: int | None = None,
    ) -> None:
        with transaction(self._connection, self._path):
            sqlite_meters.set_cap(self._connection, meter, cap, reason, at, rests_until=rests_until, at_once=at_once)

    async def due_recurrences(self, now: float) -> list[Recurrence]:
        return [_recurrence_from(row) for row in self._asked(SQL["due_recurrences"], (now,))]

    async def advance_recurrence(
        self,
        id: str,
        from_at: float,
        next_at: float | None,
        *,
        reason: str,
        ran: bool,
        now: float,
        notices: Sequence[NewNotice] = (),
    ) -> bool:
        wanted = {"id": id, "from_at": from_at, "next_at": next_at, "reason": reason, "ran": int(ran)}
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["advance_recurrence"], wanted)
            is_changed = self._connection.changes() == 1
            if is_changed:
                put_notices(self._connection, None, notices)
                detail = json.dumps(wanted, ensure_ascii=False)
                self._connection.execute(SQL["insert_event"], (now, "runner", "occurrence", detail))
        return is_changed

    async def add_notices(self, campaign: int | None, notices: Sequence[NewNotice]) -> None:
        with transaction(self._connection, self._path):
            put_notices(self._connection, campaign, notices)

    async def due_notices(self, now: float, limit: int, but: Sequence[str] = ()) -> list[Notice]:
        rows = self._asked(SQL["due_notices"], {"now": now, "limit": limit, "but": json.dumps(list(but))})
        return [_notice_from(row) for row in rows]

    async def notice_told(self, id: str, state: NoticeState, due_at: float, said: str, *, now: float) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(
                SQL["notice_told"], {"id": id, "state": state, "due_at": due_at, "said": said, "now": now}
            )
