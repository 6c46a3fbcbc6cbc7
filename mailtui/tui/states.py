"""Owns how states look: a word, a symbol and a colour each, so that none of the three is needed alone.

Symbols are ASCII, Latin-1 or box drawing, which every terminal draws one cell wide.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from textual.content import Content

from mailtui.service.views import CampaignView
from mailtui.tui.text import joined, plain


@dataclass(frozen=True, slots=True)
class Look:
    """One state as it is shown; `style` is made of theme variables."""

    symbol: str
    word: str
    style: str

    @property
    def content(self) -> Content:
        return plain(f"{self.symbol} {self.word}", self.style)


_ALWAYS = ("sent", "failed", "unknown")
LOST = Look("!", "lost", "bold $text-error")
STUCK = Look("!", "stuck", "bold $text-warning")

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
    """How a campaign stands: lost and stuck are derived, everything else is recorded."""
    return LOST if view.lost else STUCK if view.silence else CAMPAIGNS[view.state]


def count_content(state: str, count: int) -> Content:
    """A count of a state; nothing to see in grey."""
    look = DELIVERIES[state]
    return plain(f"{look.symbol} {count:,} {look.word}", look.style if count else "$text-muted")


def resumable(view: CampaignView) -> bool:
    """Whether going on with it would do something."""
    return view.lost or view.state == "paused"


def at_rest(view: CampaignView) -> bool:
    """Whether nothing of it is under way, and nobody waits for somebody to go on with it."""
    return not (view.active or resumable(view))


def going_on(view: CampaignView) -> str:
    """How to go on with what has come to a halt, for rooms that cannot do it; empty where there is nothing to do."""
    if not resumable(view):
        return ""
    if view.resumes:
        return f"It is paused, and {view.resumes}; 7 shows it."
    halted = "No process sends it any more" if view.lost else "It is paused"
    return f"{halted}; to go on: 7, then r."


def is_live(view: CampaignView) -> bool:
    """Whether its runner says right now what it is doing; that of a lost or stuck one was true a moment ago."""
    return view.live is not None and not view.lost and not view.silence


def last_heard(view: CampaignView) -> str:
    """The time of day at which its runner last said something."""
    at = view.snapshot.at if view.snapshot is not None else view.campaign.launched_at
    return time.strftime("%H:%M:%S", time.localtime(at)) if at is not None else "never"


def totals_content(view: CampaignView, width: int) -> Content:
    """The counts of all states that matter, in lines of at most `width` cells; what is to come begins one of its own
    where not all fit into the first.
    """
    counts = asdict(view.counts)
    waiting, in_flight = counts.pop("queued") + counts.pop("claimed"), counts.pop("in_flight")
    settled = [count_content(name, count) for name, count in counts.items() if count or name in _ALWAYS]
    to_come = [plain(f"· {waiting:,} waiting", "$text-muted"), count_content("in_flight", in_flight)]
    if not (waiting or in_flight or view.active):
        to_come = []
    parts = [*settled, *to_come]
    if sum(part.cell_length + 2 for part in parts) - 2 <= width:
        return joined(*parts, separator="  ")
    return joined(*_lines(settled, width), *_lines(to_come, width), separator="\n")


def _lines(parts: Iterable[Content], width: int) -> list[Content]:
    """Parts beside one another, in lines of at most `width` cells."""
    lines: list[Content] = []
    for part in parts:
        longer = joined(lines[-1], part, separator="  ") if lines else part
        if lines and longer.cell_length <= width:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def failure_content(state: str, code: int | None, text: str, count: int) -> Content:
    """One reason why mails did not arrive, and how many it was."""
    look = DELIVERIES[state]
    said = f"{code} {text}" if code is not None else text
    return joined(plain(f"{look.symbol} {count:,} {look.word}: ", look.style), plain(said, limit=200))


def told_lines(view: CampaignView) -> list[Content]:
    """Who was told by a webhook what became of it, a line for the last thing that each was told."""
    last = {telling.webhook: telling for telling in view.told}
    return [
        plain(
            f"webhook {name}: {telling.line(runner=view.runner is not None)}",
            "$text-warning" if telling.waits or telling.given_up else "$text-muted",
            limit=160,
        )
        for name, telling in sorted(last.items())
    ]
