"""Owns what a runner writes to an SQLite outbox: claims, marks, results, campaign states.

Everything here runs on the runner's loop and returns within a few milliseconds; a busy database raises
`OutboxBusy` at once and changes nothing. Every move of a delivery is conditional on its state and fence.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import apsw

from mailtui.errors import OutboxError
from mailtui.kit.sqlite import open_durable
from mailtui.outbox import sqlite_orders
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import (
    Campaign,
    Claim,
    Counts,
    Mark,
    Order,
    ProgressSnapshot,
    Recovery,
    Redo,
    Result,
    RunnerRow,
    Step,
)
from mailtui.outbox.sqlite_file import RUNNER_BUSY_MS, open_for_writing, storage_errors, transaction
from mailtui.outbox.sqlite_reader import SQL as READ
from mailtui.outbox.sqlite_reader import blob, campaign_from, read_one
from mailtui.outbox.states import OPEN_STATES, CampaignState, DeliveryState

SQL = statements("sqlite", "ledger")
_RETRY_SHARE = 4  # at most one claim in four is a retry while fresh deliveries wait
_LONGEST_PAUSE = 5 * 3600.0  # a little more than any that is ever asked for
_CHECKPOINT_PAGES = 2_000  # of 4 KB each

_Deltas = Counter[tuple[int, DeliveryState]]


class SqliteLedger:
    """The `Ledger` port over one SQLite file. One per outbox: the runner's lock sees to that."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_for_writing(path, busy_ms=RUNNER_BUSY_MS)
        self._connection.wal_autocheckpoint(0)
        self._log_pages = 0
        self._connection.set_wal_hook(self._note_log)
        self._tidying: threading.Thread | None = None
        self._runner: RunnerRow | None = None
        self._version = -1

    async def sign_on(self, runner: RunnerRow) -> None:
        self._runner = runner
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["other_runners_gone"], (runner.id,))
            self._connection.execute(
                SQL["sign_on"],
                (runner.id, runner.pid, runner.host, runner.version, runner.started_at, runner.heartbeat_at),
            )

    async def sign_off(self) -> None:
        if self._runner is not None:
            with transaction(self._connection, self._path):
                self._connection.execute(SQL["sign_off"], (self._runner.id,))

    async def recover(self, *, now: float) -> Recovery:
        deltas: _Deltas = Counter()
        with transaction(self._connection, self._path):
            live = self._rows("live_counts")
            self._connection.execute(SQL["requeue_claimed"], (now,))
            self._connection.execute(SQL["lose_in_flight"], (now,))
            self._connection.execute(SQL["due_in_time"], {"latest": now + _LONGEST_PAUSE})
            requeued = unknown = 0
            for campaign, state, count in live:
                deltas[campaign, DeliveryState(state)] -= count
                if state == DeliveryState.CLAIMED:
                    deltas[campaign, DeliveryState.QUEUED] += count
                    requeued += count
                else:
                    deltas[campaign, DeliveryState.UNKNOWN] += count
                    unknown += count
                    self._connection.execute(SQL["settled_at"], (now, campaign))
            self._count(deltas)
        return Recovery(requeued=requeued, unknown=unknown)

    async def clock_moved(self, by: float) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["move_waiting"], {"by": by})
            self._connection.execute(SQL["move_leased"], {"by": by})

    async def active_campaigns(self) -> list[Campaign]:
        with storage_errors(self._path):
            return [campaign_from(row) for row in self._connection.execute(READ["active_campaigns"])]

    async def campaign(self, number: int) -> Campaign:
        with storage_errors(self._path):
            row = read_one(self._connection, "campaign_by_number", (number,))
        if row is None:
            raise OutboxError(f"The outbox holds no campaign number {number}", detail=str(self._path))
        return campaign_from(row)

    async def message(self, digest: str) -> bytes:
        with storage_errors(self._path):
            rows = self._connection.execute(READ["message"], (digest,)).fetchall()
        return blob(rows, digest, self._path)

    async def editions(self, campaign: int) -> dict[int, str]:
        with storage_errors(self._path):
            rows: Any = self._connection.execute(READ["editions"], (campaign,)).fetchall()
        return dict(rows)

    async def counts(self, campaign: int) -> Counts:
        with storage_errors(self._path):
            rows: Any = self._connection.execute(READ["counts"], (campaign,)).fetchall()
        return Counts(**dict(rows))

    async def claim(self, campaign: int, limit: int, *, now: float, lease: float) -> list[Claim]:
        bindings = {
            "owner": self._runner.id if self._runner else None,
            "lease": now + lease,
            "now": now,
            "campaign": campaign,
        }
        with transaction(self._connection, self._path):
            retries = self._claim("claim_due", bindings, max(1, limit // _RETRY_SHARE))
            fresh = self._claim("claim_fresh", bindings, limit - len(retries))
            if len(fresh) + len(retries) < limit:
                retries += self._claim("claim_due", bindings, limit - len(fresh) - len(retries))
            if fresh or retries:
                deltas: _Deltas = Counter()
                deltas[campaign, DeliveryState.QUEUED] = -len(fresh)
                deltas[campaign, DeliveryState.DEFERRED] = -len(retries)
                deltas[campaign, DeliveryState.CLAIMED] = len(fresh) + len(retries)
                self._count(deltas)
                self._connection.execute(SQL["first_claim"], (now, campaign))
        return retries + fresh

    def _rows(self, name: str, bindings: Any = ()) -> list[Any]:
        return self._connection.execute(SQL[name], bindings).fetchall()

    def _claim(self, name: str, bindings: dict[str, Any], limit: int) -> list[Claim]:
        if limit <= 0:
            return []
        rows = self._rows(name, {**bindings, "limit": limit})
        rows.sort()
        return [
            Claim(
                bindings["campaign"],
                id_,
                fence,
                key,
                row,
                address,
                tuple(json.loads(fields)),
                *rest,
            )
            for id_, fence, key, row, address, fields, *rest in rows
        ]

    async def commit(
        self,
        marks: Sequence[Mark],
        results: Sequence[Result],
        snapshots: Sequence[tuple[int, ProgressSnapshot]],
        *,
        now: float,
    ) -> list[bool]:
        deltas: _Deltas = Counter()
        with transaction(self._connection, self._path):
            settled = self._settle(results, deltas, now)
            held = self._mark(marks, deltas, now)
            self._count(deltas)
            for campaign in settled:
                self._connection.execute(SQL["settled_at"], (now, campaign))
            for campaign, snapshot in snapshots:
                self._connection.execute(SQL["put_snapshot"], (campaign, snapshot.at, snapshot.to_json()))
            if self._runner is not None and (snapshots or not marks):
                self._connection.execute(SQL["heartbeat"], (now, self._runner.id))
        return held

    def _mark(self, marks: Sequence[Mark], deltas: _Deltas, now: float) -> list[bool]:
        if not marks:
            return []
        connection = self._connection
        before = connection.total_changes()
        connection.executemany(SQL["mark"], [(now, mark.id, mark.fence) for mark in marks])
        held = [True] * len(marks)
        if connection.total_changes() - before != len(marks):
            # Rare: something was cancelled in between. Whatever is marked with this fence was marked just now.
            held = [
                connection.execute(SQL["is_marked"], (mark.id, mark.fence)).fetchone() is not None for mark in marks
            ]
        for mark, holds in zip(marks, held, strict=True):
            if holds:
                deltas[mark.campaign, DeliveryState.CLAIMED] -= 1
                deltas[mark.campaign, DeliveryState.IN_FLIGHT] += 1
        return held

    def _settle(self, results: Sequence[Result], deltas: _Deltas, now: float) -> set[int]:
        """Record the results; the campaigns in which something came to rest."""
        settled: set[int] = set()
        connection = self._connection
        for (before, after), group in groupby(
            sorted(results, key=lambda result: (result.before, result.after)),
            key=lambda result: (result.before, result.after),
        ):
            moves = list(group)
            changes = connection.total_changes()
            connection.execute("SAVEPOINT settling")
            connection.executemany(SQL["settle"], [_settle_row(move, now) for move in moves])
            if connection.total_changes() - changes != len(moves):
                connection.execute("ROLLBACK TO settling")
                moves = [move for move in moves if self._settle_one(move, now)]
            connection.execute("RELEASE settling")
            for move in moves:
                deltas[move.campaign, before] -= 1
                deltas[move.campaign, after] += 1
            if after not in OPEN_STATES:
                settled.update(move.campaign for move in moves)
            self._keep_attempts(moves, now)
        return settled

    def _settle_one(self, move: Result, now: float) -> bool:
        """Record one result; False for a delivery that was cancelled while its worker still held it."""
        self._connection.execute(SQL["settle"], _settle_row(move, now))
        if self._connection.changes() == 1:
            return True
        state = self._connection.execute(SQL["state_under_fence"], (move.id, move.fence)).get
        if state == DeliveryState.CANCELLED or (state, move.before) == (DeliveryState.UNKNOWN, DeliveryState.CLAIMED):
            return False
        raise OutboxError(
            f"The outbox no longer agrees that delivery {move.id} was {move.before}",
            detail=f"{self._path}: it is {state or 'claimed by another runner'}, and was to become {move.after}",
            hint="Is another program writing to this outbox?",
        )

    def _keep_attempts(self, results: Iterable[Result], now: float) -> None:
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
            if result.attempt and result.after is not DeliveryState.SENT
        ]
        if rows:
            self._connection.executemany(SQL["insert_attempt"], rows)

    def _count(self, deltas: _Deltas) -> None:
        for (campaign, state), delta in deltas.items():
            if delta:
                self._connection.execute(SQL["add_to_counter"], (campaign, state, delta))

    async def next_due(self, campaign: int) -> float | None:
        with storage_errors(self._path):
            rows = self._rows("next_due", (campaign,))
        return float(rows[0][0]) if rows else None

    async def cancel_waiting(self, campaign: int, limit: int, *, now: float) -> int:
        with transaction(self._connection, self._path):
            rows = self._rows("cancellable", (campaign, limit))
            rows += self._connection.execute(SQL["cancellable_claimed"], (campaign, limit - len(rows))).fetchall()
            if rows:
                self._connection.execute(SQL["cancel"], (now, json.dumps([row[0] for row in rows])))
                deltas: _Deltas = Counter()
                for _, state, is_copy in rows:
                    deltas[campaign, DeliveryState(state)] -= 1
                    deltas[campaign, DeliveryState.UNKNOWN if is_copy else DeliveryState.CANCELLED] += 1
                self._count(deltas)
                self._connection.execute(SQL["settled_at"], (now, campaign))
        return len(rows)

    async def set_state(
        self,
        campaign: int,
        state: CampaignState,
        *,
        actor: str,
        now: float,
        reason: str = "",
        held: bool = False,
    ) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["set_state"], (state, reason, int(held), campaign))
            self._connection.execute(SQL["insert_event"], (campaign, now, actor, state, reason))

    async def set_terms(
        self,
        campaign: int,
        *,
        actor: str,
        now: float,
        plan: str | None = None,
        endpoint: str | None = None,
        message_digest: str | None = None,
    ) -> None:
        changed = {"plan": plan, "endpoint": endpoint, "message_digest": message_digest}
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["set_terms"], {**changed, "campaign": campaign})
            detail = json.dumps({name: value for name, value in changed.items() if value is not None})
            self._connection.execute(SQL["insert_event"], (campaign, now, actor, "set", detail))

    async def fix_encoding(self, campaign: int, encoding: str) -> str:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["fix_encoding"], (encoding, campaign))
            return str(self._connection.execute(SQL["encoding"], (campaign,)).get)

    async def open_orders(self) -> list[Order]:
        with storage_errors(self._path):
            return sqlite_orders.open_orders(self._connection)

    async def answer(self, order: Order, answer: str) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(sqlite_orders.SQL["answer"], (answer, order.id))

    async def acknowledge(self, order: Order, answer: str, *, now: float) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(sqlite_orders.SQL["acknowledge"], (now, answer, order.id))

    async def redo(self, order: Order, redo: Redo, limit: int, *, now: float) -> Step:
        with transaction(self._connection, self._path):
            return sqlite_orders.redo(self._connection, order, redo, limit, now)

    def changed(self) -> bool:
        with storage_errors(self._path):
            version = self._connection.pragma("data_version")
        if version == self._version:
            return False
        self._version = version
        return True

    def _note_log(self, _connection: apsw.Connection, _name: str, pages: int) -> int:
        self._log_pages = pages
        return apsw.SQLITE_OK

    def tidy(self, *, at_once: bool = False) -> None:
        """Checkpoint in a helper thread with a connection of its own, once the log has grown.

        On a full disk, `at_once` gives the room in the log back to the next write.
        """
        if self._tidying is not None and self._tidying.is_alive():
            return
        if self._log_pages < _CHECKPOINT_PAGES and not at_once:
            return
        self._tidying = threading.Thread(target=self._checkpoint, name="checkpoint", daemon=True)
        self._tidying.start()

    def _checkpoint(self) -> None:
        try:
            connection = open_durable(self._path, busy_ms=RUNNER_BUSY_MS)
            try:
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            finally:
                connection.close()
        except apsw.Error:
            # Nothing is lost by a checkpoint that did not happen: the log keeps what it would have moved,
            # and a fault that matters shows at the next commit, which does not go unheard.
            return

    def close(self) -> None:
        if self._tidying is not None:
            self._tidying.join()
        self._connection.set_wal_hook(None)
        self._connection.close()


def _settle_row(move: Result, now: float) -> tuple[Any, ...]:
    return (
        move.after,
        move.attempts,
        move.due_at,
        move.reason,
        move.stage,
        move.code,
        move.enhanced,
        move.reply,
        now,
        move.id,
        move.fence,
        move.before,
    )
