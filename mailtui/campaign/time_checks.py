"""Owns what is said of a campaign's time and pace before anything is sent: a time that has passed, what clock changes
do to those that come, and how long limits make it take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.due_times import has_passed, says_anything, settled
from mailtui.campaign.takes import Takes, named_domains, takes
from mailtui.dispatch.members import Member
from mailtui.kit.durations import show_duration
from mailtui.kit.words import counted
from mailtui.message.preflight import Finding
from mailtui.schedule.recurring import upcoming
from mailtui.schedule.schedule import Schedule

_LOOK_AHEAD = 50
"""Times of a recurring campaign that are looked at: a year of weeks, and two clock changes with it."""
_LONG = 86_400.0
_WORTH_SAYING = 600.0


def schedule_findings(campaign: Campaign, now: float) -> Iterator[Finding]:
    """What there is to say of when it goes."""
    schedule = settled(campaign.schedule, now)
    if not says_anything(schedule):
        return
    place = campaign.document.place(("schedule",))
    if passed := has_passed(schedule, now):
        hint = "Say another time: schedule: at, or --at when it is run; --at now sends it at once."
        yield Finding("warning", "time-passed", f"{passed[:1].lower()}{passed[1:]}", place=place, hint=hint)
        return
    if not campaign.schedule.timezone:
        message = f"no time zone is said: its times are those of {schedule.timezone}, this machine's"
        yield Finding("note", "machine-zone", message, place=place, hint="Write timezone: into schedule:.")
    notes = dict.fromkeys(moment.said for moment in upcoming(schedule, now, _LOOK_AHEAD) if moment.said)
    for note in notes:
        yield Finding("note", "clock-change", note, place=place)


def pace_findings(
    campaign: Campaign, members: Sequence[Member], recipients: Iterable[Recipient], mails: int
) -> Iterator[Finding]:
    """How long it takes at the least, where that is long enough to be of interest."""
    plan = campaign.spec.dispatch.plan()
    named, to_domains = named_domains(members, plan), Counter[str]()
    if named:
        to_domains.update(domain for one in recipients if (domain := one.key.rpartition("@")[2]) in named)
    least = within_hours(takes(members, plan, mails, to_domains, datetime.now().astimezone()), campaign.schedule)
    if least is None or least.seconds < _WORTH_SAYING:
        return
    message = f"{counted(mails, 'mail')} take at least {show_duration(least.seconds)}, {least.because}"
    yield Finding("warning" if least.seconds >= _LONG else "note", "takes", message)


def within_hours(least: Takes | None, schedule: Schedule) -> Takes | None:
    """How long that is where mails go in the hours of a schedule only."""
    return least if least is None or schedule.window is None else least.within(schedule.window)
