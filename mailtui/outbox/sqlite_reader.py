"""Owns reading an SQLite outbox: short reads on a connection that cannot write."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apsw

from mailtui.errors import OutboxError, UnknownCampaign
from mailtui.outbox import sqlite_accounts, sqlite_suppression
from mailtui.outbox.amendments import Correction, Resolution
from mailtui.outbox.cells import files_from, rows_from
from mailtui.outbox.copies import copy_from
from mailtui.outbox.records import (
    AccountRest,
    Campaign,
    Counts,
    DeliveryRow,
    IntakeRow,
    ProgressSnapshot,
    RunnerRow,
    Suppression,
)
from mailtui.outbox.sqlite_campaigns import READ, campaign_from
from mailtui.outbox.sqlite_comparison import SqliteComparison
from mailtui.outbox.sqlite_file import Others, open_for_reading
from mailtui.outbox.sqlite_timed import TimedReads
from mailtui.outbox.states import Decision, DeliveryState
from mailtui.outbox.storage_errors import storage_errors

_TROUBLE = frozenset({DeliveryState.FAILED, DeliveryState.UNKNOWN, DeliveryState.DEFERRED, DeliveryState.EXPIRED})
"""The states that have an index of their own."""


def _delivery_from(row: tuple[Any, ...]) -> DeliveryRow:
    values = list(row)
    values[4] = DeliveryState(values[4])
    values[13] = tuple(json.loads(values[13]))
    values[15] = rows_from(values[15])
    values[16] = files_from(values[16])
    values[17] = copy_from(values[17])
    return DeliveryRow(*values)


class SqliteReader(TimedReads):
    """The `Reader` port over one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_for_reading(path)
        self._others = Others(self._connection, path)

    def _rows(self, name: str, bindings: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        with storage_errors(self._path):
            return self._connection.execute(READ[name], bindings).fetchall()

    async def campaigns(self) -> list[Campaign]:
        return [campaign_from(row) for row in self._rows("campaigns")]

    async def campaign(self, prefix: str) -> Campaign:
        found = [campaign_from(row) for row in self._rows("campaigns_by_prefix", (prefix,))] if prefix else []
        exact = [campaign for campaign in found if campaign.id == prefix]
        if len(exact or found) != 1:
            raise UnknownCampaign(prefix, matches=[campaign.id for campaign in found])
        return (exact or found)[0]

    async def latest_of_series(self, series: str) -> Campaign | None:
        rows = self._rows("latest_of_series", (series,))
        return campaign_from(rows[0]) if rows else None

    def comparison(self, campaign: int) -> SqliteComparison:
        return SqliteComparison(self._path, campaign)

    async def message(self, digest: str) -> bytes:
        return blob(self._rows("message", (digest,)), digest, self._path)

    async def editions(self, campaign: int) -> dict[int, str]:
        return dict(self._rows("editions", (campaign,)))

    async def counts(self, campaign: int) -> Counts:
        return Counts(**dict(self._rows("counts", (campaign,))))

    async def snapshot(self, campaign: int) -> ProgressSnapshot | None:
        rows = self._rows("snapshot", (campaign,))
        return ProgressSnapshot.from_json(rows[0][0]) if rows else None

    async def runners(self) -> list[RunnerRow]:
        return [RunnerRow(*row) for row in self._rows("runners")]

    async def deliveries(
        self, campaign: int, *, states: Sequence[DeliveryState] = (), after: int = 0, limit: int = 1000
    ) -> list[DeliveryRow]:
        page = {"campaign": campaign, "after": after, "limit": limit}
        if len(states) == 1 and states[0] in _TROUBLE:
            rows = self._rows("deliveries_in_trouble", (campaign, after, states[0], limit))
        elif states:
            rows = self._rows("deliveries_in_states", page | {"states": json.dumps(list(states))})
        else:
            rows = self._rows("deliveries", page)
        return [_delivery_from(row) for row in rows]

    async def page_starts(self, campaign: int, size: int, *, states: Sequence[DeliveryState] = ()) -> list[int]:
        bindings = {"campaign": campaign, "size": size}
        if not states:
            return [row[0] for row in self._rows("page_starts", bindings)]
        return [row[0] for row in self._rows("page_starts_in_states", {**bindings, "states": json.dumps(list(states))})]

    async def find(self, campaign: int, *, row: int | None = None, key: str | None = None) -> list[DeliveryRow]:
        by_row = {"campaign": campaign, "row": row}
        found = self._rows("find_row", by_row) if key is None else self._rows("find_key", (campaign, key))
        return [_delivery_from(values) for values in found]

    async def recipients_of_row(self, campaign: int, row: int) -> list[tuple[str, str]]:
        return list(self._rows("recipients_of_row", {"campaign": campaign, "row": row}))

    async def copies_to(self, campaign: int, address: str) -> list[DeliveryRow]:
        rows = self._rows("find_copies", {"campaign": campaign, "address": address})
        return [_delivery_from(values) for values in rows]

    async def resolutions(self, deliveries: Sequence[int]) -> list[Resolution]:
        rows = self._rows("resolutions", (json.dumps(list(deliveries)),))
        return [Resolution(id_, at, actor, Decision(said), note) for id_, at, actor, said, note in rows]

    async def corrections(self, campaign: int) -> list[Correction]:
        return [Correction(*row) for row in self._rows("corrections", (campaign,))]

    async def intake(self, campaign: int, *, after: int = 0, limit: int = 1000) -> list[IntakeRow]:
        return [IntakeRow(*row) for row in self._rows("intake", (campaign, after, limit))]

    async def intake_counts(self, campaign: int) -> dict[str, int]:
        return dict(self._rows("intake_counts", (campaign,)))

    async def next_try(self, campaign: int) -> float | None:
        rows = self._rows("next_try", (campaign,))
        return float(rows[0][0]) if rows else None

    async def next_due(self, campaign: int) -> float | None:
        rows = self._rows("next_due", (campaign,))
        return float(rows[0][0]) if rows else None

    async def failures(self, campaign: int, limit: int) -> list[tuple[str, int | None, str, int]]:
        return list(self._rows("failures", (campaign, limit)))

    async def answer(self, order: int) -> str | None:
        rows = self._rows("answer", (order,))
        return str(rows[0][0]) if rows else None

    async def suppressions(
        self, scope: str | None = None, *, search: str = "", after: int = 0, limit: int = 1000
    ) -> list[Suppression]:
        with storage_errors(self._path):
            return sqlite_suppression.page(self._connection, scope, search, after, limit)

    async def suppression_counts(self) -> dict[str, int]:
        with storage_errors(self._path):
            return sqlite_suppression.counts(self._connection)

    async def suppressed(self, keys: Sequence[str], scopes: Sequence[str]) -> dict[str, str]:
        with storage_errors(self._path):
            return sqlite_suppression.reasons(self._connection, keys, scopes)

    async def suppression_grew(self, campaign: int) -> bool:
        with storage_errors(self._path):
            reached, _ = sqlite_suppression.checked_to(self._connection, campaign)
            return sqlite_suppression.newest(self._connection) > reached

    async def account_rests(self) -> list[AccountRest]:
        with storage_errors(self._path):
            return sqlite_accounts.rests(self._connection)

    async def carried(self, campaign: int) -> dict[str, int]:
        with storage_errors(self._path):
            return sqlite_accounts.carried(self._connection, campaign)

    async def bounds(self, campaign: int) -> list[str]:
        return [bound for (bound,) in self._rows("bounds", (campaign,))]

    def changed(self) -> bool:
        return self._others.wrote()

    def close(self) -> None:
        self._connection.close()


def blob(rows: Sequence[Any], digest: str, path: Path) -> bytes:
    """The body of the one row found for a digest."""
    if not rows:
        raise OutboxError("The outbox has lost a campaign's message", detail=f"{path}: blob {digest}")
    return bytes(rows[0][0])


def read_one(connection: apsw.Connection, name: str, bindings: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row of a reader's statement on a connection of the caller's."""
    row: tuple[Any, ...] | None = connection.execute(READ[name], bindings).fetchone()
    return row
