"""Owns what others are told of a campaign: which events there are, who is told of which, and in what words.

What leaves the machine is written here, and nowhere else: no address of a recipient is in it, and no secret.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum

from mailtui.kit.addresses import without_addresses
from mailtui.kit.hidden import without_secrets
from mailtui.outbox.records import Campaign, Counts
from mailtui.outbox.states import CampaignState
from mailtui.outbox.timed_records import NewNotice


class Event(StrEnum):
    """What may be told of a campaign."""

    STARTED = "started"
    RESUMED = "resumed"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    FINISHED = "finished"
    MISSED = "missed"  # its time passed, and it did not begin


USUAL_EVENTS = (Event.FINISHED, Event.PAUSED, Event.CANCELLED, Event.MISSED)
"""What a webhook is told of that does not say."""

_RESTS = {
    CampaignState.PAUSED: Event.PAUSED,
    CampaignState.CANCELLED: Event.CANCELLED,
    CampaignState.FINISHED: Event.FINISHED,
}


@dataclass(frozen=True, slots=True)
class Hook:
    """Somebody who is told by a webhook: its name in the settings, the server it is at (no path: that may be secret),
    and of which events.
    """

    name: str
    at: str
    events: tuple[str, ...] = USUAL_EVENTS


@dataclass(frozen=True, slots=True)
class Happening:
    """A campaign that changes: `campaign` as it was, and what it is from now on; `at` and `resume_at` in epoch seconds.

    `held`: nobody asked for it. `counts` are those of this moment.
    """

    event: Event
    at: float
    campaign: Campaign
    state: CampaignState
    counts: Counts
    reason: str = ""
    held: bool = False
    resume_at: float | None = None


def event_of(campaign: Campaign, state: CampaignState) -> Event | None:
    """What is told when a campaign changes to a state; None where that is on the way to another one, or none."""
    if state is CampaignState.RUNNING and campaign.state is not CampaignState.RUNNING:
        return Event.STARTED if campaign.first_claim_at is None else Event.RESUMED
    return _RESTS.get(state) if state is not campaign.state else None


def hooks_to_json(hooks: Iterable[Hook]) -> str:
    """Who is told, as it is on record with a campaign."""
    return json.dumps([asdict(hook) for hook in hooks])


def hooks_from_json(text: str) -> tuple[Hook, ...]:
    """Who is told; what `hooks_to_json` wrote."""
    return tuple(Hook(raw["name"], raw["at"], tuple(raw["events"])) for raw in json.loads(text))


def notices_of(happening: Happening) -> list[NewNotice]:
    """What is to be told of it, one for each webhook of the campaign that wants to know."""
    return _notices(
        hooks_from_json(happening.campaign.hooks), happening.event, happening.at, _campaign_facts(happening)
    )


def notices_of_recurrence(
    hooks: str, *, recurrence: str, name: str, reason: str, at: float, was_due: float
) -> list[NewNotice]:
    """What is told where a recurring campaign did not begin at its time: there is no campaign to tell of."""
    facts: dict[str, object] = {
        "recurrence": recurrence,
        "name": harmless(name),
        "reason": harmless(reason),
        "due": _time(was_due),
    }
    return _notices(hooks_from_json(hooks), Event.MISSED, at, facts)


def trial_body(at: float) -> str:
    """What is posted to see whether a webhook works."""
    return _body("mailtui.test", at, {"reason": "This is a test; nothing happened."})


def _notices(hooks: Sequence[Hook], event: Event, at: float, facts: dict[str, object]) -> list[NewNotice]:
    if not hooks:
        return []
    body = _body(f"campaign.{event}", at, {"event": event, **facts})
    return [NewNotice(uuid.uuid4().hex, event, at, body, hook.name) for hook in hooks if event in hook.events]


def _campaign_facts(happening: Happening) -> dict[str, object]:
    campaign, counts = happening.campaign, happening.counts
    started = campaign.launched_at or (happening.at if happening.event is Event.STARTED else None)
    return {
        "campaign": campaign.id,
        "name": harmless(campaign.name),
        "state": happening.state,
        "reason": harmless(happening.reason),
        "held": happening.held,
        "audience": counts.total,
        "counts": asdict(counts),
        "launched": _time(started),
        "first_mail": _time(campaign.first_claim_at),
        "last_result": _time(campaign.settled_at),
        "resumes": _time(happening.resume_at),
    }


def _body(kind: str, at: float, facts: dict[str, object]) -> str:
    """One line of JSON in ASCII, as Standard Webhooks want it: `type`, `timestamp`, `data`."""
    return json.dumps({"type": kind, "timestamp": _time(at), "data": facts}, separators=(",", ":"))


def _time(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def harmless(text: str) -> str:
    """A text without secrets and addresses, of which a server's words may have some: their domains alone stay."""
    return without_addresses(without_secrets(text))
