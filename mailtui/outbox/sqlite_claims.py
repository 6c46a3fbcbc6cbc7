"""Owns which deliveries a runner takes next from an SQLite outbox, and what it is told of each.

Everything here runs inside a transaction of the ledger's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from itertools import chain, islice, zip_longest
from typing import Any

import apsw

from mailtui.outbox.cells import files_from, rows_from
from mailtui.outbox.copies import copy_from
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import Claim
from mailtui.outbox.sqlite_moves import Deltas
from mailtui.outbox.states import DeliveryState

SQL = statements("sqlite", "ledger")
_RETRY_SHARE = 4  # at most one claim in four is a retry while fresh deliveries wait


def take(
    connection: apsw.Connection,
    campaign: int,
    limit: int,
    deltas: Deltas,
    bounds: Sequence[str] | None,
    *,
    now: float,
    lease: float,
) -> list[Claim]:
    """Take up to `limit` due deliveries, of all or only of those with one of these From."""
    bindings = {"lease": now + lease, "now": now, "campaign": campaign}
    due = _due(connection, bindings, bounds, limit)
    timed = [id_ for id_, state in due if state == DeliveryState.QUEUED]
    retries = [id_ for id_, state in due if state == DeliveryState.DEFERRED]
    share = max(1, limit // _RETRY_SHARE)
    taken = _take_these(connection, bindings, timed + retries[:share])
    by = partial(_take, connection) if bounds is None else partial(_take_bound, connection, bounds)
    fresh = by("claim_fresh", bindings, limit - len(taken))
    more = retries[share : share + limit - len(taken) - len(fresh)]
    taken += _take_these(connection, bindings, more)
    if fresh or taken:
        deltas[campaign, DeliveryState.QUEUED] -= len(fresh) + len(timed)
        deltas[campaign, DeliveryState.DEFERRED] -= len(taken) - len(timed)
        deltas[campaign, DeliveryState.CLAIMED] += len(fresh) + len(taken)
    return taken + fresh


def _due(
    connection: apsw.Connection, bindings: dict[str, Any], bounds: Sequence[str] | None, limit: int
) -> list[tuple[int, str]]:
    """Up to so many whose time has come, with their states: those first that are late, or of each From as many."""
    wanted = {**bindings, "limit": limit}
    if bounds is None:
        rows: Any = connection.execute(SQL["due"], wanted).fetchall()
        return list(rows)
    of_each: Any = [connection.execute(SQL["due_bound"], {**wanted, "bound": bound}).fetchall() for bound in bounds]
    in_turn = chain.from_iterable(zip_longest(*of_each))
    return list(islice(filter(None, in_turn), limit))


def _take_these(connection: apsw.Connection, bindings: dict[str, Any], ids: list[int]) -> list[Claim]:
    return _claimed(connection, "claim_these", {**bindings, "ids": json.dumps(ids)}) if ids else []


def _take_bound(
    connection: apsw.Connection, bounds: Sequence[str], name: str, bindings: dict[str, Any], limit: int
) -> list[Claim]:
    """Of each From as many, as long as there are."""
    taken: list[Claim] = []
    for nth, bound in enumerate(bounds):
        share = (limit - len(taken)) // (len(bounds) - nth)
        taken += _take(connection, f"{name}_bound", {**bindings, "bound": bound}, share)
    for bound in bounds:
        taken += _take(connection, f"{name}_bound", {**bindings, "bound": bound}, limit - len(taken))
    return taken


def _take(connection: apsw.Connection, name: str, bindings: dict[str, Any], limit: int) -> list[Claim]:
    return _claimed(connection, name, {**bindings, "limit": limit}) if limit > 0 else []


def _claimed(connection: apsw.Connection, name: str, bindings: dict[str, Any]) -> list[Claim]:
    rows: Any = connection.execute(SQL[name], bindings).fetchall()
    copies = [row[1] for row in rows if row[15]]
    followed = _follow_their_mails(connection, bindings["campaign"], copies) if copies else {}
    rows.sort()
    fields = json.loads(f"[{','.join(row[6] for row in rows)}]")  # one text, read at once
    claims = [
        Claim._make(
            (
                *row[:6],
                tuple(own),
                *row[7:13],
                rows_from(row[13]) if row[13] else (),
                files_from(row[14]) if row[14] else (),
                copy_from(row[15]) if row[15] else None,
                None,
                row[16],
            )
        )
        for row, own in zip(rows, fields, strict=True)
    ]
    if not followed:
        return claims
    return [
        claim._replace(date_at=followed[claim.id][0], copied=followed[claim.id][1]) if claim.id in followed else claim
        for claim in claims
    ]


def _follow_their_mails(
    connection: apsw.Connection, campaign: int, copies: list[int]
) -> dict[int, tuple[float, int | None]]:
    """Have copies say what the mails that they copy say; by id the date, and the message where it is an earlier
    one.
    """
    found: Any = connection.execute(SQL["follow_their_mails"], {"campaign": campaign, "ids": json.dumps(copies)})
    return {id_: (date, message) for id_, date, message in found}
