"""Owns what faces do with what is to come: see it, put it to another time, have it go now, pause it, end it; and begin
what is sent again and again.

A campaign that was launched for a time is changed by orders to the runner. A recurring one has no campaign of its own:
it is a row of the outbox that runners read.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailtui.audience.spec import STDIN
from mailtui.campaign.due_times import has_passed
from mailtui.campaign.freeze import new_id
from mailtui.dispatch.members import Member
from mailtui.errors import UsageError
from mailtui.kit.words import counted
from mailtui.outbox.notices import hooks_to_json
from mailtui.outbox.ports import Desk, Reader
from mailtui.outbox.records import Campaign as LaunchedCampaign
from mailtui.outbox.states import CampaignState, OrderKind, RecurrenceState
from mailtui.outbox.timed_records import NewRecurrence, Recurrence
from mailtui.schedule.recurring import next_after
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.words import in_words
from mailtui.service.actor import actor
from mailtui.service.campaigns import CampaignDesk
from mailtui.service.launching import ANOTHER_TIME, LaunchPlan, as_approved
from mailtui.service.orders import Orders
from mailtui.service.putting_off import put_to, put_to_hours, require_to_come
from mailtui.service.scheduled_rows import ScheduledKind, ScheduledRow, lateness_of
from mailtui.service.schedules import described, machine_zone, show_moment
from mailtui.service.settings import Settings
from mailtui.service.views import CampaignView, now

_NOT_LAUNCHED = "Nothing was launched."
_NO_RUNNER = "No runner is there to send what is to come"
_HOW_TO_START = (
    "Start one in the background: mailtui scheduled --start. For one that is there after each start of the machine: "
    "mailtui runner --systemd, or --launchd on macOS."
)


class House(Protocol):
    """What this needs of whoever has the outbox, its runners and the secrets: the facade."""

    settings: Settings
    orders: Orders

    @property
    def campaigns(self) -> CampaignDesk: ...
    @property
    def reader(self) -> Reader: ...
    def desk(self) -> Desk: ...
    def outbox_exists(self) -> bool: ...
    def runner_pid(self) -> int | None: ...
    async def start_runner(self, secrets: Mapping[str, str], *, leave: str = "") -> int: ...
    async def secrets_of(self, members: Sequence[Member], *, anew: bool = False) -> dict[str, str]: ...
    async def secret_for(self, campaign: LaunchedCampaign, *, anew: bool = False) -> dict[str, str]: ...
    async def view(self, campaign_id: str) -> CampaignView: ...
    async def views(self, search: str = "") -> list[CampaignView]: ...


@dataclass(frozen=True, slots=True)
class Recurs:
    """What beginning a recurring campaign came to; `is_new`: it was none before."""

    recurrence: Recurrence
    is_new: bool


class Scheduled:
    """What the facade does about what is to come."""

    def __init__(self, house: House) -> None:
        self._house = house

    # looking

    async def rows(self) -> list[ScheduledRow]:
        """Everything that is to come, those first that wait for a person, then by time."""
        if not self._house.outbox_exists():
            return []
        lives, seen_at = self._house.runner_pid() is not None, now()
        campaigns = await self._house.reader.campaigns()
        rows = [row for one in campaigns if (row := await self._campaign(one, lives, seen_at)) is not None]
        recurring = [one for one in await self._house.reader.recurrences() if one.state is not RecurrenceState.ENDED]
        rows += [_recurring(one, campaigns, lives, seen_at) for one in recurring]
        return sorted(rows, key=lambda row: (row.at is not None, row.at or 0.0, row.id))

    async def row(self, id: str) -> ScheduledRow:
        """One of them, by any unambiguous beginning of its id. Raises `UsageError`."""
        found = [row for row in await self.rows() if id and row.id.startswith(id)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"{id} is the beginning of {len(found)} ids", detail="\n".join(row.id for row in found))
        raise UsageError(f"Nothing is scheduled as {id}", hint="See what is: mailtui scheduled")

    async def recurrence(self, id: str) -> Recurrence | None:
        """The recurring campaign whose id begins so, None where there is none, or more than one."""
        if not id or not self._house.outbox_exists():
            return None
        found = [one for one in await self._house.reader.recurrences() if one.id.startswith(id)]
        return found[0] if len(found) == 1 else None

    async def sent(self, search: str = "") -> list[CampaignView]:
        """Campaigns that were launched and meet all the words of a search, the newest first."""
        if not self._house.outbox_exists():
            return []
        views = await self._house.views(search)
        return [view for view in reversed(views) if view.campaign.state is not CampaignState.DRAFT]

    async def no_runner(self) -> str:
        """A sentence for when something is to come and no runner lives; else empty."""
        if not self._house.outbox_exists() or self._house.runner_pid() is not None:
            return ""
        waits = {CampaignState.SCHEDULED}
        some = any(
            one.state in waits or (one.state is CampaignState.PAUSED and one.resume_at is not None)
            for one in await self._house.reader.campaigns()
        ) or any(one.state is RecurrenceState.ACTIVE for one in await self._house.reader.recurrences())
        return f"{_NO_RUNNER}. {_HOW_TO_START}" if some else ""

    async def start_runner(self) -> int:
        """A runner in the background for what is to come: the one that lives, or a new one. Its process id.

        It is given the secrets of all accounts that it will need. Raises `SecretMissing`.
        """
        members: dict[str, Member] = {}
        for one in await self._house.reader.recurrences():
            if one.state is RecurrenceState.ACTIVE:
                members |= {member.name: member for member in self._members(one)}
        secrets = await self._house.secrets_of(list(members.values()))
        campaigns = await self._house.reader.campaigns()
        different = {one.endpoint: one for one in campaigns if one.state is CampaignState.SCHEDULED}
        for campaign in different.values():
            secrets |= await self._house.secret_for(campaign)
        return await self._house.start_runner(secrets)

    async def _campaign(self, campaign: LaunchedCampaign, lives: bool, seen_at: float) -> ScheduledRow | None:
        schedule = Schedule.from_json(campaign.schedule)
        kind, at, words, reason = ScheduledKind.ONCE, campaign.start_at, "", campaign.reason
        if campaign.state is CampaignState.PAUSED and campaign.resume_at is not None:
            kind, at, words = ScheduledKind.WAITING, campaign.resume_at, campaign.reason
        elif campaign.state is CampaignState.PAUSED and campaign.start_at is not None and not campaign.first_claim_at:
            at = None
        elif campaign.state is CampaignState.PAUSED and campaign.held and schedule.has_own_times:
            kind, at, words = ScheduledKind.WAITING, None, campaign.reason
        elif campaign.state is CampaignState.RUNNING:
            view = await self._house.view(campaign.id)
            if view.waits_until is None:
                return None
            kind, at, words = ScheduledKind.WAITING, view.waits_until, view.note
        elif campaign.state is not CampaignState.SCHEDULED:
            return None
        return ScheduledRow(
            id=campaign.id,
            kind=kind,
            name=campaign.name,
            state=campaign.state,
            at=at,
            zone=schedule.timezone or machine_zone(),
            words=words or in_words(schedule),
            recipients=campaign.audience,
            upcoming=(),
            lateness=lateness_of(campaign),
            reason=reason,
            runner_lives=lives,
            seen_at=seen_at,
            schedule=campaign.schedule,
            file=campaign.series.partition("\n")[0],
        )

    # beginning

    async def recur(self, plan: LaunchPlan) -> Recurs:
        """Have a campaign sent again and again, as its plan says; one that recurs already goes by this plan from now.

        Nothing is frozen: its file and list are read again each time. Raises `UsageError`.
        """
        if plan.passed:
            raise UsageError(plan.passed, detail=_NOT_LAUNCHED, hint=ANOTHER_TIME)
        audience = plan.campaign.document.data.get("audience")
        if isinstance(audience, dict) and audience.get("source") == STDIN:
            raise UsageError(
                "A list from standard input cannot be read again at the next time",
                detail=_NOT_LAUNCHED,
                hint="Write it to a file, and name that one as the source.",
            )
        await asyncio.to_thread(self._look_again, plan)  # a long list takes its time
        await self._house.secrets_of(plan.members)  # without them nothing could be sent
        moment = next_after(Schedule.from_json(plan.schedule), now())
        assert moment is not None, "it has not passed"
        new = NewRecurrence(
            id=new_id(),
            series=plan.campaign.series,
            name=plan.campaign.name,
            path=str(plan.campaign.path.resolve()),
            arguments=_arguments(plan),
            schedule=plan.schedule,
            next_at=moment.at,
            hooks=hooks_to_json(self._house.settings.hooks()),
        )
        return await self._put(new)

    def _look_again(self, plan: LaunchPlan) -> None:
        with self._house.campaigns.open_audience(plan.campaign) as audience:
            source = as_approved(plan, audience, plan.campaign.read_message())
            plan.campaign.compile(source, audience.columns, secret=b"")

    async def _put(self, new: NewRecurrence) -> Recurs:
        desk = self._house.desk()
        try:
            is_new = await desk.put_recurrence(new, actor=actor(), now=now())
            there = [one for one in await self._house.reader.recurrences() if one.series == new.series]
            current = next(one for one in there if one.state is not RecurrenceState.ENDED)
            if not is_new:
                await desk.change_recurrence(
                    current.id,
                    actor=actor(),
                    now=now(),
                    state=RecurrenceState.ACTIVE,
                    reason="",
                    next_at=new.next_at,
                    schedule=new.schedule,
                    arguments=new.arguments,
                    hooks=new.hooks,
                )
        finally:
            desk.close()
        found = await self._house.reader.recurrence(current.id)
        assert found is not None, "it was there an instant ago"
        return Recurs(found, is_new)

    # changing

    async def reschedule(self, id: str, schedule: Schedule, *, time_said: bool = True) -> str:
        """Have it go by another schedule, a settled one; what came of that, for people. Raises `UsageError`.

        Hours alone (`time_said` False) leave a campaign paused that is.
        """
        recurrence = await self.recurrence(id)
        if recurrence is None:
            return await put_to(self._house.orders, await self._house.view(id), schedule, time_said=time_said)
        require_to_come(schedule)
        if not schedule.recurs:
            raise UsageError(
                f"{recurrence.name} ({recurrence.id}) is sent again and again, and this is a single time",
                hint=f"Say --every or --cron; or end it, and launch it for a time: mailtui cancel {recurrence.id}",
            )
        moment = next_after(schedule, now())
        assert moment is not None, "it has not passed"
        await self._change(recurrence, next_at=moment.at, schedule=schedule.to_json())
        return f"{in_words(schedule)}; next: {show_moment(moment.at, schedule.timezone)}"

    async def change_hours(self, id: str, hours: Schedule | None) -> str:
        """Have a campaign go at other hours, by the clock of that schedule; None for any hour."""
        return await put_to_hours(self._house.orders, await self._house.view(id), hours)

    async def send_now(self, id: str) -> str:
        """Have it go at once: a campaign for good; of a recurring one this once, and its times stay what they are."""
        recurrence = await self.recurrence(id)
        if recurrence is None:
            return await self._house.orders.give(await self._house.view(id), OrderKind.RESUME, sends=True)
        secrets = await self._house.secrets_of(self._members(recurrence))
        await self._change(recurrence, state=RecurrenceState.ACTIVE, reason="", next_at=now())
        await self._house.start_runner(secrets)
        return "it is made now, and sent"

    async def pause(self, id: str) -> str:
        """Have nothing of it begin until somebody says go on."""
        recurrence = await self.recurrence(id)
        if recurrence is None:
            return await self._house.orders.give(await self._house.view(id), OrderKind.PAUSE)
        await self._change(recurrence, state=RecurrenceState.PAUSED, reason="")
        return "paused until somebody says go on"

    async def resume(self, id: str) -> str:
        """Go on: a recurring one with its next time, which is to come; a campaign at once."""
        recurrence = await self.recurrence(id)
        if recurrence is None:
            return await self.send_now(id)
        schedule = Schedule.from_json(recurrence.schedule)
        moment = next_after(schedule, now())
        if moment is None:
            raise UsageError(has_passed(schedule, now()), hint=f"Say other ones: mailtui set {recurrence.id} --cron …")
        secrets = await self._house.secrets_of(self._members(recurrence))
        await self._change(recurrence, state=RecurrenceState.ACTIVE, reason="", next_at=moment.at)
        await self._house.start_runner(secrets)
        return f"goes on: next {show_moment(moment.at, schedule.timezone)}"

    async def cancel(self, id: str) -> str:
        """End it for good. Campaigns that a recurring one has launched are not touched."""
        recurrence = await self.recurrence(id)
        if recurrence is None:
            return await self._house.orders.give(await self._house.view(id), OrderKind.CANCEL)
        await self._change(recurrence, state=RecurrenceState.ENDED, reason=f"ended by {actor()}")
        return (
            f"ended; it was sent {counted(recurrence.runs, 'time')}" if recurrence.runs else "ended; it was never sent"
        )

    async def _change(
        self,
        recurrence: Recurrence,
        *,
        state: RecurrenceState | None = None,
        reason: str | None = None,
        next_at: float | None = None,
        schedule: str | None = None,
    ) -> None:
        desk = self._house.desk()
        try:
            changed = await desk.change_recurrence(
                recurrence.id, actor=actor(), now=now(), state=state, reason=reason, next_at=next_at, schedule=schedule
            )
        finally:
            desk.close()
        if not changed:
            raise UsageError(f"{recurrence.name} ({recurrence.id}) has ended", detail="Nothing was changed.")

    def _members(self, recurrence: Recurrence) -> tuple[Member, ...]:
        """Whom it is sent through, as its file says now."""
        return self._house.campaigns.members(self._house.campaigns.load(Path(recurrence.path)))


def _recurring(
    recurrence: Recurrence, campaigns: Sequence[LaunchedCampaign], lives: bool, seen_at: float
) -> ScheduledRow:
    schedule = Schedule.from_json(recurrence.schedule)
    words = described(schedule, seen_at, runs=recurrence.runs)
    active = recurrence.state is RecurrenceState.ACTIVE
    mine = [one for one in campaigns if one.recurrence == recurrence.id and one.woke_at is not None]
    return ScheduledRow(
        id=recurrence.id,
        kind=ScheduledKind.RECURRING,
        name=recurrence.name,
        state=recurrence.state,
        at=recurrence.next_at if active else None,
        zone=schedule.timezone,
        words=words.words,
        recipients=None,
        upcoming=words.upcoming,
        lateness=lateness_of(mine[-1]) if mine else None,
        reason=recurrence.reason,
        runner_lives=lives,
        seen_at=seen_at,
        schedule=recurrence.schedule,
        file=recurrence.path,
        runs=recurrence.runs,
    )


def _arguments(plan: LaunchPlan) -> str:
    """What was said beside the file, for each time to be made by."""
    return json.dumps({"filter": plan.campaign.extra or None, "plan": dict(plan.given), "folder": str(Path.cwd())})
