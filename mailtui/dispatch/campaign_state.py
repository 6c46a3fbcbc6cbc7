"""Owns putting a campaign on record in another state, and cancelling in steps the deliveries of it that wait."""

from __future__ import annotations

import asyncio

from mailtui.dispatch.intent import Course
from mailtui.dispatch.tools import Tools
from mailtui.kit.journal import note
from mailtui.outbox.notices import Event, Happening, event_of, notices_of
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import CampaignState

_CANCEL_STEP = 1_000
"""Deliveries in one transaction: it lasts some milliseconds, and sessions are not kept waiting."""


async def put_on_record(
    tools: Tools,
    campaign: int,
    state: CampaignState,
    actor: str,
    *,
    reason: str = "",
    held_because: str = "",
    resume_at: float | None = None,
    at_wall: bool = False,
    event: Event | None = None,
) -> None:
    """`actor` is who wanted it, and `reason` why, where that is not plain; `held_because` says why nobody did, for a
    campaign that pauses by itself, and `resume_at` (epoch seconds) when it goes on again without anybody:
    at the end of a pause, or (`at_wall`) at a time of the wall, which stays what it is when the clock is put.

    Others are told of it: what they are is written in the same transaction. `event`: what it is to them, where the
    state alone does not say so.
    """

    async def put() -> Happening | None:
        now, ledger = tools.wall(), tools.ledger
        before = await ledger.campaign(campaign)
        told = event or event_of(before, state)
        happening = None
        if told is not None:
            counts, why, held = await ledger.counts(campaign), held_because or reason, bool(held_because)
            happening = Happening(told, now, before, state, counts, why, held, resume_at)
        await ledger.set_state(
            campaign,
            state,
            actor=actor,
            now=now,
            reason=held_because or reason,
            held=bool(held_because),
            resume_at=resume_at,
            at_wall=at_wall,
            notices=[] if happening is None else notices_of(happening),
        )
        return happening

    happening = await tools.storage.patiently(put)
    if happening is not None and tools.herald is not None:
        tools.herald.show(happening)


async def tell(tools: Tools, campaign: int, event: Event, reason: str) -> None:
    """Others are told of something that leaves a campaign as it is."""

    async def put() -> Happening:
        now, ledger = tools.wall(), tools.ledger
        found = await ledger.campaign(campaign)
        happening = Happening(event, now, found, found.state, await ledger.counts(campaign), reason)
        await ledger.add_notices(campaign, notices_of(happening))
        return happening

    happening = await tools.storage.patiently(put)
    if tools.herald is not None:
        tools.herald.show(happening)


async def put_at_rest(tools: Tools, campaign: Campaign, state: CampaignState, course: Course, reason: str) -> None:
    """A campaign that was being sent is not any more; `reason`: why nobody asked for that, '' where somebody did."""
    again, event = course.resume_at if reason else None, Event.MISSED if reason and course.missed else None
    await put_on_record(
        tools,
        campaign.number,
        state,
        course.actor,
        held_because=reason,
        resume_at=again,
        at_wall=course.at_wall,
        event=event,
    )
    tools.recorder.nudge()
    await tools.recorder.settle()
    note("campaign rests", campaign=campaign.number, id=campaign.id, state=state, reason=reason)


async def cancel_waiting(tools: Tools, campaign: int) -> None:
    """Cancel in the outbox whatever is not in flight: a mark asked for after that does not hold."""
    while await tools.storage.patiently(  # noqa: ASYNC110 - nothing is waited for, it is the steps that are many
        lambda: tools.ledger.cancel_waiting(campaign, _CANCEL_STEP, now=tools.wall())
    ):
        await asyncio.sleep(0)  # the sessions, of other campaigns too, go on between two steps
