"""Owns what an SQLite outbox has about accounts: how many mails each has sent in which minute, and which rest.

Everything here runs inside a transaction of the caller's, or only reads.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil
from typing import Any

import apsw

from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import AccountRest, Mark, Result, SentMinute
from mailtui.outbox.states import DeliveryState, RestKind

SQL = statements("sqlite", "accounts")
MINUTE = 60.0
_LONGEST_REST = (24 * 60 + 1) * MINUTE  # seconds; a day's limit, counted by whole minutes
_KEPT = 2 * 24 * 60  # minutes; no limit counts over more than a day


def count_marks(connection: apsw.Connection, marks: Iterable[Mark], now: float) -> None:
    """Count these marks, which hold, as mails of their accounts in this minute."""
    minute = int(now // MINUTE)
    for account, number in Counter(mark.account for mark in marks if mark.account).items():
        connection.execute(SQL["count_sent"], (account, minute, number))


def count_carried(connection: apsw.Connection, results: Iterable[Result]) -> None:
    """Count those of these results that say that a server took the mail, by campaign and who carried it."""
    sent = [result.id for result in results if result.after is DeliveryState.SENT]
    if sent:
        for campaign, account, number in connection.execute(SQL["carriers_of"], (json.dumps(sent),)).fetchall():
            connection.execute(SQL["count_carried"], (campaign, account, number))


def carried(connection: apsw.Connection, campaign: int) -> dict[str, int]:
    """How many mails of a campaign were taken, by the account that carried them."""
    rows: Any = connection.execute(SQL["carried"], (campaign,)).fetchall()
    return dict(rows)


def sent_since(connection: apsw.Connection, since: float) -> list[SentMinute]:
    """What was counted in the minute of `since` (epoch seconds) and later."""
    rows: Any = connection.execute(SQL["sent_since"], (int(since // MINUTE),)).fetchall()
    return [SentMinute(*row) for row in rows]


def forget_old(connection: apsw.Connection, now: float) -> None:
    """Drop counts that no limit looks back to."""
    connection.execute(SQL["forget_sent"], (int(now // MINUTE) - _KEPT,))


def rest(connection: apsw.Connection, wanted: AccountRest) -> None:
    connection.execute(SQL["rest"], (wanted.account, wanted.until, wanted.kind, wanted.reason, wanted.since))


def rested(connection: apsw.Connection, account: str) -> None:
    connection.execute(SQL["rested"], (account,))


def rests(connection: apsw.Connection) -> list[AccountRest]:
    """Every account that rests, also those whose time has come meanwhile."""
    rows: Any = connection.execute(SQL["rests"]).fetchall()
    return [AccountRest(account, until, RestKind(kind), why, since) for account, until, kind, why, since in rows]


def in_time(connection: apsw.Connection, now: float) -> None:
    """Nothing has happened yet that is on record for later: the clock was put back while nobody looked. No limit is
    renewed by that, and nobody is kept waiting for years.
    """
    minute = int(now // MINUTE)
    connection.execute(SQL["sent_just_now"], {"minute": minute})
    connection.execute(SQL["forget_to_come"], {"minute": minute})
    connection.execute(SQL["rest_from_now"], {"now": now})
    connection.execute(SQL["resume_in_time"], {"now": now, "latest": now + _LONGEST_REST})


def move(connection: apsw.Connection, by: float) -> None:
    """The clock was put by so many seconds: so is all that was written down by it."""
    connection.execute(SQL["move_rests"], {"by": by})
    connection.execute(SQL["move_resumes"], {"by": by})
    minutes = ceil(by / MINUTE)  # rather counted for too long than forgotten too soon
    if minutes:
        rows: Sequence[Any] = connection.execute(SQL["all_sent"]).fetchall()
        connection.execute(SQL["forget_all_sent"])
        connection.executemany(SQL["count_sent"], [(account, minute + minutes, n) for account, minute, n in rows])
