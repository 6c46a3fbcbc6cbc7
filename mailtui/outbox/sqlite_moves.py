"""Owns recording how deliveries that a runner holds move on, and the counts that change with them.

Everything here runs inside a transaction of the ledger's. A delivery that was cancelled or suppressed while its worker
still held it stays so; what else does not agree with the file is an error, and changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import apsw

from mailtui.errors import OutboxError
from mailtui.outbox import sqlite_meters
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import Mark, Result
from mailtui.outbox.states import OPEN_STATES, DeliveryState

SQL = statements("sqlite", "ledger")

_TAKEN_OUT = (DeliveryState.SUPPRESSED, DeliveryState.UNKNOWN)
"""What a claimed delivery may be by then: suppressed, or cancelled before its second copy was sent."""

Deltas = Counter[tuple[int, DeliveryState]]
"""By how much the count of a campaign's deliveries in a state changes."""


def add_to_counters(connection: apsw.Connection, deltas: Deltas) -> None:
    """Change the counts; those that stay what they were cost nothing."""
    for (campaign, state), delta in deltas.items():
        if delta:
            connection.execute(SQL["add_to_counter"], (campaign, state, delta))


def mark(
    connection: apsw.Connection,
    marks: Sequence[Mark],
    deltas: Deltas,
    now: float,
    *,
    carried: bool,
    metered: bool,
) -> list[bool]:
    """Mark deliveries as in flight; for each, whether it is. `carried`: the marks of some say which account does it,
    `metered`: in which meters they count.
    """
    if not marks:
        return []
    before = connection.total_changes()
    if carried:
        connection.executemany(SQL["mark_by"], [(id_, fence, now, account) for _, id_, fence, account, _ in marks])
    else:
        connection.executemany(SQL["mark"], [(id_, fence, now) for _, id_, fence, _, _ in marks])
    held = [True] * len(marks)
    if connection.total_changes() - before != len(marks):
        # Rare: something was cancelled or suppressed. Whatever is marked with this fence was marked just now.
        held = [
            connection.execute(SQL["is_marked"], (wanted.id, wanted.fence)).fetchone() is not None for wanted in marks
        ]
    for campaign, number in Counter(
        wanted.campaign for wanted, holds in zip(marks, held, strict=True) if holds
    ).items():
        deltas[campaign, DeliveryState.CLAIMED] -= number
        deltas[campaign, DeliveryState.IN_FLIGHT] += number
    if metered:
        sqlite_meters.count_marks(connection, (wanted for wanted, holds in zip(marks, held, strict=True) if holds), now)
    return held


def settle(connection: apsw.Connection, path: Path, results: Sequence[Result], deltas: Deltas, now: float) -> set[int]:
    """Record results; the campaigns in which something came to rest. To be the first thing in its transaction."""
    settled: set[int] = set()
    if not results:
        return settled
    before = connection.total_changes()
    connection.executemany(SQL["settle"], [(*result, now) for result in results])
    if connection.total_changes() - before != len(results):
        # Rare: something was cancelled or suppressed in between. Begun anew, one by one.
        connection.execute("ROLLBACK")
        connection.execute("BEGIN IMMEDIATE")
        results = [result for result in results if _settle_one(connection, path, result, now)]
    moves = Counter((result.campaign, result.before, result.after) for result in results)
    for (campaign, state, after), number in moves.items():
        deltas[campaign, state] -= number
        deltas[campaign, after] += number
        if after not in OPEN_STATES:
            settled.add(campaign)
    _keep_attempts(connection, results, now)
    return settled


def _settle_one(connection: apsw.Connection, path: Path, move: Result, now: float) -> bool:
    """Record one result; False for a delivery that was taken out of the sending while its worker still held it."""
    connection.execute(SQL["settle"], (*move, now))
    if connection.changes() == 1:
        return True
    state = connection.execute(SQL["state_under_fence"], (move.id, move.fence)).get
    if state == DeliveryState.CANCELLED or (move.before is DeliveryState.CLAIMED and state in _TAKEN_OUT):
        return False
    raise OutboxError(
        f"The outbox no longer agrees that delivery {move.id} was {move.before}",
        detail=f"{path}: it is {state or 'claimed by another runner'}, and was to become {move.after}",
        hint="Is another program writing to this outbox?",
    )


def _keep_attempts(connection: apsw.Connection, results: Iterable[Result], now: float) -> None:
    """A sent delivery's own row says how its last attempt ended; the others are kept one by one."""
    rows = [
        (
            result.id,
            result.attempts,
            now,
            result.after,
            result.stage,
            result.code,
            result.enhanced,
            result.reply,
        )
        for result in results
        if result.after is not DeliveryState.SENT and result.attempt
    ]
    if rows:
        connection.executemany(SQL["insert_attempt"], rows)
