"""Owns putting a campaign that was launched to another time, or to other hours, by orders to its runner."""

from __future__ import annotations

import dataclasses

from mailtui.campaign.due_times import begins, has_passed
from mailtui.errors import UsageError
from mailtui.kit.durations import countdown
from mailtui.outbox.states import CampaignState, OrderKind
from mailtui.schedule.hours import with_hours_of
from mailtui.schedule.schedule import Missed, Schedule
from mailtui.schedule.words import show_moment
from mailtui.service.orders import Orders
from mailtui.service.views import CampaignView, now


def require_to_come(schedule: Schedule) -> None:
    """Raises `UsageError` where nothing comes of a schedule any more."""
    if passed := has_passed(schedule, now()):
        raise UsageError(passed, detail="Nothing was changed.")


async def put_to(orders: Orders, view: CampaignView, schedule: Schedule, *, time_said: bool) -> str:
    """Have a campaign go by a settled schedule; what came of that, for people. Raises `UsageError`.

    Other hours alone may be given to one that has begun, too, and to one whose recipients have their own times. But one
    that was paused before it began waits for its time again, where that was said as well.
    """
    said = Schedule.from_json(view.campaign.schedule)
    if not said.has_times_of(schedule):
        require_to_come(schedule)
        return await _begin_at(orders, view, _start_of(view, said, schedule), schedule)
    schedule, start_at = with_hours_of(said, schedule), view.campaign.start_at
    rests = view.campaign.state is CampaignState.PAUSED and view.campaign.first_claim_at is None
    if start_at is None or not (time_said and rests):
        return await _go_at(orders, view, schedule)
    if start_at <= now():
        title = f"Its time has passed: it was to begin at {show_moment(start_at, schedule.timezone)}"
        raise UsageError(title, detail="Nothing was changed.")
    return await _begin_at(orders, view, start_at, schedule)


async def put_to_hours(orders: Orders, view: CampaignView, hours: Schedule | None) -> str:
    """Have a campaign go at other hours, by the clock of that schedule; None for any hour."""
    said = Schedule.from_json(view.campaign.schedule)
    wanted = dataclasses.replace(hours or Schedule(), missed=said.missed, grace=said.grace)
    return await _go_at(orders, view, with_hours_of(said, wanted))


def _start_of(view: CampaignView, said: Schedule, schedule: Schedule) -> float:
    start_at = begins(schedule)
    if start_at is None:
        raise UsageError(
            f"{view.name} ({view.id}) was launched to be sent once",
            hint="Say a time: --at WHEN. To send a campaign again and again, run it: mailtui run CAMPAIGN --cron …",
        )
    if said.has_own_times:
        raise UsageError(
            f"The recipients of {view.id} have times of their own, by columns of its list",
            detail="Nothing was changed.",
            hint=f"End it: mailtui cancel {view.id}\nThen launch it anew: mailtui run CAMPAIGN --new --at WHEN",
        )
    return start_at


async def _begin_at(orders: Orders, view: CampaignView, start_at: float, schedule: Schedule) -> str:
    answer = await orders.give(view, OrderKind.SCHEDULE, {"at": start_at, "schedule": schedule.to_json()})
    return f"{answer}: {show_moment(start_at, schedule.timezone)}"


async def _go_at(orders: Orders, view: CampaignView, schedule: Schedule) -> str:
    answer = await orders.give(view, OrderKind.SET, {"schedule": schedule.to_json()})
    if answer != "changed":
        return answer
    told = "at any hour" if schedule.window is None else f"only {schedule.window.words} {schedule.timezone}"
    said = Schedule.from_json(view.campaign.schedule)
    if (said.missed, said.grace) != (schedule.missed, schedule.grace):
        grace = f", within {countdown(schedule.grace)}" if schedule.missed is Missed.SEND else ""
        told += f"; what is missed: {schedule.missed}{grace}"
    return f"{answer}: {told}"
