"""Owns what becomes of recipients whose own times passed while nobody was there: their mails go late, are left out, or
a person is asked.

Only who would have been sent to counts. Who was late before, since the campaign was paused or held by a limit when
their time came, is sent to when it goes on; so is who was late already when the campaign was launched.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from mailtui.dispatch.attention import Absence, Attention
from mailtui.dispatch.campaign_state import tell
from mailtui.dispatch.missed import SKIP_MISSED
from mailtui.dispatch.tools import Tools
from mailtui.kit.durations import countdown
from mailtui.kit.journal import note
from mailtui.kit.words import counted
from mailtui.outbox.notices import Event
from mailtui.outbox.records import Campaign
from mailtui.schedule.missed import PUNCTUAL, Decision, decide_missed
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.words import show_moment

_STEP = 1_000
"""Deliveries in one transaction: it lasts some milliseconds, and sessions are not kept waiting."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Those of a campaign whose own times, later than `after`, passed in an absence; `said` says so to people."""

    decision: Decision
    count: int
    said: str
    absence: Absence
    after: float


class OwnTimes:
    """Of one campaign that is being sent."""

    def __init__(self, campaign: Campaign, tools: Tools) -> None:
        self.campaign = campaign
        self._tools = tools
        self._has_any = has_any(campaign)
        self._known = 0

    @property
    def have_passed(self) -> bool:
        """Whether nobody was there for a while, and whose times passed then has not been looked at."""
        return self._has_any and self._look() > self._known

    def _look(self) -> int:
        return self._tools.attention.look(self._tools.wall())

    async def see_to(self) -> str:
        """Do about them what the schedule says; why the campaign is to rest, '' where it goes on."""
        known, absence = self._look(), self._tools.attention.absent(self._known)
        missed = None if absence is None else await missed_in(self._tools, self.campaign, absence)
        self._known = known
        return "" if missed is None else await see_to(self._tools, self.campaign, missed)


def has_any(campaign: Campaign) -> bool:
    """Whether recipients have times of their own. Of a schedule that cannot be read its sending tells, not this."""
    try:
        return Schedule.from_json(campaign.schedule).has_own_times
    except ValueError:
        return False


async def missed_in(tools: Tools, campaign: Campaign, absence: Absence, *, after: float | None = None) -> Missed | None:
    """Whose own times passed in an absence, later than `after`, when the campaign went on; None for nobody, which
    costs one look. `after` None: it is on record.
    """
    ledger, number, until = tools.ledger, campaign.number, absence.until - PUNCTUAL
    earliest = (campaign.launched_at or campaign.created_at) if after is None else after
    found = await tools.storage.patiently(lambda: ledger.own_times_passed(number, earliest, until))
    if found is not None and after is None:
        earliest = await tools.storage.patiently(lambda: ledger.went_on_at(number))
        found = await tools.storage.patiently(lambda: ledger.own_times_passed(number, earliest, until))
    if found is None:
        return None
    schedule = Schedule.from_json(campaign.schedule)
    decision = decide_missed(schedule, max(found.first, absence.since), absence.until)
    first = show_moment(found.first, schedule.timezone or "UTC")
    said = (
        f"the times of {counted(found.count, 'recipient')} passed while {absence.why}, the first at {first}, "
        f"{countdown(absence.until - found.first)} ago"
    )
    note("own times passed", campaign=number, id=campaign.id, recipients=found.count, decision=decision)
    return Missed(decision, found.count, said, absence, earliest)


async def see_to(tools: Tools, campaign: Campaign, missed: Missed) -> str:
    """Do what was decided about them; what a person is asked, '' where nobody is."""
    if missed.decision is Decision.ASK:
        return f"{missed.said}; {what_to_say(campaign)}"
    if missed.decision is Decision.SKIP:
        absence = missed.absence

        def why(send_at: float) -> str:
            return f"its time passed by {countdown(absence.until - send_at)} while {absence.why}"

        await leave_out(tools, campaign.number, missed.after, absence.until - PUNCTUAL, why)
        said = f"{missed.said}; they were left out, as its schedule says of missed times"
        await tell(tools, campaign.number, Event.MISSED, said)
    return ""


async def skip_start(tools: Tools, campaign: Campaign, attention: Attention) -> bool:
    """Leave out of a campaign that was to begin earlier whose times have passed; whether it begins with the others,
    False where there are none.
    """
    if not has_any(campaign):
        return False
    ledger, number, began = tools.ledger, campaign.number, campaign.start_at or 0.0
    absence = Absence(began, tools.wall(), attention.why(began))
    missed = await missed_in(tools, campaign, absence, after=0.0)
    if missed is None:  # maybe they were left out by a runner that died before it could say so: the others are there
        passed = absence.until - PUNCTUAL
        return await tools.storage.patiently(lambda: ledger.own_times_passed(number, passed, math.inf)) is not None
    if missed.count == (await ledger.counts(number)).open:
        return False
    await see_to(tools, campaign, missed)
    return True


def what_to_say(campaign: Campaign) -> str:
    """What a person may say who is asked about a campaign in which times have passed."""
    go_on = f"mailtui resume {campaign.id}"
    return f"send to them now: {go_on}; leave them out: {go_on} {SKIP_MISSED}"


async def leave_out(tools: Tools, campaign: int, after: float, until: float, why: Callable[[float], str]) -> int:
    """Settle as expired who waits for a time of their own between these (epoch seconds); how many. `why` gives the
    reason for a time.
    """
    total = 0
    while left_out := await tools.storage.patiently(
        lambda: tools.ledger.expire(campaign, after, until, _STEP, why, now=tools.wall())
    ):
        total += left_out
        await asyncio.sleep(0)  # the sessions, of other campaigns too, go on between two steps
    return total


async def leave_out_late(tools: Tools, campaign: int, actor: str) -> int:
    """Settle as expired everybody whose own time has passed, whyever; how many."""
    now = tools.wall()

    def why(send_at: float) -> str:
        return f"its time had passed by {countdown(now - send_at)}; left out, said {actor}"

    return await leave_out(tools, campaign, 0.0, now - PUNCTUAL, why)
