"""Owns launching: what a launch would do, for a person to approve, and doing exactly that."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mailtui.accounts.secrets import SecretSource
from mailtui.audience.audience import Audience
from mailtui.audience.views import AudienceCounts
from mailtui.campaign.again import Again
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.drafts import discard
from mailtui.campaign.due_times import at_once, begins, due_times, has_passed, says_anything, settled
from mailtui.campaign.forecast import Planned, forecast
from mailtui.campaign.freeze import Freezing, Launch, freeze
from mailtui.campaign.takes import Sent, Takes, named_domains, takes
from mailtui.campaign.time_checks import within_hours
from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.errors import UsageError
from mailtui.kit.file_lock import exclusive
from mailtui.kit.words import counted
from mailtui.message.conventions import with_types
from mailtui.message.frozen import MessageSource
from mailtui.outbox.opening import Outbox
from mailtui.outbox.ports import Desk
from mailtui.outbox.states import CampaignState
from mailtui.outbox.witness import require_newest
from mailtui.schedule.missed import PUNCTUAL
from mailtui.schedule.schedule import Schedule
from mailtui.service.account_state import sent_lately
from mailtui.service.actor import actor
from mailtui.service.campaigns import CampaignDesk
from mailtui.service.limits_on_record import put_limits
from mailtui.service.schedules import ScheduleWords, described
from mailtui.service.settings import Settings
from mailtui.service.signing import with_keys
from mailtui.service.views import CampaignView, now
from mailtui.smtp.endpoint import Endpoint

ANOTHER_TIME = "Say another time, such as --at tomorrow 9:00, or --at now to send it at once."


@dataclass(frozen=True, slots=True)
class LaunchPlan:
    """What is about to be launched, for a person to approve."""

    campaign: Campaign
    members: tuple[Member, ...]
    plan: SendPlan
    counts: AudienceCounts
    first: str
    last: str
    message: str
    """What identifies the message that was looked at."""
    list: str
    """What identifies the list as it was then."""
    planned: Planned | None = None
    """How many mails would really go out; None until `forecast` has counted them."""
    schedule: str = ""
    """When it goes out, as a `Schedule` in JSON; empty for at once."""
    start_at: float | None = None
    """When the first mail may go out (epoch seconds); None for at once, and for what recurs."""
    recurrence: str = ""
    """The recurring campaign that it is an occurrence of, and the time of which; empty and None for one of its own."""
    occurrence_at: float | None = None
    agreed: ScheduleWords | None = None
    """What its schedule comes to; None for at once."""
    passed: str = ""
    """Why it cannot be launched: its time has gone by. Empty where it has not."""
    rows_due: tuple[float, float] | None = None
    """When the first and the last of the list are due, where its rows have times or zones of their own."""
    takes: Takes | None = None
    """How long it takes at the least; None where no limit is in the way."""
    given: Mapping[str, object] = dataclasses.field(default_factory=dict)
    """What was said of the pace instead of the campaign's file."""
    to_domains: Mapping[str, int] = dataclasses.field(default_factory=dict)
    """How many go to domains that have limits of their own."""

    @property
    def recurs(self) -> bool:
        """Whether it is to be sent again and again: then nothing is frozen now."""
        return not self.recurrence and Schedule.from_json(self.schedule).recurs

    @property
    def waits(self) -> bool:
        """Whether nothing of it goes out yet when it is launched."""
        first = self.start_at if self.rows_due is None else self.rows_due[0]
        return first is not None and first > now()

    @property
    def endpoint(self) -> Endpoint:
        """The server, of several accounts that of the first."""
        return self.members[0].endpoint


class House(Protocol):
    """What launching needs of whoever has the outbox, its runners and the secrets: the facade."""

    settings: Settings
    outbox: Outbox
    secrets: SecretSource

    @property
    def campaigns(self) -> CampaignDesk: ...
    def desk(self) -> Desk: ...
    def runner_pid(self) -> int | None: ...


