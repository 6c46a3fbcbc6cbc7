"""Owns what an order to try again or to resolve means: which deliveries it moves, and what the person is told.

Nothing that failed, and above all nothing whose outcome is unknown, is ever sent again but by such an order.
"""

from __future__ import annotations

from mailtui.kit.words import counted
from mailtui.outbox.records import Campaign, Counts, Order, Redo, Step
from mailtui.outbox.states import CampaignState, Decision, DeliveryState, OrderKind

STEP = 250
"""Deliveries in one transaction: it lasts some milliseconds, and sessions are not kept waiting."""

NOT_NOW = "cannot be sent now"
REFUSED = "nothing was changed: "

_STOPPED = frozenset({CampaignState.CANCELLING, CampaignState.CANCELLED})
_RETRIED = {
    None: (DeliveryState.FAILED, DeliveryState.DEFERRED),
    "failed": (DeliveryState.FAILED,),
    "deferred": (DeliveryState.DEFERRED,),
}


def asked(order: Order) -> Redo | None:
    """The moves that a retry or resolve order asks for; None for every other order.

    A retry takes `only` (failed or deferred; both when left out), a resolve `as` (sent or resend); both `delivery`,
    for one alone, and a retry of one also `address`, to be used from now on.
    """
    given = order.arguments
    if order.kind is OrderKind.RETRY:
        before = _RETRIED[given.get("only")]
        return Redo(before, DeliveryState.QUEUED, given.get("delivery"), given.get("address") or "")
    if order.kind is OrderKind.RESOLVE:
        resend = Decision(given["as"]) is Decision.RESEND
        after = DeliveryState.QUEUED if resend else DeliveryState.SENT
        return Redo((DeliveryState.UNKNOWN,), after, given.get("delivery"))
    return None


def refusal(redo: Redo, campaign: Campaign) -> str:
    """Why nothing can be done about it; empty when it can."""
    if redo.after is DeliveryState.QUEUED and campaign.state in _STOPPED:
        return f"it is {campaign.state} and {NOT_NOW}"
    return ""


def begun(redo: Redo, counts: Counts, campaign: Campaign) -> str:
    """The answer to an order that takes many steps, with the counts from before its first."""
    number = sum(getattr(counts, state) for state in redo.before)
    return _said(redo, number, campaign)


def done(redo: Redo, step: Step, campaign: Campaign) -> str:
    """The answer to an order whose last step this was."""
    if step.taken:
        return f"{REFUSED}{redo.address} has a mail of its own in this campaign"
    if not step.moved:
        return f"nobody is {' or '.join(redo.before)}"
    return _said(redo, step.moved, campaign, left_out=step.left_out)


def _said(redo: Redo, number: int, campaign: Campaign, *, left_out: int = 0) -> str:
    if redo.after is DeliveryState.SENT:
        return f"{counted(number, 'mail')} settled as sent"
    again = f"{counted(number - left_out, 'mail')} to be sent again"
    suppressed = f"; {left_out:,} on the suppression list, where nothing is sent" if left_out else ""
    resting = campaign.state in (CampaignState.PAUSED, CampaignState.PAUSING)
    return again + suppressed + ("; it stays paused until you resume it" if resting and left_out < number else "")
