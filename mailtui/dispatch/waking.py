"""Owns that what waits for a time goes on at that time: campaigns that are scheduled, that are paused for a while, and
those that recur; and that a runner stays for it.

The times are of the clock on the wall. A runner sleeps to the very instant, and looks at the clock several times a
second until then: whoever puts it, or has the machine sleep, finds each campaign begun once, or asked about.
"""

from __future__ import annotations

from collections.abc import Set

from mailtui.dispatch import own_times
from mailtui.dispatch.attention import Attention
from mailtui.dispatch.campaign_state import cancel_waiting, put_on_record
from mailtui.dispatch.clearing import Clearing
from mailtui.dispatch.kept import kept_back, reconsider
from mailtui.dispatch.members import members_from_json
from mailtui.dispatch.meter_words import is_for_limits
from mailtui.dispatch.missed import due_of
from mailtui.dispatch.recurring import Recurring
from mailtui.dispatch.tools import Tools
from mailtui.kit.journal import note
from mailtui.outbox.notices import Event
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState
from mailtui.schedule.missed import Decision

_AT_ONCE = 5
"""Campaigns that begin in one go; the first of a thousand are sent while the last are read."""


class Waking:
    """Looks after what an outbox has to do later."""

    def __init__(
        self, tools: Tools, recurring: Recurring, attention: Attention, clearing: Clearing, *, only: int | None
    ) -> None:
        """`only`: a runner for one campaign, which ends when that rests, and leaves waiting to others."""
        self._tools = tools
        self._clearing = clearing
        self._recurring = recurring
        self._minds = only is None
        self._attention = attention
        self._next: float | None = None

    @property
    def awaited(self) -> bool:
        """Whether something is to go on by itself later, or is being seen to."""
        return self._next is not None or self._recurring.busy or bool(self._clearing)

    def nap(self, longest: float) -> float:
        """Seconds until the next time that something is to begin, at most `longest`; that too where its time has come,
        and others see to it.
        """
        left = longest if self._next is None else self._next - self._tools.wall()
        return min(longest, left) if left > 0 else longest

    async def look(self, *, anew: bool) -> bool:
        """Have that begin whose time has come; whether a campaign did. `anew`: what is on record may have changed.

        Otherwise this costs a look at the clock.
        """
        # Not where it is asked anew: orders that wait for the end of one have been looked at before that.
        cleared = not anew and self._clearing.reap()
        if not self._minds:
            return cleared
        self._attention.look(self._tools.wall())
        ledger = self._tools.ledger
        ended = self._recurring.reap()
        if ended or cleared or anew:
            self._next = await ledger.next_wake()
        now = self._tools.wall()
        if self._next is None or self._next > now:
            return cleared
        paused = [one for one in await ledger.to_resume(now) if one.number not in self._clearing]
        due = await ledger.to_start(now, _AT_ONCE + len(self._clearing))
        scheduled = [one for one in due if one.number not in self._clearing]
        for campaign in paused:
            await self._go_on(campaign)
        for campaign in scheduled:
            await self._start(campaign)
        await self._recurring.look()
        self._next = await ledger.next_wake()
        return bool(paused or scheduled or cleared)

    async def part(self) -> None:
        """Leave; what is under way is begun anew by the next runner."""
        await self._clearing.part()
        await self._recurring.part()

    async def limits_changed(self, accounts: Set[str]) -> None:
        """The limits of these accounts are others: what paused for them looks anew."""
        for campaign in await self._waiting() if accounts else ():
            if not accounts.isdisjoint(member.name for member in members_from_json(campaign.endpoint)):
                await reconsider(self._tools, campaign)

    async def look_at_limits(self) -> None:
        """Nobody was there: what paused for limits of our own looks whether they are others by now."""
        for campaign in await self._waiting():
            if is_for_limits(campaign.reason) and kept_back(self._tools, campaign) is None:
                await reconsider(self._tools, campaign)

    async def _waiting(self) -> list[Campaign]:
        """Those that are to go on by themselves later than now, and of which nothing is being settled."""
        now = self._tools.wall()
        found = await self._tools.ledger.to_resume() if self._minds else []
        waiting = [campaign for campaign in found if campaign.number not in self._clearing]
        return [campaign for campaign in waiting if campaign.resume_at is not None and campaign.resume_at > now]

    async def _go_on(self, campaign: Campaign) -> None:
        """It was to go on by itself by now; of those whose own times passed since then it says what becomes."""
        assert campaign.resume_at is not None
        absence, missed = self._attention.absent_after(campaign.resume_at), None
        if absence is not None and own_times.has_any(campaign):
            missed = await own_times.missed_in(self._tools, campaign, absence, after=campaign.resume_at)
        if missed is None:
            await self._run(campaign)
        else:
            self._clearing.begin(campaign.number, self._go_on_without(campaign, missed))

    async def _run(self, campaign: Campaign) -> None:
        note("campaign goes on by itself", campaign=campaign.number, id=campaign.id)
        await put_on_record(self._tools, campaign.number, CampaignState.RUNNING, "runner")

    async def _go_on_without(self, campaign: Campaign, missed: own_times.Missed) -> None:
        if reason := await own_times.see_to(self._tools, campaign, missed):
            await self._ask(campaign.number, reason)
        else:
            await self._run(campaign)

    async def _ask(self, campaign: int, reason: str) -> None:
        paused, missed = CampaignState.PAUSED, Event.MISSED
        await put_on_record(self._tools, campaign, paused, "runner", held_because=reason, event=missed)

    async def _start(self, campaign: Campaign) -> None:
        """Its time has come, or passed."""
        tools, number = self._tools, campaign.number
        try:
            due = due_of(campaign, tools.wall(), self._attention)
        except ValueError as error:
            why = f"its schedule cannot be read: {error}"
            await put_on_record(tools, number, CampaignState.PAUSED, "runner", held_because=why)
            return
        note("campaign is due", campaign=number, id=campaign.id, late=round(due.late, 1), decision=due.decision)
        if due.decision is Decision.SEND:
            await put_on_record(tools, number, CampaignState.RUNNING, "runner")
        elif due.decision is Decision.ASK:
            await self._ask(number, due.reason)
        else:
            self._clearing.begin(number, self._skip(campaign, due.reason))

    async def _skip(self, campaign: Campaign, reason: str) -> None:
        """Leave out whose time has passed, or all of it."""
        tools, number = self._tools, campaign.number
        if await own_times.skip_start(tools, campaign, self._attention):
            await put_on_record(tools, number, CampaignState.RUNNING, "runner")
        else:
            await cancel_waiting(tools, number)
            cancelled = CampaignState.CANCELLED
            await put_on_record(tools, number, cancelled, "runner", reason=reason, event=Event.MISSED)
