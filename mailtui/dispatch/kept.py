"""Owns what keeps a campaign that rests from going on, as far as that is known before it is tried: its hours, the
limits of its accounts and its own, and accounts that rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from mailtui.dispatch.campaign_state import put_on_record
from mailtui.dispatch.members import Member, members_from_json
from mailtui.dispatch.meter import Wait, WaitKind
from mailtui.dispatch.meters import campaign_key
from mailtui.dispatch.plan import SendPlan
from mailtui.dispatch.tools import Tools
from mailtui.dispatch.windows import SendingWindow
from mailtui.errors import OutboxError
from mailtui.kit.journal import note
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState

SHORT_REST = 5 * 60.0
"""Seconds; an account that is back sooner is waited for, a later one is worth a pause."""

_WAITED_OUT = frozenset({WaitKind.PACE, WaitKind.BATCH, WaitKind.UNDER_WAY})


@dataclass(frozen=True, slots=True)
class Kept:
    """Until when (epoch seconds, infinity for a person's doing) and why; `at_wall`: it is a time of the wall, which
    stays when the clock is put.
    """

    until: float
    because: str
    at_wall: bool = False


def kept_back(tools: Tools, campaign: Campaign) -> Kept | None:
    """What keeps a campaign that is not being sent from beginning a mail within minutes; None where nothing does, or
    nobody can say until when. Of a schedule that cannot be read its sending tells, not this.
    """
    try:
        hours = SendingWindow(campaign, tools.wall)
    except OutboxError:
        return None
    if not hours.is_open():
        return Kept(hours.opens_at(), hours.note, at_wall=True)
    plan = SendPlan.from_json(campaign.plan)
    tools.meters.put_own(campaign.id, plan.all_limits, begun=campaign.first_claim_at is not None)
    members = sorted(members_from_json(campaign.endpoint), key=lambda one: tools.standing.of(one.name) is None)
    found = [_account_kept(tools, campaign, member, alone=len(members) == 1) for member in members]
    kept = [one for one in found if one is not None]
    if len(kept) < len(found):
        return None
    until = min(one.until for one in kept)
    return Kept(until, "; ".join(dict.fromkeys(one.because for one in kept))) if until < math.inf else None


def _account_kept(tools: Tools, campaign: Campaign, member: Member, *, alone: bool) -> Kept | None:
    """The same of one account; one that waits for a person goes on at no time that is known."""
    now, meters = tools.wall(), tools.meters
    meters.propose(member.name, member.limits)
    lines = (meters.known(member.name), meters.known(campaign_key(campaign.id)))
    waits = [wait for line in lines if line is not None and (wait := line.meter.wait(now)) is not None]
    kept = [Kept(wait.until, wait.reason) for wait in waits if wait.until is not None and _is_worth_a_pause(wait)]
    last = max(kept, key=lambda one: one.until, default=None)
    rest = tools.standing.of(member.name)
    if rest is not None:
        ends = math.inf if rest.until is None else rest.until
        until = ends if last is None else max(ends, last.until)
        last = Kept(until, rest.reason if alone else f"{member.name}: {rest.reason}")
    return last if last is not None and last.until - now >= SHORT_REST * tools.scale else None


def _is_worth_a_pause(wait: Wait) -> bool:
    return wait.kind not in _WAITED_OUT


async def reconsider(tools: Tools, campaign: Campaign) -> None:
    """One that paused until a time goes on at once where nothing keeps it back any more, as after a limit was raised;
    where it is kept back until another time, it waits for that.
    """
    kept = kept_back(tools, campaign)
    if kept is None:
        note("campaign goes on before its time", campaign=campaign.number, id=campaign.id)
        await put_on_record(tools, campaign.number, CampaignState.RUNNING, "runner")
    else:
        await rest_on(tools, campaign, kept, "runner")


async def rest_on(tools: Tools, campaign: Campaign, kept: Kept, actor: str) -> None:
    """It stays paused, and goes on by itself. Nobody is told anew that it is paused."""
    if (campaign.resume_at, campaign.reason) != (kept.until, kept.because):
        await put_on_record(
            tools,
            campaign.number,
            CampaignState.PAUSED,
            actor,
            held_because=kept.because,
            resume_at=kept.until,
            at_wall=kept.at_wall,
        )
