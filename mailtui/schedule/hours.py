"""Owns giving a schedule other hours, where everybody's time stays what it is."""

from __future__ import annotations

import dataclasses

from mailtui.schedule.moment import pinned
from mailtui.schedule.schedule import Schedule


def with_hours_of(schedule: Schedule, other: Schedule) -> Schedule:
    """The same times, with the other's hours by that one's clock, and with what it says of missed times.

    Where both go by different clocks, the time at which it begins is written so that it stays the same moment.
    """
    at, zone = schedule.at, other.timezone or schedule.timezone
    if at and schedule.timezone != zone:
        at = pinned(at, schedule.timezone)
    return dataclasses.replace(
        schedule, at=at, timezone=zone, window=other.window, missed=other.missed, grace=other.grace
    )


def has_hours_of(schedule: Schedule, other: Schedule) -> bool:
    """Whether both say the same of hours and of missed times."""
    zones = {one.timezone for one in (schedule, other) if one.window is not None}
    same = (schedule.window, schedule.missed, schedule.grace) == (other.window, other.missed, other.grace)
    return same and len(zones) < 2
