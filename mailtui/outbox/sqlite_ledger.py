"""Owns what a runner writes to an SQLite outbox: claims, marks, results, campaign states.

Everything here runs on the runner's loop and returns within a few milliseconds; a busy database raises
`OutboxBusy` at once and changes nothing. Every move of a delivery is conditional on its state and fence.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from mailtui.errors import OutboxError
from mailtui.outbox import sqlite_accounts, sqlite_meters, sqlite_orders, sqlite_suppression, sqlite_timed
from mailtui.outbox.copies import copy_text
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import (
    AccountRest,
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
from mailtui.outbox.sqlite_campaigns import READ, campaign_from
from mailtui.outbox.sqlite_claims import take
from mailtui.outbox.sqlite_file import RUNNER_BUSY_MS, Others, open_for_writing, transaction
from mailtui.outbox.sqlite_log import LogKeeper
from mailtui.outbox.sqlite_moves import Deltas, add_to_counters, mark, settle
from mailtui.outbox.sqlite_reader import blob, read_one
from mailtui.outbox.sqlite_timed import TimedLedger, put_notices
from mailtui.outbox.states import CampaignState, DeliveryState
from mailtui.outbox.storage_errors import storage_errors
from mailtui.outbox.timed_records import NewNotice

SQL = statements("sqlite", "ledger")
_ACCOUNT, _METERS = attrgetter("account"), attrgetter("meters")
_LONGEST_PAUSE = 5 * 3600.0  # a little more than any that is ever asked for
_CLAIM_ROUNDS = 8  # of which each leaves out only those who are on the suppression list since the launch
_REST_EVERY = 0.25  # seconds; when a campaign last had something settled is on record that closely


class SqliteLedger(TimedLedger):
    """The `Ledger` port over one SQLite file. One per outbox: the runner's lock sees to that."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_for_writing(path, busy_ms=RUNNER_BUSY_MS)
        self._log = LogKeeper(self._connection, path, busy_ms=RUNNER_BUSY_MS)
        self._runner: RunnerRow | None = None
        self._rests: dict[int, float] = {}
        """When something last came to rest in a campaign, where that is not on record yet."""
        self._rests_kept_at = 0.0
        self._others = Others(self._connection, path)
        self._suppressed_to = 0
        """What is claimed has been held against the suppression list up to this entry."""
        self._taken_out: set[int] = set()
        self._version: int | None = None
        """The file's, after the last commit; while it is the same, nobody has put anybody on the suppression list."""
        self._carried = False
        """Whether any mark of this process said which account carries a mail."""

    async def sign_on(self, runner: RunnerRow) -> None:
        self._runner = runner
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["keep_absence"])
            self._connection.execute(SQL["other_runners_gone"], (runner.id,))
            self._connection.execute(
                SQL["sign_on"],
                (runner.id, runner.pid, runner.host, runner.version, runner.started_at, runner.heartbeat_at),
            )
            sqlite_meters.forget_old(self._connection, runner.started_at)

    async def sign_off(self) -> None:
        if self._runner is not None:
            with transaction(self._connection, self._path):
                self._connection.execute(SQL["keep_absence"])
                self._connection.execute(SQL["sign_off"], (self._runner.id,))

    async def recover(self, *, now: float) -> Recovery:
        deltas: Deltas = Counter()
        with transaction(self._connection, self._path):
            live = self._rows("live_counts")
            self._connection.execute(SQL["requeue_claimed"], (now,))
            self._connection.execute(SQL["lose_in_flight"], (now,))
            self._connection.execute(SQL["due_in_time"], {"latest": now + _LONGEST_PAUSE})
            for part in (sqlite_accounts, sqlite_meters, sqlite_timed):
                part.in_time(self._connection, now)
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
            add_to_counters(self._connection, deltas)
        return Recovery(requeued=requeued, unknown=unknown)

    async def clock_moved(self, by: float) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["move_waiting"], {"by": by})
            self._connection.execute(SQL["move_leased"], {"by": by})
            for part in (sqlite_accounts, sqlite_meters, sqlite_timed):
                part.move(self._connection, by)

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

    async def claim(
        self, campaign: int, limit: int, *, now: float, lease: float, bounds: Sequence[str] | None = None
    ) -> list[Claim]:
        taken: list[Claim] = []
        deltas: Deltas = Counter()
        with transaction(self._connection, self._path):
            reached, scopes = sqlite_suppression.checked_to(self._connection, campaign)
            is_late = sqlite_suppression.newest(self._connection) > reached
            for _ in range(_CLAIM_ROUNDS if is_late else 1):
                wanted = limit - len(taken)
                found = take(self._connection, campaign, wanted, deltas, bounds, now=now, lease=lease)
                left_out = self._left_out(found, scopes, reached, deltas, now) if is_late and found else set()
                taken += [claim for claim in found if claim.id not in left_out] if left_out else found
                if len(found) < wanted or not left_out:
                    break
            if deltas:
                add_to_counters(self._connection, deltas)
                self._connection.execute(SQL["first_claim"], (now, campaign))
        return taken

    def _left_out(self, claims: list[Claim], scopes: Sequence[str], after: int, deltas: Deltas, now: float) -> set[int]:
        """Settle those of these claims whose people are on the suppression list since the launch; which ones."""
        rows = [
            (
                claim.campaign,
                claim.id,
                claim.key,
                claim.address,
                DeliveryState.CLAIMED,
                claim.repeats is not None,
                copy_text(claim.copy_of),
            )
            for claim in claims
        ]
        found = sqlite_suppression.settle(self._connection, rows, scopes, after, deltas, now)
        if found:
            self._rests[claims[0].campaign] = now
        return found

    def _rows(self, name: str, bindings: Any = ()) -> list[Any]:
        return self._connection.execute(SQL[name], bindings).fetchall()

    async def commit(
        self,
        marks: Sequence[Mark],
        results: Sequence[Result],
        snapshots: Sequence[tuple[int, ProgressSnapshot]],
        *,
        now: float,
    ) -> list[bool]:
        deltas: Deltas = Counter()
        carried, metered = any(map(_ACCOUNT, marks)), any(map(_METERS, marks))
        self._log.start_over()
        with transaction(self._connection, self._path):
            for campaign in settle(self._connection, self._path, results, deltas, now):
                self._rests[campaign] = now
            if self._carried:
                sqlite_accounts.count_carried(self._connection, results)
            newest, taken_out = self._take_out_late(deltas, now)
            held = mark(self._connection, marks, deltas, now, carried=carried, metered=metered)
            add_to_counters(self._connection, deltas)
            keep_rests = not marks or not 0 <= now - self._rests_kept_at < _REST_EVERY
            if keep_rests:
                self._keep_rests(self._rests)
            for campaign, snapshot in snapshots:
                self._connection.execute(SQL["put_snapshot"], (campaign, snapshot.at, snapshot.to_json()))
            if self._runner is not None and (snapshots or not marks):
                self._connection.execute(SQL["heartbeat"], (now, self._runner.id))
        self._suppressed_to = newest
        self._taken_out |= taken_out
        self._carried = self._carried or carried
        self._version = self._connection.data_version()
        if keep_rests:
            self._rests.clear()
            self._rests_kept_at = now
        return held

    def _take_out_late(self, deltas: Deltas, now: float) -> tuple[int, set[int]]:
        """Settle what is claimed for people who were put on the suppression list since the last look, so that no mark
        of theirs holds. The newest entry that was looked at, and which deliveries were settled.
        """
        reached, taken_out = self._suppressed_to, set[int]()
        if self._connection.data_version() == self._version:
            return reached, taken_out  # the usual case, and it costs next to nothing: nobody has written since
        newest = sqlite_suppression.newest(self._connection)
        if newest > reached:
            for campaign, ids in sqlite_suppression.settle_claimed(self._connection, reached, deltas, now).items():
                self._rests[campaign] = now
                taken_out |= ids
        return newest, taken_out

    @property
    def taken_out(self) -> set[int]:
        return self._taken_out

    def _keep_rests(self, campaigns: Iterable[int]) -> None:
        """A page less for every other commit: this time alone needs not be as durable as what it tells of."""
        for campaign in campaigns:
            self._connection.execute(SQL["settled_at"], (self._rests[campaign], campaign))

    async def next_due(self, campaign: int, *, bounds: Sequence[str] | None = None) -> float | None:
        with storage_errors(self._path):
            if bounds is None:
                rows = self._rows("next_due", (campaign,))
            else:
                rows = [row for bound in bounds for row in self._rows("next_due_bound", (campaign, bound))]
        return min((float(row[0]) for row in rows), default=None)

    async def bounds(self, campaign: int) -> list[str]:
        with storage_errors(self._path):
            rows: Any = self._connection.execute(READ["bounds"], (campaign,)).fetchall()
        return [bound for (bound,) in rows]

    async def cancel_waiting(self, campaign: int, limit: int, *, now: float) -> int:
        with transaction(self._connection, self._path):
            rows = self._rows("cancellable", (campaign, limit))
            rows += self._connection.execute(SQL["cancellable_claimed"], (campaign, limit - len(rows))).fetchall()
            if rows:
                self._connection.execute(SQL["cancel"], (now, json.dumps([row[0] for row in rows])))
                deltas: Deltas = Counter()
                for _, state, is_copy in rows:
                    deltas[campaign, DeliveryState(state)] -= 1
                    deltas[campaign, DeliveryState.UNKNOWN if is_copy else DeliveryState.CANCELLED] += 1
                add_to_counters(self._connection, deltas)
                self._rests[campaign] = now
                self._keep_rests([campaign])
        return len(rows)

    async def expire(
        self, campaign: int, after: float, until: float, limit: int, why: Callable[[float], str], *, now: float
    ) -> int:
        bindings = {"campaign": campaign, "after": after, "until": until, "limit": limit}
        with transaction(self._connection, self._path):
            rows = self._rows("own_times", bindings)
            if rows:
                self._connection.executemany(SQL["expire"], [(why(send_at), now, id_) for id_, send_at in rows])
                moves = {DeliveryState.QUEUED: -len(rows), DeliveryState.EXPIRED: len(rows)}
                add_to_counters(self._connection, Counter({(campaign, state): n for state, n in moves.items()}))
                self._rests[campaign] = now
                self._keep_rests([campaign])
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
        resume_at: float | None = None,
        at_wall: bool = False,
        notices: Sequence[NewNotice] = (),
    ) -> None:
        wanted = {"state": state, "reason": reason, "held": int(held), "resume_at": resume_at, "at_wall": int(at_wall)}
        with transaction(self._connection, self._path):
            self._keep_rests(self._rests.keys() & {campaign})
            self._connection.execute(SQL["set_state"], {**wanted, "now": now, "campaign": campaign})
            self._connection.execute(SQL["insert_event"], (campaign, now, actor, state, reason))
            put_notices(self._connection, campaign, notices)

    async def reschedule(
        self, campaign: int, start_at: float, *, actor: str, now: float, schedule: str | None = None
    ) -> bool:
        wanted = {"start_at": start_at, "schedule": schedule}
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["reschedule"], {**wanted, "campaign": campaign})
            is_changed = self._connection.changes() == 1
            if is_changed:
                detail = json.dumps({name: value for name, value in wanted.items() if value is not None})
                self._connection.execute(SQL["insert_event"], (campaign, now, actor, "schedule", detail))
        return is_changed

    async def set_terms(
        self,
        campaign: int,
        *,
        actor: str,
        now: float,
        plan: str | None = None,
        endpoint: str | None = None,
        message_digest: str | None = None,
        list: str | None = None,
        schedule: str | None = None,
    ) -> None:
        changed = {"plan": plan, "endpoint": endpoint, "message_digest": message_digest, "list": list}
        changed["schedule"] = schedule
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["set_terms"], {**changed, "campaign": campaign})
            detail = json.dumps({name: value for name, value in changed.items() if value is not None})
            self._connection.execute(SQL["insert_event"], (campaign, now, actor, "set", detail))
        if list is not None:
            self._suppressed_to = 0  # what is claimed is held against all of the list anew

    async def fix_encoding(self, campaign: int, encoding: str) -> str:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["fix_encoding"], (encoding, campaign))
            return str(self._connection.execute(SQL["encoding"], (campaign,)).get)

    async def rest_account(self, rest: AccountRest) -> None:
        with transaction(self._connection, self._path):
            sqlite_accounts.rest(self._connection, rest)

    async def account_rested(self, account: str) -> None:
        with transaction(self._connection, self._path):
            sqlite_accounts.rested(self._connection, account)

    async def account_rests(self) -> list[AccountRest]:
        with storage_errors(self._path):
            return sqlite_accounts.rests(self._connection)

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
        return self._others.wrote()

    def tidy(self, *, at_once: bool = False) -> None:
        self._log.tidy(at_once=at_once)

    def close(self) -> None:
        self._log.close()
        self._connection.close()
