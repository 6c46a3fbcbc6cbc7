"""Owns what an SQLite outbox has about accounts: how many mails of a campaign each has carried, and which rest.

Everything here runs inside a transaction of the caller's, or only reads.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import apsw

from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import AccountRest, Result
from mailtui.outbox.states import DeliveryState, RestKind

SQL = statements("sqlite", "accounts")
_LONGEST_REST = 25 * 3600.0  # seconds; a day's limit, and how coarsely it is counted


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


def rest(connection: apsw.Connection, wanted: AccountRest) -> None:
    connection.execute(SQL["rest"], (wanted.account, wanted.until, wanted.kind, wanted.reason, wanted.since))


def rested(connection: apsw.Connection, account: str) -> None:
    connection.execute(SQL["rested"], (account,))


def rests(connection: apsw.Connection) -> list[AccountRest]:
    """Every account that rests, also those whose time has come meanwhile."""
    rows: Any = connection.execute(SQL["rests"]).fetchall()
    return [AccountRest(account, until, RestKind(kind), why, since) for account, until, kind, why, since in rows]


def in_time(connection: apsw.Connection, now: float) -> None:
    """Nothing has happened yet that is on record for later: the clock was put back while nobody looked. Nobody is kept
    waiting for years by that.
    """
    connection.execute(SQL["rest_from_now"], {"now": now})
    connection.execute(SQL["resume_in_time"], {"now": now, "latest": now + _LONGEST_REST})


def move(connection: apsw.Connection, by: float) -> None:
    """The clock was put by so many seconds: so is all that was written down by it."""
    connection.execute(SQL["move_rests"], {"by": by})
    connection.execute(SQL["move_resumes"], {"by": by})
