"""Owns launching: what a launch would do, for a person to approve, and doing exactly that."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from mailtui.accounts.secrets import SecretSource
from mailtui.audience.audience import Audience
from mailtui.audience.views import AudienceCounts
from mailtui.campaign.again import Again
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.forecast import Planned, forecast
from mailtui.campaign.freeze import Freezing, Launch, freeze
from mailtui.dispatch.members import Member
from mailtui.dispatch.plan import SendPlan
from mailtui.errors import UsageError
from mailtui.kit.words import counted
from mailtui.message.conventions import with_types
from mailtui.message.frozen import MessageSource
from mailtui.outbox.opening import Outbox
from mailtui.outbox.ports import Desk
from mailtui.outbox.witness import require_newest
from mailtui.service.campaigns import CampaignDesk, actor
from mailtui.service.limits_on_record import put_limits
from mailtui.service.settings import Settings
from mailtui.service.signing import with_keys
from mailtui.smtp.endpoint import Endpoint


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

    @property
    def endpoint(self) -> Endpoint:
        """The server, of several accounts that of the first."""
        return self.members[0].endpoint


class House(Protocol):
    """What launching needs of whoever has the outbox, its runners and the secrets: the facade."""

    settings: Settings
    outbox: Outbox
    campaigns: CampaignDesk
    secrets: SecretSource

    def desk(self) -> Desk: ...
    def runner_pid(self) -> int | None: ...


class Launching:
    """What the facade does to launch."""

    def __init__(self, house: House) -> None:
        self._house = house

    def prepare(self, campaign: Campaign, *, plan: Mapping[str, object]) -> LaunchPlan:
        """What a launch would do; `plan` overrides the campaign's workers, window, rate and burst."""
        campaigns = self._house.campaigns
        members = campaigns.members(campaign)
        with campaigns.open_audience(campaign) as audience:
            audience.require_sendable()
            counts, looked_at, understanding = audience.counts(), audience.identity, audience.understanding
            first = last = ""
            for recipient in audience.recipients():
                first = first or recipient.address
                last = recipient.address
        sending = campaign.spec.dispatch.plan().changed(dict(plan))
        message = with_types(campaign.read_message(), understanding).digest
        return LaunchPlan(campaign, members, sending, counts, first, last, message, looked_at)

    async def forecast(self, plan: LaunchPlan, *, again: Again) -> LaunchPlan:
        """The plan with the number of mails that would really go out. Writes nothing; raises what `launch` would."""
        source = plan.campaign.read_message()
        outbox = self._house.outbox
        if outbox.path.exists():  # looking makes nothing
            require_newest(outbox.path, self._house.settings.home.sightings)
        reader = outbox.reader() if outbox.path.exists() else None
        try:
            with self._house.campaigns.open_audience(plan.campaign) as audience:
                source = _as_approved(plan, audience, source)
                planned = await forecast(self._freezing(plan, plan.members, audience, source), reader, again)
        finally:
            if reader is not None:
                reader.close()
        return dataclasses.replace(plan, planned=planned)

    async def launch(self, plan: LaunchPlan, *, again: Again, progress: Callable[[int], None]) -> Launch:
        """Freeze the campaign into the outbox. Raises `MessageChanged`, `OutboxError`, `TemplateError`, `AccountError`.

        Into an older copy of an outbox nothing is written (`OutboxOutdated`).
        """
        members = await with_keys(plan.members, self._house.secrets)
        await put_limits((member.name for member in members), self._house.settings, self._house.desk)
        desk, reader = self._house.desk(), self._house.outbox.reader()  # of its own: an app launches from a thread
        try:
            with self._house.campaigns.open_audience(plan.campaign) as audience:
                source = _as_approved(plan, audience, plan.campaign.read_message())
                plan.campaign.compile(source, audience.columns, secret=b"")
                return await freeze(
                    self._freezing(plan, members, audience, source),
                    desk,
                    reader,
                    again,
                    runner_lives=lambda: self._house.runner_pid() is not None,
                    progress=progress,
                )
        finally:
            desk.close()
            reader.close()

    def _freezing(
        self, plan: LaunchPlan, members: Sequence[Member], audience: Audience, source: MessageSource
    ) -> Freezing:
        outbox = self._house.outbox
        return Freezing(
            plan.campaign,
            audience,
            source,
            tuple(members),
            plan.plan,
            self._house.settings.home.audiences,
            outbox.path.with_name(outbox.path.name + ".launch.lock"),
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


def _as_approved(plan: LaunchPlan, audience: Audience, read: MessageSource) -> MessageSource:
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
