"""Owns what becomes of a time that passed while nobody could act on it: how late it is, which of several counts, and
what a person reads.

Nothing is late for what a runner has to do itself: a recurring campaign whose list takes an hour to read, or whose turn
comes behind others, was due to one that was there.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailtui.dispatch.attention import Attention
from mailtui.kit.durations import countdown
from mailtui.outbox.records import Campaign
from mailtui.outbox.timed_records import Recurrence
from mailtui.schedule.missed import Decision, decide_missed
from mailtui.schedule.recurring import next_after
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.words import show_moment

_CLOSEST = 1.0  # seconds; no two times of a schedule are as close
SKIP_MISSED = "--skip-missed"
"""In the reason of a campaign that waits for a person to say what becomes of recipients whose own times passed."""
_LEFT_OUT = "it was left out, as its schedule says of missed times"


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done about a scheduled campaign whose time has come: begun, left out, or asked about. `reason`
    says why it does not begin.
    """

    decision: Decision
    late: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """A recurring campaign whose time has come: `at` is the one that counts, `when` the same for people, and `next_at`
    the one after it (epoch seconds; None for none). `skipped`: why nothing is sent for it.
    """

    schedule: Schedule
    at: float
    when: str
    next_at: float | None
    skipped: str


def due_of(campaign: Campaign, now: float, attention: Attention) -> Due:
    """What becomes of a scheduled campaign. Raises ValueError for a schedule that cannot be read."""
    assert campaign.start_at is not None
    schedule = Schedule.from_json(campaign.schedule)
    late = lateness(campaign, now, attention)
    decision = decide_missed(schedule, campaign.start_at, campaign.start_at + late)
    if decision is Decision.SEND:
        return Due(decision, late)
    was_due = _was_due(campaign.start_at, schedule.timezone, now, attention)
    if decision is Decision.ASK:
        go_on = f"mailtui resume {campaign.id}"
        some = f"; leave out whose time has passed: {go_on} {SKIP_MISSED}" if schedule.has_own_times else ""
        return Due(decision, late, f"{was_due}; send it now: {go_on}{some}")
    return Due(decision, late, f"{was_due}; {_LEFT_OUT}")


def turn_of(recurrence: Recurrence, now: float, attention: Attention) -> Turn:
    """What becomes of a recurring campaign that is due. Raises ValueError for a schedule that cannot be read."""
    assert recurrence.next_at is not None
    schedule = Schedule.from_json(recurrence.schedule)
    zone, at = schedule.timezone, last_due(schedule, recurrence.next_at, now)
    following = next_after(schedule, at)
    skips = decide_missed(schedule, at, max(at, attention.since)) is Decision.SKIP
    skipped = f"{_was_due(at, zone, now, attention)}; {_LEFT_OUT}" if skips else ""
    return Turn(schedule, at, show_moment(at, zone), following.at if following is not None else None, skipped)


def lateness(campaign: Campaign, now: float, attention: Attention) -> float:
    """By how many seconds a scheduled campaign would begin too late for want of a runner; 0.0 in time.

    The time that its launch took does not count: writing a long list for nine o'clock is begun before nine, or, where
    it is a time of a recurring one, by the runner at nine.
    """
    assert campaign.start_at is not None
    if campaign.recurrence and campaign.start_at == campaign.occurrence_at:
        return max(0.0, attention.since - campaign.start_at)
    launched_at = campaign.launched_at if campaign.launched_at is not None else campaign.created_at
    return max(0.0, now - max(campaign.start_at, launched_at))


def last_due(schedule: Schedule, due: float, now: float) -> float:
    """The last of the times of a schedule from `due`, which is one of them, up to `now`.

    Halved again and again between both: a line of cron may have had a million times by then.
    """
    last, none_after = due, now
    while none_after - last > _CLOSEST:
        middle = (last + none_after) / 2
        found = next_after(schedule, middle)
        if found is not None and found.at <= now:
            last = found.at
        else:
            none_after = middle
    return last


def _was_due(at: float, zone: str, now: float, attention: Attention) -> str:
    return f"it was due at {show_moment(at, zone or 'UTC')}, {countdown(now - at)} ago, and {attention.why(at)}"