class Launching:
    """What the facade does to launch."""

    def __init__(self, house: House) -> None:
        self._house = house

    def prepare(
        self, campaign: Campaign, *, plan: Mapping[str, object], schedule: Schedule | None = None
    ) -> LaunchPlan:
        """What a launch would do; `plan` overrides the campaign's workers, window, rate and burst, `schedule` when it
        goes, where that is not left to its file; a schedule that says nothing means at once, in the file's hours.
        """
        campaigns, began = self._house.campaigns, now()
        if schedule is not None:
            chosen = schedule if says_anything(schedule) else at_once(campaign.schedule)
            campaign = dataclasses.replace(campaign, chosen=chosen)
        schedule = settled(campaign.schedule, began)
        members, start_at = campaigns.members(campaign), begins(schedule)
        sending = campaign.spec.dispatch.plan().changed(dict(plan))
        named, to_domains = named_domains(members, sending), Counter[str]()
        with campaigns.open_audience(campaign) as audience:
            audience.require_sendable()
            counts, looked_at, understanding = audience.counts(), audience.identity, audience.understanding
            due = due_times(schedule, start_at, audience.columns)
            first = last = ""
            dues: list[float] = []
            for recipient in audience.recipients():
                first = first or recipient.address
                last = recipient.address
                if (domain := recipient.key.rpartition("@")[2]) in named:
                    to_domains[domain] += 1
                if due is not None:
                    with contextlib.suppress(ValueError):  # `check` tells of it, and freezing refuses
                        at = due.of(recipient.fields) or began
                        dues = [min(dues[0], at), max(dues[1], at)] if dues else [at, at]
        message = with_types(campaign.read_message(), understanding).digest
        says = says_anything(schedule)
        return LaunchPlan(
            campaign,
            members,
            sending,
            counts,
            first,
            last,
            message,
            looked_at,
            schedule=schedule.to_json() if says else "",
            start_at=start_at,
            agreed=described(schedule, began) if says else None,
            passed=has_passed(schedule, began),
            rows_due=(dues[0], dues[1]) if dues else None,
            takes=_takes(members, sending, counts.recipients, to_domains, schedule, start_at, {}),
            given=dict(plan),
            to_domains=to_domains,
        )

    async def forecast(self, plan: LaunchPlan, *, again: Again) -> LaunchPlan:
        """The plan with the number of mails that would really go out. Writes nothing; raises what `launch` would."""
        source = plan.campaign.read_message()
        outbox = self._house.outbox
        if outbox.path.exists():  # looking makes nothing
            require_newest(outbox.path, self._house.settings.home.sightings)
        reader = outbox.reader() if outbox.path.exists() else None
        try:
            with self._house.campaigns.open_audience(plan.campaign) as audience:
                source = as_approved(plan, audience, source)
                planned = await forecast(self._freezing(plan, plan.members, audience, source), reader, again)
            sent = {} if reader is None else await sent_lately(reader, plan.start_at or now())
        finally:
            if reader is not None:
                reader.close()
        to_domains = {domain: min(count, planned.mails) for domain, count in plan.to_domains.items()}
        schedule = Schedule.from_json(plan.schedule)
        least = _takes(plan.members, plan.plan, planned.mails, to_domains, schedule, plan.start_at, sent)
        return dataclasses.replace(plan, planned=planned, takes=least)

    async def launch(self, plan: LaunchPlan, *, again: Again, progress: Callable[[int], None]) -> Launch:
        """Freeze the campaign into the outbox. Raises `MessageChanged`, `OutboxError`, `TemplateError`, `AccountError`.

        Nothing is launched whose time has passed by now, be it while somebody looked at it (`UsageError`); into an
        older copy of an outbox nothing is written (`OutboxOutdated`).
        """
        passed = plan.passed or has_passed(Schedule.from_json(plan.schedule), now() - PUNCTUAL)
        if passed and not plan.recurrence:
            raise UsageError(passed, detail="Nothing was launched.", hint=ANOTHER_TIME)
        members = await with_keys(plan.members, self._house.secrets)
        await put_limits((member.name for member in members), self._house.settings, self._house.desk)
        desk, reader = self._house.desk(), self._house.outbox.reader()  # of its own: an app launches from a thread
        try:
            with self._house.campaigns.open_audience(plan.campaign) as audience:
                source = as_approved(plan, audience, plan.campaign.read_message())
                plan.campaign.compile(source, audience.columns, secret=b"")
                return await freeze(
                    self._freezing(plan, members, audience, source),
                    desk,
                    reader,
                    again,
                    runner_lives=self._runner_lives,
                    progress=progress,
                )
        finally:
            desk.close()
            reader.close()

    async def throw_away(self, view: CampaignView) -> str:
        """Throw away a draft. Raises `UsageError` while its launch, or another one, is under way, and where it came to
        its end since the draft was looked at.
        """
        desk, reader = self._house.desk(), self._house.outbox.reader()
        try:
            async with exclusive(self._lock, wait=False):
                if (await reader.campaign(view.id)).state is not CampaignState.DRAFT:
                    raise UsageError(
                        f"{view.id} has been launched in the meantime",
                        detail="Nothing was changed, and its mails go out.",
                        hint=f"To stop it: mailtui cancel {view.id}",
                    )
                await discard(view.campaign.number, desk, self._runner_lives)
        except BlockingIOError:
            raise UsageError(
                f"{view.id} cannot be thrown away while a launch is under way",
                hint="Stop that where it was begun, with Ctrl-C, or try again in a moment.",
            ) from None
        finally:
            desk.close()
            reader.close()
        return "it was never launched, and is thrown away; nothing of it was sent"

    @property
    def _lock(self) -> Path:
        path = self._house.outbox.path
        return path.with_name(path.name + ".launch.lock")

    def _runner_lives(self) -> bool:
        return self._house.runner_pid() is not None

    def _freezing(
        self, plan: LaunchPlan, members: Sequence[Member], audience: Audience, source: MessageSource
    ) -> Freezing:
        return Freezing(
            plan.campaign,
            audience,
            source,
            tuple(members),
            plan.plan,
            self._house.settings.home.audiences,
            self._lock,
            actor(),
            plan.schedule,
            plan.start_at,
            plan.recurrence,
            plan.occurrence_at,
            self._house.settings.hooks(),
        )


