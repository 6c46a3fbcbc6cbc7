"""Owns times of the clock on the wall, and the moment at which each of them comes.

A time that a clock change leaves out comes as much later as the clock is put forward; one that comes twice is the first
of both (RFC 5545 section 3.3.5; `fold=0` of PEP 495).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone, tzinfo

from mailtui.schedule.zones import offset_at, times_of, wall_at, zone_named

_WRITTEN = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[ T]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?\Z"
)
_FIRST_YEAR, _LAST_YEAR = 1971, 2199
_EXAMPLE = "write it as 2026-12-01 09:00"


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is due: epoch seconds, and what a clock change does to it, as a sentence; empty where nothing."""

    at: float
    said: str = ""


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A time that a clock on the wall shows. With an offset from UTC it is one moment, whatever the zone is."""

    wall: datetime
    offset: timedelta | None = None

    @property
    def text(self) -> str:
        """As a schedule keeps it: `2026-12-01 09:00`, with seconds and offset where there are any."""
        spec = "seconds" if self.wall.second else "minutes"
        stamp = self.wall if self.offset is None else self.wall.replace(tzinfo=timezone(self.offset))
        return stamp.isoformat(" ", spec)


def local_time(text: str, *, end_of_day: bool = False) -> LocalTime:
    """The time that a text names in full: `2026-12-01 09:00`, `2026-12-01T09:00:30+01:00`.

    `end_of_day`: a date alone will do, and means its last second. Raises ValueError with a sentence.
    """
    match = _WRITTEN.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no date and time; {_EXAMPLE}")
    year, month, day, hour, minute, second, offset = match.groups()
    if hour is None and not end_of_day:
        raise ValueError(f"{text!r} has no time of day; {_EXAMPLE}")
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        raise ValueError(f"{text!r} is not a year that mail is sent in")
    try:
        date = datetime(int(year), int(month), int(day))  # noqa: DTZ001 - what a clock on the wall shows
        of_day = time.max.replace(microsecond=0) if hour is None else time(int(hour), int(minute), int(second or 0))
    except ValueError as error:
        raise ValueError(f"{text!r} is no date and time: {error}") from None
    return LocalTime(datetime.combine(date, of_day), _offset(offset) if offset else None)


def resolve(local: LocalTime, zone: str) -> Moment:
    """The moment at which a time comes in a zone; it says so where a clock change moves it. Raises ValueError."""
    return resolve_local(local, zone_named(zone), zone)


def pinned(text: str, zone: str) -> str:
    """A time of the wall in a zone, written so that it is the same moment in every other one."""
    local = local_time(text)
    offset = offset_at(resolve(local, zone).at, zone_named(zone))
    return text if local.offset is not None else LocalTime(local.wall, offset).text


def resolve_local(local: LocalTime, zone: tzinfo, name: str) -> Moment:
    """The same in a zone that goes by `name`."""
    if local.offset is not None:
        return Moment(local.wall.replace(tzinfo=timezone(local.offset)).timestamp())
    return resolve_in(local.wall, zone, name)


def resolve_in(wall: datetime, zone: tzinfo, name: str) -> Moment:
    """The moment at which the clocks of a zone, named so, show `wall`."""
    at = wall.replace(tzinfo=zone, fold=0).timestamp()
    times = times_of(wall, zone)
    day = wall.date().isoformat()
    if not times:
        clock = wall_at(at, zone)
        instead = f"{clock:%H:%M}" if clock.date() == wall.date() else f"{clock:%Y-%m-%d %H:%M}"
        return Moment(
            at, f"{wall:%H:%M} does not exist on {day} in {name}: the clock is put forward; it goes at {instead}"
        )
    if len(times) > 1:
        return Moment(at, f"{wall:%H:%M} comes twice on {day} in {name}: the clock is put back; it goes at the first")
    return Moment(at)


def as_local(at: float, zone: str) -> LocalTime:
    """The time that clocks of a zone show at a moment, to the second, such that it means this moment again."""
    tz = zone_named(zone)
    at = float(int(at))
    wall = wall_at(at, tz)
    is_first = wall.replace(tzinfo=tz, fold=0).timestamp() == at
    return LocalTime(wall, None if is_first else offset_at(at, tz))


def _offset(text: str) -> timedelta:
    if text == "Z":
        return timedelta()
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset > timedelta(hours=14):
        raise ValueError(f"{text!r} is too far from UTC")
    return -offset if text[0] == "-" else offset
