"""Owns the times of a schedule: the next one after a moment, and those to come.

Days and longer intervals, and lines of cron, go by the clock on the wall: each of its times comes once, moved forward
where a clock change leaves it out, at the first where it comes twice. Hours and minutes go by time that passes; so do
lines of cron that name every hour.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo

from mailtui.schedule.cron import cron_walls, is_hourly
from mailtui.schedule.interval import Interval, parse_interval
from mailtui.schedule.machine import machine_zone
from mailtui.schedule.moment import Moment, as_local, local_time, resolve, resolve_in
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.zones import offset_at, times_of, wall_at, zone_named

_NEAR = 26 * 3_600.0
"""Seconds from a moment within which a clock change may put times of the wall near it out of order."""


def settle(schedule: Schedule, now: float) -> Schedule:
    """The schedule with what is left to the machine and to the moment: its zone, and from when intervals count."""
    zone = schedule.timezone or machine_zone()
    at = schedule.at
    if schedule.every and not at:
        at = as_local(now - now % 60, zone).text
    return dataclasses.replace(schedule, timezone=zone, at=at)


def next_after(schedule: Schedule, after: float) -> Moment | None:
    """The first time of a settled schedule that is later than `after` (epoch seconds); None where there is none.

    How often it was launched is not known here: `times` is left to whoever counts. Raises ValueError for a schedule
    that cannot be read.
    """
    begins = resolve(local_time(schedule.at), schedule.timezone) if schedule.at else None
    if not schedule.recurs:
        return begins if begins is not None and begins.at > after else None
    if begins is not None and after < begins.at:
        if schedule.every:
            found: Moment | None = begins
        else:
            found = _next_wall(schedule, math.nextafter(begins.at, 0.0))
    elif schedule.every and (seconds := parse_interval(schedule.every).seconds) is not None:
        assert begins is not None, "a settled schedule says from when its intervals count"
        found = Moment(begins.at + (math.floor((after - begins.at) / seconds) + 1) * seconds)
    else:
        found = _next_wall(schedule, after)
    return None if found is None or found.at > _ends(schedule) else found


def upcoming(schedule: Schedule, after: float, most: int, *, runs: int = 0) -> list[Moment]:
    """The next times after a moment, so many at most; `runs` is how often it was launched."""
    left = most if schedule.times is None else min(most, schedule.times - runs)
    found: list[Moment] = []
    while len(found) < left and (moment := next_after(schedule, found[-1].at if found else after)) is not None:
        found.append(moment)
    return found


def _next_wall(schedule: Schedule, after: float) -> Moment | None:
    """The first moment after `after` of the times of the wall that a schedule names.

    Around a clock change a time that is later on the wall may come before an earlier one.
    """
    zone = zone_named(schedule.timezone)
    by_hours = bool(schedule.cron) and is_hourly(schedule.cron)
    start = wall_at(after, zone) - _spread(after, zone)
    best: Moment | None = None
    stop: datetime | None = None
    for wall in _walls(schedule, start.replace(microsecond=0)):
        if stop is not None and wall > stop:
            break
        for moment in _moments(wall, zone, schedule.timezone, by_hours=by_hours):
            if moment.at > after and (best is None or moment.at < best.at):
                best = moment
                stop = wall + _spread(moment.at, zone)
    return best


def _walls(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    if schedule.cron:
        return cron_walls(schedule.cron, start)
    interval: Interval = parse_interval(schedule.every)
    first = local_time(schedule.at)
    wall = first.wall if first.offset is None else wall_at(resolve(first, "UTC").at, zone_named(schedule.timezone))
    return interval.walls(wall, start)


def _moments(wall: datetime, zone: tzinfo, name: str, *, by_hours: bool) -> list[Moment]:
    if by_hours:
        return [Moment(at) for at in times_of(wall, zone)]
    return [resolve_in(wall, zone, name)]


def _spread(at: float, zone: tzinfo) -> timedelta:
    """How far times of the wall near a moment may be out of order."""
    return 2 * abs(offset_at(at + _NEAR, zone) - offset_at(at - _NEAR, zone))


def _ends(schedule: Schedule) -> float:
    if not schedule.until:
        return math.inf
    return resolve(local_time(schedule.until, end_of_day=True), schedule.timezone).at
