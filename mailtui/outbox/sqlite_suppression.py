"""Owns the suppression list in an SQLite outbox: its entries, and whom of a campaign they keep from getting a mail.

An entry counts from the moment its transaction is over. Recipients are held against the list when they are added; an
entry that comes later is found at the claim, or, for what is claimed already, in the transaction that would mark it.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any

import apsw

from mailtui.outbox.copies import concerned, copy_from, said_of
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import NewDelivery, NewSuppression, Suppression
from mailtui.outbox.sqlite_moves import Deltas
from mailtui.outbox.states import DeliveryState
from mailtui.outbox.suppression import domain_key, folded, in_words, scopes_for

SQL = statements("sqlite", "suppression")
_FIRST_COPY = "; an earlier copy, whose outcome was unknown, may have arrived"


def insert(connection: apsw.Connection, entries: Iterable[NewSuppression], actor: str, now: float) -> int:
    """Add entries; how many were new."""
    before = connection.total_changes()
    rows = ((folded(entry.key), entry.scope, entry.reason, entry.source, actor, now) for entry in entries)
    connection.executemany(SQL["insert_suppression"], rows)
    return connection.total_changes() - before


def delete(connection: apsw.Connection, keys: Iterable[str], scope: str, actor: str, now: float) -> int:
    """Take entries away; how many there were. That it happened stays on record, with nobody's address."""
    connection.execute(SQL["delete_suppression"], (scope, json.dumps([folded(key) for key in keys])))
    gone = connection.changes()
    if gone:
        detail = json.dumps({"scope": scope, "entries": gone})
        connection.execute(SQL["insert_event"], (now, actor, "unsuppress", detail))
    return gone


def page(connection: apsw.Connection, scope: str | None, search: str, after: int, limit: int) -> list[Suppression]:
    """Entries above `after`, in the order of their ids."""
    bindings = {"scope": scope, "search": folded(search), "after": after, "limit": limit}
    rows: Any = connection.execute(SQL["page"], bindings)
    return [Suppression(*row) for row in rows]


def counts(connection: apsw.Connection) -> dict[str, int]:
    """How many entries each scope has."""
    rows: Any = connection.execute(SQL["counts"])
    return dict(rows)


def newest(connection: apsw.Connection) -> int:
    """The id of the newest entry, 0 when there is none. One look at the end of the table."""
    return int(connection.execute(SQL["newest"]).get or 0)


def reasons(
    connection: apsw.Connection, keys: Iterable[str], scopes: Sequence[str], *, after: int = 0
) -> dict[str, str]:
    """Which of these addresses are on the list, by entries with an id above `after`, and why."""
    used = _in_use(connection, scopes)
    if not used:
        return {}
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        small = folded(key)
        asked[small].append(key)
        asked[domain_key(small)].append(key)
    bindings = {"keys": json.dumps(list(asked)), "scopes": json.dumps(used), "after": after}
    found: dict[str, str] = {}
    rows: Any = connection.execute(SQL["among"], bindings)
    for entry, scope, reason, added_at in rows:
        why = in_words(entry, scope, reason, added_at)
        found.update(dict.fromkeys(asked[entry], why))
    return found


def _in_use(connection: apsw.Connection, scopes: Sequence[str]) -> list[str]:
    """Those of these scopes that somebody is in."""
    rows: Any = connection.execute(SQL["in_use"], (json.dumps(scopes),))
    return [scope for (scope,) in rows]


def said_of_new(connection: apsw.Connection, items: Sequence[NewDelivery], scopes: Sequence[str]) -> Iterable[str]:
    """Why each of these mails and copies, which are to be added, is not to be sent; empty where it is."""
    if not _in_use(connection, scopes):
        return repeat("", len(items))
    asked = [concerned(item.key, item.address, item.copy_of) for item in items]
    found = reasons(connection, set(chain.from_iterable(asked)), scopes)
    return [said_of(found, names) for names in asked]


def checked_to(connection: apsw.Connection, campaign: int) -> tuple[int, tuple[str, ...]]:
    """The newest entry that a campaign's waiting deliveries were held against, and the scopes that count for it."""
    row: Any = connection.execute(SQL["checked_to"], (campaign,)).fetchone()
    reached, list_name, id_ = row
    return reached, scopes_for(list_name, id_)


def settle_claimed(connection: apsw.Connection, after: int, deltas: Deltas, now: float) -> dict[int, set[int]]:
    """Settle what is claimed for people who were put on the list after an entry; which ones, by their campaign."""
    by_campaign: defaultdict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(SQL["claimed_now"]):
        by_campaign[row[0]].append(row)
    found = {
        campaign: settle(connection, rows, checked_to(connection, campaign)[1], after, deltas, now)
        for campaign, rows in by_campaign.items()
    }
    return {campaign: ids for campaign, ids in found.items() if ids}


def settle_among(
    connection: apsw.Connection, campaign: int, ids: Sequence[int], deltas: Deltas, now: float
) -> set[int]:
    """Settle those of these waiting deliveries whose people are on the list; which ones."""
    rows = connection.execute(SQL["to_check"], (json.dumps(ids),)).fetchall()
    return settle(connection, rows, checked_to(connection, campaign)[1], 0, deltas, now)


def settle(
    connection: apsw.Connection, rows: Sequence[Any], scopes: Sequence[str], after: int, deltas: Deltas, now: float
) -> set[int]:
    """Settle those whose people are on the list by entries with an id above `after`; which ones.

    A row is campaign, id, key, address, state, whether it repeats one that may have arrived, and of whose mail it is a
    copy, as the outbox keeps that.
    """
    asked = [concerned(row[2], row[3], copy_from(row[6])) for row in rows]
    found = reasons(connection, set(chain.from_iterable(asked)), scopes, after=after)
    taken = set()
    for (campaign, id_, _, _, state, is_repeated, _), names in zip(rows, asked, strict=True) if found else ():
        said = said_of(found, names)
        if not said:
            continue
        connection.execute(SQL["settle_suppressed"], (said + (_FIRST_COPY if is_repeated else ""), now, id_))
        deltas[campaign, DeliveryState(state)] -= 1
        deltas[campaign, DeliveryState.SUPPRESSED] += 1
        taken.add(id_)
    return taken
