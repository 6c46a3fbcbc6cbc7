"""Owns times as a person says them: `tomorrow 9:00`, `mon 9:00`, `in 2h`."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from mailtui.kit.durations import parse_duration
from mailtui.schedule.moment import LocalTime, as_local, local_time, resolve
from mailtui.schedule.window import day_number
from mailtui.schedule.zones import wall_at, zone_named

_AFTER = re.compile(r"(?:in\s+|\+\s*)(\d.*)\Z", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\S+)\s+(?:at\s+)?)?(\d{1,2}):(\d{2})\Z", re.IGNORECASE)
_WORDS = re.compile(r"\s*(minutes?|mins?|hours?|days?|seconds?)\Z", re.IGNORECASE)
_LONGEST = 10 * 366 * 86_400.0
_DAYS_AHEAD = {"today": 0, "tomorrow": 1}
_EXAMPLES = '"2026-12-01 09:00", "9:00", "tomorrow 9:00", "mon 9:00" or "in 2h"'


def when(text: str, zone: str, now: float) -> LocalTime:
    """The time that a text means to somebody in a zone at `now` (epoch seconds). Raises ValueError with a sentence.

    A time of day alone is the next one; the day of a week is the next such day on which the time has not passed.
    """
    said = " ".join(text.split())
    if after := _AFTER.match(said):
        return as_local(now + _span(after[1], said), zone)
    if said[:4].isdigit():
        return local_time(said)
    match = _CLOCK.match(said)
    if match is None:
        raise ValueError(f"{text!r} is no time that can be understood; write it as {_EXAMPLES}")
    day, hour, minute = match.groups()
    try:
        of_day = time(int(hour), int(minute))
    except ValueError:
        raise ValueError(f"{hour}:{minute} is no time of day") from None
    return _on_day(day, of_day, zone, now)


def _on_day(day: str | None, of_day: time, zone: str, now: float) -> LocalTime:
    today = wall_at(now, zone_named(zone)).date()
    if day is not None and day.casefold() in _DAYS_AHEAD:
        return LocalTime(datetime.combine(today + timedelta(days=_DAYS_AHEAD[day.casefold()]), of_day))
    if day is None:
        ahead, step = 0, 1
    else:
        ahead, step = (day_number(day) - today.weekday()) % 7, 7
    found = LocalTime(datetime.combine(today + timedelta(days=ahead), of_day))
    if resolve(found, zone).at <= now:
        found = LocalTime(found.wall + timedelta(days=step))
    return found


def _span(text: str, said: str) -> float:
    """Seconds of `2h`, `2 hours`, `1h 30m`."""
    parts = re.findall(r"\d+(?:\.\d+)?\s*[a-z]+", text.casefold())
    if not parts or "".join("".join(parts).split()) != "".join(text.casefold().split()):
        raise ValueError(f"{said!r} is no time that can be understood; write it as {_EXAMPLES}")
    span = sum(parse_duration(_WORDS.sub(lambda unit: unit[1][0], part)) for part in parts)
    if span > _LONGEST:
        raise ValueError(f"{said!r} is too far away; a date is easier to read then, such as 2026-12-01 09:00")
    return span
