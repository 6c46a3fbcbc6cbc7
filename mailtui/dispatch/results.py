"""Owns how what became of a claim is put on record.

Only that a message was accepted is written by the worker itself: it is the usual case, and a call counts there.
"""

from __future__ import annotations

from mailtui.outbox.records import Claim, Result
from mailtui.outbox.states import DeliveryState
from mailtui.smtp.verdict import Verdict

REPLY_LIMIT = 500  # characters of a server's text that are kept


def refused(
    claim: Claim,
    before: DeliveryState,
    after: DeliveryState,
    verdict: Verdict,
    *,
    attempt: bool,
    due_at: float,
    reason: str,
) -> Result:
    """A verdict other than that the message was accepted. `attempt`: whether it counts as one; `due_at` (epoch
    seconds) is that of the next.
    """
    return Result(
        claim.campaign,
        claim.id,
        claim.fence,
        before,
        after,
        claim.attempts + attempt,
        attempt,
        due_at,
        reason,
        verdict.stage,
        verdict.code,
        verdict.enhanced,
        verdict.text[:REPLY_LIMIT],
    )


def in_doubt(claim: Claim, verdict: Verdict) -> Result:
    """The message was written to its end, and the connection broke before the reply."""
    return Result(
        claim.campaign,
        claim.id,
        claim.fence,
        DeliveryState.IN_FLIGHT,
        DeliveryState.UNKNOWN,
        claim.attempts + 1,
        reason=f"the reply to the message was lost: {verdict.text[:REPLY_LIMIT]}",
        stage=verdict.stage,
    )


def requeued(claim: Claim, before: DeliveryState) -> Result:
    """Back into the queue, which is no attempt."""
    return Result(
        claim.campaign, claim.id, claim.fence, before, DeliveryState.QUEUED, attempts=claim.attempts, attempt=False
    )


def not_rendered(claim: Claim, reason: str) -> Result:
    """There is no message for this recipient, or none that the server would take."""
    return Result(
        claim.campaign,
        claim.id,
        claim.fence,
        DeliveryState.CLAIMED,
        DeliveryState.FAILED,
        attempts=claim.attempts,
        reason=reason,
        stage="render",
    )


def put_off(claim: Claim, due_at: float | None, reason: str) -> Result:
    """Not tried now, for the domain or the account rests; `due_at` in epoch seconds, None to give it up."""
    return Result(
        claim.campaign,
        claim.id,
        claim.fence,
        DeliveryState.CLAIMED,
        DeliveryState.FAILED if due_at is None else DeliveryState.DEFERRED,
        attempts=claim.attempts,
        attempt=False,
        due_at=due_at or 0.0,
        reason=reason,
    )
