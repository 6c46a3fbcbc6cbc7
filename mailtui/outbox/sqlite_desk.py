"""Owns what faces write to an SQLite outbox: drafts, recipients, intake, orders, and who is to get nothing. Never the
state of a delivery that there is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from mailtui.errors import OccurrenceTaken, OutboxError, RecurrenceChanged
from mailtui.outbox import sqlite_suppression
from mailtui.outbox.cells import cells_text, files_text, rows_text
from mailtui.outbox.copies import copy_text
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import Campaign, IntakeRow, NewCampaign, NewDelivery, NewSuppression
from mailtui.outbox.sqlite_campaigns import campaign_from
from mailtui.outbox.sqlite_file import FACE_BUSY_MS, open_for_writing, transaction
from mailtui.outbox.sqlite_reader import read_one
from mailtui.outbox.sqlite_timed import TimedDesk, put_notices, recurrence_of
from mailtui.outbox.states import DeliveryState, OrderKind, RecurrenceState
from mailtui.outbox.timed_records import NewNotice

SQL = statements("sqlite", "desk")
_OF_A_CAMPAIGN = ("delivery", "edition", "intake", "counter", "orders", "event", "snapshot", "carried", "notice")
_PART = 1_000  # rows that are made ready at once, so that a long step takes no more memory than a short one
_CACHE = "PRAGMA cache_size = -16000"  # KB: keys come in any order, and the pages of their index are needed again


class SqliteDesk(TimedDesk):
    """The `Desk` port over one SQLite file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = open_for_writing(path, busy_ms=FACE_BUSY_MS)
        self._connection.execute(_CACHE)

    async def create_draft(self, campaign: NewCampaign, *, now: float) -> Campaign | None:
        digest = campaign.message_digest
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["put_blob"], (digest, campaign.message))
            row = self._connection.execute(
                SQL["insert_campaign"],
                {
                    "id": campaign.id,
                    "series": campaign.series,
                    "occurrence": campaign.occurrence,
                    "name": campaign.name,
                    "message_digest": digest,
                    "endpoint": campaign.endpoint,
                    "plan": campaign.plan,
                    "columns": json.dumps(campaign.columns, ensure_ascii=False),
                    "source": campaign.source,
                    "filter": campaign.filter,
                    "secret": campaign.secret,
                    "now": now,
                    "list": campaign.list,
                    "schedule": campaign.schedule,
                    "recurrence": campaign.recurrence,
                    "occurrence_at": campaign.occurrence_at,
                    "hooks": campaign.hooks,
                },
            ).fetchone()
            found = None if row is None else read_one(self._connection, "campaign_by_number", row)
            if row is not None:
                self._connection.execute(SQL["insert_edition"], (row[0], digest))
        return None if found is None else campaign_from(found)

    async def put_message(self, campaign: int, digest: str, message: bytes) -> None:
        with transaction(self._connection, self._path):
            self._connection.execute(SQL["put_blob"], (digest, message))
            self._connection.execute(SQL["insert_edition"], (campaign, digest))

    async def add(self, campaign: int, deliveries: Iterable[NewDelivery], *, now: float) -> int:
        added = 0
        with_copies = False
        with transaction(self._connection, self._path):
            corrected = {key for (key,) in self._connection.execute(SQL["corrected_keys"], (campaign,))}
            _, scopes = sqlite_suppression.checked_to(self._connection, campaign)
            newest = int(self._connection.execute(SQL["newest_delivery"]).get)
            coming = (delivery for delivery in deliveries if delivery.key not in corrected)
            while part := list(islice(coming, _PART)):
                named = {item.copy_of[0] for item in part if item.copy_of}
                if named:
                    with_copies = True
                    part = self._with_their_mails(campaign, part, named, corrected, newest)
                added += self._many(campaign, part, scopes, now)
            if added:
                copies = self._connection.execute(SQL["new_copies"], (campaign, newest)).get if with_copies else 0
                self._connection.execute(SQL["grow_audience"], (added, copies, campaign))
        return added

    def _with_their_mails(
        self, campaign: int, part: list[NewDelivery], named: set[str], corrected: set[str], newest: int
    ) -> list[NewDelivery]:
        """A copy comes with its recipient or not at all: of a mail that the campaign has already, and that may have
        been sent, nobody gets one afterwards.
        """
        had = self._connection.execute(SQL["had_before"], (json.dumps(list(named)), campaign, newest))
        without = {key for (key,) in had} | corrected
        return [item for item in part if not item.copy_of or item.copy_of[0] not in without]

    def _many(self, campaign: int, part: list[NewDelivery], scopes: Sequence[str], now: float) -> int:
        """Add mails; how many were new."""
        said = sqlite_suppression.said_of_new(self._connection, part, scopes)
        reasons = [reason or item.suppressed for item, reason in zip(part, said, strict=True)]
        fresh = [item for item, reason in zip(part, reasons, strict=True) if not reason]
        added = self._add(campaign, fresh, [""] * len(fresh), DeliveryState.QUEUED, now)
        if len(fresh) < len(part):
            left_out = [item for item, reason in zip(part, reasons, strict=True) if reason]
            added += self._add(campaign, left_out, list(filter(None, reasons)), DeliveryState.SUPPRESSED, now)
        return added

    def _add(
        self, campaign: int, deliveries: list[NewDelivery], reasons: list[str], state: DeliveryState, now: float
    ) -> int:
        edition = self._connection.execute(SQL["newest_edition"], (campaign,)).get
        rows = [
            (
                campaign,
                item.key,
                item.row,
                item.address,
                cells_text(item.fields),
                state,
                reason,
                now,
                edition,
                rows_text(item.more) if item.more else None,
                files_text(item.files) if item.files else "",
                copy_text(item.copy_of) if item.copy_of else "",
                item.bound,
                item.due_at,
            )
            for item, reason in zip(deliveries, reasons, strict=True)
        ]
        before = self._connection.total_changes()
        self._connection.executemany(SQL["insert_delivery"], rows)
        added = self._connection.total_changes() - before
        if added:
            self._connection.execute(SQL["add_to_counter"], (campaign, state, added))
        return added

    async def add_intake(self, campaign: int, rows: Iterable[IntakeRow]) -> None:
        bindings = [(campaign, row.line, row.row, row.kind, row.reason, row.text) for row in rows]
        with transaction(self._connection, self._path):
            self._connection.executemany(SQL["insert_intake"], bindings)

    async def go_live(
        self,
        campaign: int,
        *,
        actor: str,
        now: float,
        start_at: float | None = None,
        notices: Sequence[NewNotice] = (),
    ) -> None:
        with transaction(self._connection, self._path):
            taken = self._connection.execute(SQL["occurrence_of"], (campaign,)).fetchone()
            if taken is not None:
                raise OccurrenceTaken(*taken)
            self._require_wanted(campaign)
            self._connection.execute(SQL["go_live"], {"campaign": campaign, "start_at": start_at, "now": now})
            if self._connection.changes() != 1:
                raise OutboxError(f"The campaign {campaign} is not a draft any more", detail=str(self._path))
            detail = "" if start_at is None else json.dumps({"start_at": start_at})
            self._connection.execute(SQL["insert_event"], (campaign, now, actor, "launch", detail))
            put_notices(self._connection, campaign, notices)

    def _require_wanted(self, campaign: int) -> None:
        """What a person said of its recurrence while the campaign was made holds for it."""
        row = read_one(self._connection, "campaign_by_number", (campaign,))
        draft = None if row is None else campaign_from(row)
        recurrence = None if draft is None else recurrence_of(self._connection, draft.recurrence)
        if draft is None or recurrence is None:
            return
        if recurrence.state is not RecurrenceState.ACTIVE or recurrence.next_at != draft.occurrence_at:
            raise RecurrenceChanged(recurrence.id, recurrence.name)

    async def discard_draft(self, campaign: int, *, rows: int) -> bool:
        with transaction(self._connection, self._path):
            if self._connection.execute(SQL["is_draft"], (campaign,)).fetchone() is None:
                return True
            for some in ("discard_deliveries", "discard_intake"):
                self._connection.execute(SQL[some], (campaign, rows))
                if self._connection.changes() == rows:
                    return False
            for table in ("edition", "counter", "orders", "event", "snapshot", "carried", "notice"):
                self._connection.execute(f"DELETE FROM {table} WHERE campaign = ?", (campaign,))  # noqa: S608
            self._connection.execute(SQL["discard_draft"], (campaign,))
        return True

    async def order(
        self, campaign: int, kind: OrderKind, arguments: dict[str, object], *, actor: str, now: float
    ) -> int:
        with transaction(self._connection, self._path):
            order = self._connection.execute(
                SQL["insert_order"], (campaign, kind, json.dumps(arguments), actor, now)
            ).get
            self._connection.execute(
                SQL["insert_event"], (campaign, now, actor, f"order {kind}", json.dumps(arguments))
            )
        return int(order)

    async def suppress(self, entries: Iterable[NewSuppression], *, actor: str, now: float) -> int:
        with transaction(self._connection, self._path):
            return sqlite_suppression.insert(self._connection, entries, actor, now)

    async def unsuppress(self, keys: Sequence[str], scope: str, *, actor: str, now: float) -> int:
        with transaction(self._connection, self._path):
            return sqlite_suppression.delete(self._connection, keys, scope, actor, now)

    def close(self) -> None:
        self._connection.close()
