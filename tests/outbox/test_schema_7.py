"""S-11: an outbox from before there were schedules and meters goes on where it was: what was counted still counts."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from mailtui.outbox import sqlite_file
from mailtui.outbox.named_sql import migrations
from mailtui.outbox.opening import parse_outbox
from mailtui.outbox.records import Mark, Result
from mailtui.outbox.sqlite_file import open_for_writing
from mailtui.outbox.states import CampaignState, DeliveryState
from mailtui.outbox.timed_records import MeterRow, SentSlot
from tests.outbox.conftest import T0

_MINUTE = int(T0 // 60)
_BEFORE = f"""
INSERT INTO blob (digest, body) VALUES ('d', x'00');
INSERT INTO campaign (number, id, series, occurrence, name, state, message_digest, endpoint, plan, columns, source,
                      secret, created_at, launched_at, audience, resume_at)
VALUES (1, 'abc', 's', 1, 'Spring', 'running', 'd', '{{}}', '{{}}', '[]', 'x.csv', x'00', {T0}, {T0}, 4, NULL),
       (2, 'def', 's', 2, 'Spring', 'paused', 'd', '{{}}', '{{}}', '[]', 'x.csv', x'00', {T0}, {T0}, 0, {T0} + 500);
INSERT INTO edition (campaign, number, digest) VALUES (1, 1, 'd'), (2, 1, 'd');
INSERT INTO delivery (campaign, key, row, address, fields, state, due_at, attempts, lease_until, updated_at, account)
VALUES (1, 'a@example.com', 1, 'a@example.com', '[]', 'queued', 0, 0, NULL, {T0}, ''),
       (1, 'b@example.com', 2, 'b@example.com', '[]', 'deferred', {T0} + 60, 1, NULL, {T0}, ''),
       (1, 'c@example.com', 3, 'c@example.com', '[]', 'claimed', 0, 0, {T0} + 60, {T0}, ''),
       (1, 'd@example.com', 4, 'd@example.com', '[]', 'sent', 0, 1, NULL, {T0}, 'acme');
INSERT INTO counter (campaign, state, n) VALUES (1, 'queued', 1), (1, 'deferred', 1), (1, 'claimed', 1), (1, 'sent', 1);
INSERT INTO sent_minute (account, minute, n) VALUES ('acme', {_MINUTE}, 7), ('acme', {_MINUTE} - 2, 2),
                                                    ('backup', {_MINUTE} - 90, 1);
INSERT INTO orders (campaign, kind, actor, created_at) VALUES (2, 'resume', 'ann', {T0});
INSERT INTO account_rest (account, until, kind, reason, since) VALUES ('backup', {T0} + 900, 'quota', '454', {T0});
"""


async def test_s11_an_outbox_from_before_schedules_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o.db"
    with monkeypatch.context() as older:
        older.setattr(sqlite_file, "migrations", lambda kind: migrations(kind)[:6])
        connection = open_for_writing(path, busy_ms=5)
        connection.execute(_BEFORE)
        connection.close()
    outbox = parse_outbox(f"sqlite:///{path}")
    ledger, reader, desk = outbox.ledger(), outbox.reader(), outbox.desk()
    assert await ledger.sent_since(0) == [
        SentSlot("acme", (_MINUTE - 2) * 6 + 5, 2),
        SentSlot("acme", _MINUTE * 6 + 5, 7),
        SentSlot("backup", (_MINUTE - 90) * 6 + 5, 1),
    ], "at the end of their minute: rather for too long than too short"
    first, last = (_MINUTE - 2) * 60.0, _MINUTE * 60.0 + 59
    assert (await ledger.meters())[0] == MeterRow("acme", first_at=first, last_at=last)
    found = await ledger.recover(now=T0 + 30)
    assert (found.requeued, found.unknown) == (1, 0)
    campaign, paused = await reader.campaigns()
    assert (campaign.state, campaign.start_at, campaign.schedule, campaign.hooks) == ("running", None, "", "[]")
    assert [one.id for one in await ledger.to_resume()] == [paused.id] and await ledger.next_wake() == T0 + 500
    assert [order.kind for order in await ledger.open_orders()] == ["resume"]
    assert [rest.account for rest in await ledger.account_rests()] == ["backup"]
    assert [claim.row for claim in await ledger.claim(1, 9, now=T0 + 40, lease=60)] == [1, 3]
    await ledger.clock_moved(100.0)
    assert await ledger.next_due(1) == T0 + 160, "what waits for its next attempt is a pause, as it was"
    [retry] = await ledger.claim(1, 9, now=T0 + 161, lease=60)
    [held] = await ledger.commit([Mark(1, retry.id, retry.fence, "acme", ("acme",))], [], [], now=T0 + 161)
    assert held
    sent = Result(1, retry.id, retry.fence, DeliveryState.IN_FLIGHT, DeliveryState.SENT, 2)
    await ledger.commit([], [sent], [], now=T0 + 161)
    counts = await reader.counts(1)
    assert (counts.sent, counts.claimed, counts.open, counts.total) == (2, 2, 2, 4)
    await ledger.set_state(1, CampaignState.FINISHED, actor="runner", now=T0)
    assert await ledger.next_wake() == T0 + 600
    with apsw.Connection(str(path)) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'sent_minute'").get == 0
    for port in (ledger, reader, desk):
        port.close()
