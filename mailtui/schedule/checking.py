"""Owns whether a schedule can be kept: each value on its own, and all of them together."""

from __future__ import annotations

from mailtui.schedule.cron import check_cron
from mailtui.schedule.interval import parse_interval
from mailtui.schedule.moment import local_time, resolve
from mailtui.schedule.recurring import next_after
from mailtui.schedule.schedule import GRACE, Missed, Schedule
from mailtui.schedule.zones import zone_named

_EVER = 0.0


def check_schedule(schedule: Schedule) -> None:
    """Raises ValueError with a sentence about the first thing that is wrong with a schedule, settled or not."""
    check_parts(schedule)
    said = schedule.begins_later or schedule.window is not None or bool(schedule.send_at_column)
    if not said:
        raise ValueError("it says no time: write at, every, cron or window")
    if schedule.zone_column and not schedule.send_at_column:
        _check_has_a_time_of_day(schedule)
    if schedule.recurs and schedule.send_at_column:
        raise ValueError("each row has a time of its own, so it cannot be sent again and again")


def check_parts(schedule: Schedule) -> None:
    """The same about what is said, where more may be said elsewhere."""
    if schedule.timezone:
        zone_named(schedule.timezone)
    if schedule.at:
        local_time(schedule.at)
    if schedule.until:
        local_time(schedule.until, end_of_day=True)
    if schedule.every:
        parse_interval(schedule.every)
    if schedule.cron:
        check_cron(schedule.cron)
    _check_together(schedule)
    _check_ends(schedule)


def _check_together(schedule: Schedule) -> None:
    if schedule.every and schedule.cron:
        raise ValueError("every and cron are two ways to say the same; keep one of them")
    if not schedule.recurs and (schedule.until or schedule.times is not None):
        raise ValueError("until and times are for what is sent again and again: they need every or cron")
    if schedule.times is not None and schedule.times < 1:
        raise ValueError("times should be 1 or more")
    if schedule.grace != GRACE and schedule.missed is not Missed.SEND:
        raise ValueError("grace is how late it may be with missed: send; it has no meaning without")


def _check_has_a_time_of_day(schedule: Schedule) -> None:
    if not schedule.begins_later:
        raise ValueError(
            "a column of time zones is for the time of day that at, every or cron names; none of them is there"
        )
    if schedule.every and parse_interval(schedule.every).seconds is not None:
        raise ValueError("a column of time zones is for a time of day, and an interval of hours or minutes has none")


def _check_ends(schedule: Schedule) -> None:
    """Whether it comes at all, as far as that can be known without a clock."""
    if not schedule.until or not schedule.timezone or (schedule.every and not schedule.at):
        return
    begins = resolve(local_time(schedule.at), schedule.timezone).at - 1.0 if schedule.at else _EVER
    if next_after(schedule, begins) is None:
        raise ValueError(f"until {schedule.until} is before its first time")