def _require_same_list(plan: LaunchPlan, audience: Audience) -> None:
    """Nobody has agreed to mail the people who came into the list since it was shown, nor others in their place."""
    recipients = audience.counts().recipients
    if recipients != plan.counts.recipients:
        raise UsageError(
            f"The list has changed: {counted(plan.counts.recipients, 'recipient')} when you looked, {recipients:,} now",
            detail="Nothing was launched.",
            hint="Look at it again, and start anew.",
        )
    if audience.identity != plan.list:
        raise UsageError(
            f"The list has changed: {audience.name} was written to after you looked",
            detail=f"It still has {counted(recipients, 'recipient')}, but they may be others. Nothing was launched.",
            hint="Look at it again, and start anew.",
        )


def as_approved(plan: LaunchPlan, audience: Audience, read: MessageSource) -> MessageSource:
    """The message as it is to be sent. Nobody has agreed to send what was written into the templates since they were
    looked at.
    """
    source = with_types(read, audience.understanding)
    if source.digest != plan.message:
        raise UsageError(
            "The message has changed since you looked",
            detail="Nothing was launched.",
            hint="Look at it again, and start anew.",
        )
    _require_same_list(plan, audience)
    return source


def _takes(
    members: Sequence[Member],
    plan: SendPlan,
    mails: int,
    to_domains: Mapping[str, int],
    schedule: Schedule,
    start_at: float | None,
    sent: Mapping[str, Sent],
) -> Takes | None:
    begins_at = datetime.fromtimestamp(start_at or now()).astimezone()
    return within_hours(takes(members, plan, mails, to_domains, begins_at, sent), schedule)
