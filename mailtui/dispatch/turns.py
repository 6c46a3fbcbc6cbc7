"""Owns which of a campaign's orders no longer stands because a later one says otherwise."""

from __future__ import annotations

from collections.abc import Iterable

from mailtui.dispatch.second_chance import NOT_NOW
from mailtui.outbox.records import Order
from mailtui.outbox.states import OrderKind

OVERTAKEN = f"a later order stops it, and it {NOT_NOW}"

_STOPS = frozenset({OrderKind.PAUSE, OrderKind.CANCEL})


def is_overtaken(order: Order, later: Iterable[Order]) -> bool:
    """Whether a resume that still waits for a pause to be complete was followed by the word to stop after all.

    A pause can take minutes, when a server lets a reply wait; the last word a person said is the one that counts.
    """
    if order.kind is not OrderKind.RESUME:
        return False
    return any(one.campaign == order.campaign and one.kind in _STOPS for one in later)
