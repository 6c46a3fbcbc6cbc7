"""Owns the states of deliveries and campaigns, and which moves between them exist."""

from __future__ import annotations

from enum import StrEnum


class DeliveryState(StrEnum):
    """Where one recipient's mail stands. The counts over all states always add up to the audience."""

    QUEUED = "queued"
    CLAIMED = "claimed"  # a runner holds it; its last bytes have not been written
    IN_FLIGHT = "in_flight"  # durably marked: its last bytes may have been written
    SENT = "sent"
    FAILED = "failed"
    DEFERRED = "deferred"  # tried, to be tried again at due_at
    UNKNOWN = "unknown"  # the reply to its last bytes was lost; never sent again by itself
    SUPPRESSED = "suppressed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN_STATES = frozenset({DeliveryState.QUEUED, DeliveryState.CLAIMED, DeliveryState.IN_FLIGHT, DeliveryState.DEFERRED})
"""A campaign with a delivery in one of these is not finished."""

MOVES: frozenset[tuple[DeliveryState, DeliveryState]] = frozenset(
    {
        (DeliveryState.QUEUED, DeliveryState.CLAIMED),
        (DeliveryState.DEFERRED, DeliveryState.CLAIMED),
        (DeliveryState.QUEUED, DeliveryState.CANCELLED),
        (DeliveryState.DEFERRED, DeliveryState.CANCELLED),
        (DeliveryState.CLAIMED, DeliveryState.CANCELLED),
        # Its own time passed while nobody was there to send it.
        (DeliveryState.QUEUED, DeliveryState.EXPIRED),
        # Put on the suppression list after the launch.
        (DeliveryState.QUEUED, DeliveryState.SUPPRESSED),
        (DeliveryState.CLAIMED, DeliveryState.SUPPRESSED),
        # Cancelled before its second copy was sent: the first may have arrived.
        (DeliveryState.QUEUED, DeliveryState.UNKNOWN),
        (DeliveryState.DEFERRED, DeliveryState.UNKNOWN),
        (DeliveryState.CLAIMED, DeliveryState.UNKNOWN),
        (DeliveryState.CLAIMED, DeliveryState.QUEUED),
        (DeliveryState.CLAIMED, DeliveryState.DEFERRED),
        (DeliveryState.CLAIMED, DeliveryState.FAILED),
        (DeliveryState.CLAIMED, DeliveryState.IN_FLIGHT),
        (DeliveryState.IN_FLIGHT, DeliveryState.SENT),
        (DeliveryState.IN_FLIGHT, DeliveryState.FAILED),
        (DeliveryState.IN_FLIGHT, DeliveryState.DEFERRED),
        (DeliveryState.IN_FLIGHT, DeliveryState.QUEUED),  # the dot was held apart and never written
        (DeliveryState.IN_FLIGHT, DeliveryState.UNKNOWN),
    }
)
"""Every move a runner records by itself."""

ORDERED_MOVES: frozenset[tuple[DeliveryState, DeliveryState]] = frozenset(
    {
        (DeliveryState.UNKNOWN, DeliveryState.SENT),
        (DeliveryState.UNKNOWN, DeliveryState.QUEUED),
        (DeliveryState.FAILED, DeliveryState.QUEUED),
        (DeliveryState.DEFERRED, DeliveryState.QUEUED),
    }
)
"""Every move that only a person's order can cause."""


class CampaignState(StrEnum):
    """Where a campaign stands. `lost` (running, but no runner alive) is derived, never stored."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    FINISHED = "finished"


ACTIVE_CAMPAIGNS = frozenset({CampaignState.RUNNING, CampaignState.PAUSING, CampaignState.CANCELLING})
"""Campaigns that keep a runner busy."""

SETTLED_CAMPAIGNS = frozenset({CampaignState.PAUSED, CampaignState.CANCELLED, CampaignState.FINISHED})
"""Campaigns that move only when a person says so."""


class OrderKind(StrEnum):
    """What a face may ask a runner to do with a campaign."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    SET = "set"
    TOP_UP = "top_up"  # recipients were added: go on, also when finished
    RETRY = "retry"  # try again what failed or waits for its next attempt; one recipient perhaps at another address
    RESOLVE = "resolve"  # settle what is unknown: it arrived, or is to be sent again
    SCHEDULE = "schedule"  # begin at another time


class RestKind(StrEnum):
    """Why nothing is sent through an account for now."""

    QUOTA = "quota"  # the server says that its limit is reached
    LOGIN = "login"  # the server puts the login off
    REFUSED = "refused"  # login, TLS or the account itself: a person has to see to it


class RecurrenceState(StrEnum):
    """Where a recurrence stands."""

    ACTIVE = "active"
    PAUSED = "paused"  # a person said so, or wants to be asked
    ENDED = "ended"  # nothing comes of it any more


class NoticeState(StrEnum):
    """What became of a notice."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Decision(StrEnum):
    """What a person says about a delivery whose outcome is unknown."""

    SENT = "sent"
    RESEND = "resend"
