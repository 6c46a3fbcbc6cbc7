"""Owns what people's orders change in an SQLite outbox: reading and answering them, and the moves that only an order
can cause. The runner calls it, inside its own transactions.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import apsw

from mailtui.audience.address import is_address, parse_address
from mailtui.outbox.copies import copies_of, copy_from, copy_key, copy_text
from mailtui.outbox.named_sql import statements
from mailtui.outbox.records import Order, Redo, Step
from mailtui.outbox.sqlite_moves import Deltas, add_to_counters
from mailtui.outbox.sqlite_suppression import settle_among
from mailtui.outbox.states import ORDERED_MOVES, Decision, DeliveryState, OrderKind

SQL = statements("sqlite", "orders")


def open_orders(connection: apsw.Connection) -> list[Order]:
    """Orders that are not carried out to their end, the oldest first."""
    rows: Any = connection.execute(SQL["open_orders"]).fetchall()
    return [
        Order(id_, campaign, OrderKind(kind), json.loads(arguments), actor, given_at, bool(answered))
        for id_, campaign, kind, arguments, actor, given_at, answered in rows
    ]


def redo(connection: apsw.Connection, order: Order, what: Redo, limit: int, now: float) -> Step:
    """Move the next deliveries; how far the order has come is kept in the same transaction."""
    for before in what.before:
        if (before, what.after) not in ORDERED_MOVES:
            raise ValueError(f"no order moves a delivery from {before} to {what.after}")
    progress: Any = connection.execute(SQL["progress"], (order.id,)).fetchone()
    reached, moved = progress
    one = what.delivery
    if one is not None and one == reached:
        return Step(moved, done=True)  # carried out before its runner died
    ids = [one] if one is not None else _next(connection, order, what, limit, reached, now)
    found = _states(connection, order.campaign, ids, what.before)
    if found and one is not None and what.address and not _correct(connection, order, one, what.address, now):
        return Step(0, done=True, taken=True)
    left_out = _move(connection, order, what.after, found, now) if found else 0
    moved += len(found)
    done = one is not None or len(ids) < limit
    connection.execute(SQL["advance"], (ids[-1] if ids else reached, moved, order.id))
    if done:
        detail = json.dumps({"from": what.before, "to": what.after, "deliveries": moved})
        connection.execute(SQL["insert_event"], (order.campaign, now, order.actor, order.kind, detail))
    return Step(moved, done, left_out=left_out)


def _move(
    connection: apsw.Connection, order: Order, after: DeliveryState, found: dict[int, DeliveryState], now: float
) -> int:
    """Move them; how many of those to be sent again are on the suppression list, and so get nothing after all."""
    ids = json.dumps(list(found))
    if after is DeliveryState.QUEUED:
        decision, reason = Decision.RESEND, f"to be sent again, said {order.actor}"
        connection.execute(SQL["queue_again"], {"ids": ids, "now": now, "reason": reason})
    else:
        decision, reason = Decision.SENT, f"it arrived, said {order.actor}"
        connection.execute(SQL["call_sent"], {"ids": ids, "now": now, "reason": reason})
    connection.executemany(
        SQL["insert_resolution"],
        [(id_, now, order.actor, decision) for id_, state in found.items() if state is DeliveryState.UNKNOWN],
    )
    deltas: Deltas = Counter({(order.campaign, after): len(found)})
    deltas.subtract((order.campaign, state) for state in found.values())
    left_out: set[int] = set()
    if after is DeliveryState.QUEUED:
        left_out = settle_among(connection, order.campaign, list(found), deltas, now)
    add_to_counters(connection, deltas)
    return len(left_out)


def _next(connection: apsw.Connection, order: Order, what: Redo, limit: int, after: int, now: float) -> list[int]:
    """The next ids in their order, over all the states that are meant, none changed since the order was given.

    One that changed later than now did so before somebody put the clock back.
    """
    bindings = {"campaign": order.campaign, "after": after, "until": order.given_at, "now": now, "limit": limit}
    rows: list[Any] = [
        row[0]
        for state in what.before
        for row in connection.execute(SQL["waiting_for_redo"], bindings | {"state": state})
    ]
    return sorted(rows)[:limit]


def _states(
    connection: apsw.Connection, campaign: int, ids: list[int], states: tuple[DeliveryState, ...]
) -> dict[int, DeliveryState]:
    bindings = {"ids": json.dumps(ids), "campaign": campaign, "states": json.dumps(states)}
    rows: Any = connection.execute(SQL["states_of"], bindings)
    return {id_: DeliveryState(state) for id_, state in rows}


def _correct(connection: apsw.Connection, order: Order, delivery: int, address: str, now: float) -> bool:
    """Put another address in place of a delivery's, in its fields too; False when the campaign has it already."""
    key = own = parse_address(address).key
    row: Any = connection.execute(SQL["to_correct"], (delivery,)).fetchone()
    was_key, number, was, fields, copied = row
    copy_of = copy_from(copied)
    if copy_of is not None:
        key = copy_key(copy_of[0], own)
    if key != was_key:
        # Nor does anybody get a mail twice who has it as a copy, or copies it.
        others = (key, copy_key(was_key, own)) if copy_of is None else (key,)
        takes = [connection.execute(SQL["takes_key"], (order.campaign, one, delivery)).fetchone() for one in others]
        if any(takes) or (copy_of is not None and own == copy_of[0]):
            return False
        connection.execute(SQL["insert_correction"], (order.campaign, key, delivery, now, order.actor, was))
    if copy_of is None:
        cells = [address if _is(cell, was) else cell for cell in json.loads(fields)]
        fields = json.dumps(cells, ensure_ascii=False, separators=(",", ":"))
        first, behind = copies_of(was_key)
        shown = copy_text((was_key, address))
        bindings = {"campaign": order.campaign, "first": first, "behind": behind, "copy_of": shown, "fields": fields}
        connection.execute(SQL["correct_copies"], bindings)
    connection.execute(SQL["correct"], (address, fields, delivery))
    detail = json.dumps({"delivery": delivery, "row": number, "was": was, "is": address}, ensure_ascii=False)
    connection.execute(SQL["insert_event"], (order.campaign, now, order.actor, "address", detail))
    return True


def _is(cell: str, address: str) -> bool:
    """Whether a cell of the list says this address, however it is written there."""
    return cell == address or (is_address(cell) and parse_address(cell).text == address)
