"""Owns which deliveries a runner takes next from an SQLite outbox, and what it is told of each.

Everything here runs inside a transaction of the ledger's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
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
    by = partial(_take, connection) if bounds is None else partial(_take_bound, connection, bounds)
    retries = by("claim_due", bindings, max(1, limit // _RETRY_SHARE))
    fresh = by("claim_fresh", bindings, limit - len(retries))
    if len(fresh) + len(retries) < limit:
        retries += by("claim_due", bindings, limit - len(fresh) - len(retries))
    if fresh or retries:
        deltas[campaign, DeliveryState.QUEUED] -= len(fresh)
        deltas[campaign, DeliveryState.DEFERRED] -= len(retries)
        deltas[campaign, DeliveryState.CLAIMED] += len(fresh) + len(retries)
    return retries + fresh


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
    if limit <= 0:
        return []
    rows: Any = connection.execute(SQL[name], {**bindings, "limit": limit}).fetchall()
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
