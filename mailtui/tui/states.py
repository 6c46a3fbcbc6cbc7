"""Owns how states look: a word, a symbol and a colour each, so that none of the three is needed alone.

Symbols are ASCII, Latin-1 or box drawing, which every terminal draws one cell wide.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from textual.content import Content

from mailtui.service.views import CampaignView
from mailtui.tui.text import plain


@dataclass(frozen=True, slots=True)
class Look:
    """One state as it is shown; `style` is made of theme variables."""

    symbol: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        return plain(f"{self.symbol} {self.word}", self.style)


LOST = Look("!", "lost", "bold $text-error")

CAMPAIGNS: Mapping[str, Look] = {
    "draft": Look("·", "draft", "$text-muted"),
    "scheduled": Look("@", "scheduled", "$text-accent"),
    "running": Look("»", "sending", "bold $text-accent"),
    "pausing": Look("║", "pausing", "bold $text-warning"),
    "paused": Look("║", "paused", "bold $text-warning"),
    "cancelling": Look("×", "cancelling", "$text-warning"),
    "cancelled": Look("×", "cancelled", "$text-muted"),
    "finished": Look("+", "finished", "bold $text-success"),
}

DELIVERIES: Mapping[str, Look] = {
    "queued": Look("·", "queued", "$text-muted"),
    "claimed": Look("»", "claimed", "$text-muted"),
    "in_flight": Look("»", "in flight", "$text-accent"),
    "sent": Look("+", "sent", "$text-success"),
    "failed": Look("×", "failed", "$text-error"),
    "deferred": Look("~", "deferred", "$text-warning"),
    "unknown": Look("?", "unknown", "bold $text-warning"),
    "suppressed": Look("-", "suppressed", "$text-muted"),
    "skipped": Look("-", "skipped", "$text-muted"),
    "cancelled": Look("×", "cancelled", "$text-muted"),
    "expired": Look("°", "expired", "$text-error"),
}


def campaign_look(view: CampaignView) -> Look:
    """How a campaign stands: lost is derived, everything else is recorded."""
    return LOST if view.lost else CAMPAIGNS[view.state]


def count_content(state: str, count: int) -> Content:
    """A count of a state; nothing to see in grey."""
    look = DELIVERIES[state]
    return plain(f"{look.symbol} {count:,} {look.word}", look.style if count else "$text-muted")


def resumable(view: CampaignView) -> bool:
    """Whether going on with it would do something."""
    return view.lost or view.state == "paused"


def last_heard(view: CampaignView) -> str:
    """The time of day at which its runner last said something."""
    at = view.snapshot.at if view.snapshot is not None else view.campaign.launched_at
    return time.strftime("%H:%M:%S", time.localtime(at)) if at is not None else "never"
