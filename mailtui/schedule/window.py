"""Owns the hours of the day and the days of the week in which mails may go, by the clocks of a zone."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from mailtui.schedule.zones import offset_at, times_of, wall_at, zone_named

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
EVERY_DAY = tuple(range(7))
_WHOLE_DAY = 24 * 60
_TIME = re.compile(r"(\d{1,2}):(\d{2})\Z")
_LOOK = 16
"""Days that are looked at: two weeks, and one to each side; a clock change may leave out the hours of one of them."""


@dataclass(frozen=True, slots=True)
class Window:
    """From `opens` until `closes`, in minutes of the day, on `days` (0 is Monday); 540 to 1020 is 09:00 to 17:00.

    One that closes before it opens passes midnight, and belongs to the day on which it opens. One that opens and closes
    at the same time is open all day.
    """

    opens: int = 0
    closes: int = _WHOLE_DAY
    days: tuple[int, ...] = EVERY_DAY

    def open_at(self, at: float, zone: str) -> bool:
        """Whether mails may go at a moment (epoch seconds), by the clocks of a zone."""
        return self._is_open(at, zone_named(zone))

    def opens_at(self, at: float, zone: str) -> float:
        """The first moment from `at` on at which mails may go: `at` itself where it is open."""
        tz = zone_named(zone)
        if self._is_open(at, tz):
            return at
        return next(edge for edge in self._edges(at, tz) if self._is_open(edge, tz))

    def closes_at(self, at: float, zone: str) -> float:
        """The first moment after `at` at which no mail may go: `at` itself where it is closed, infinity for never."""
        tz = zone_named(zone)
        if not self._is_open(at, tz):
            return at
        return next((edge for edge in self._edges(at, tz) if not self._is_open(edge, tz)), math.inf)

    @property
    def hours(self) -> str:
        """As `window_of` reads them, and as a dialog shows them: `09:00-17:00`; empty for all day."""
        is_all_day = self.opens % _WHOLE_DAY == self.closes % _WHOLE_DAY
        return "" if is_all_day else f"{clock(self.opens)}-{clock(self.closes)}"

    @property
    def day_names(self) -> str:
        """As `window_of` reads them: `mon,tue`; empty for every day."""
        return "" if self.days == EVERY_DAY else ",".join(DAYS[day] for day in self.days)

    @property
    def words(self) -> str:
        """Such as `Mon–Fri 09:00–17:00`."""
        hours = self.hours.replace("-", "–") or "all day"
        return hours if self.days == EVERY_DAY else f"{_days_in_words(self.days)} {hours}"

    def _is_open(self, at: float, zone: tzinfo) -> bool:
        wall = wall_at(at, zone)
        minute, today = wall.hour * 60 + wall.minute, wall.weekday()
        if not self.hours:
            return today in self.days
        if self.opens < self.closes:
            return today in self.days and self.opens <= minute < self.closes
        yesterday = (today - 1) % 7
        return (today in self.days and minute >= self.opens) or (yesterday in self.days and minute < self.closes)

    def _edges(self, at: float, zone: tzinfo) -> list[float]:
        """The moments after `at`, in order, at which it may open or close: its times, midnights, clock changes."""
        first = datetime.combine(wall_at(at, zone).date(), time()) - timedelta(days=1)
        edges: set[float] = set()
        for day in range(_LOOK + 1):
            midnight = first + timedelta(days=day)
            walls = {midnight + timedelta(minutes=minute) for minute in (0, self.opens, self.closes)}
            edges.update(edge for wall in walls for edge in times_of(wall, zone))
            edges.update(_clock_change(midnight, zone))
        return sorted(edge for edge in edges if edge > at)


def clock(minute: int) -> str:
    """A minute of the day as a clock shows it: 540 is 09:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def minute_of_day(text: str) -> int:
    """The minute of the day that `09:00` is; `24:00` is its end. Raises ValueError with a sentence."""
    match = _TIME.match(text.strip())
    minute = int(match[1]) * 60 + int(match[2]) if match is not None else -1
    if match is None or int(match[2]) > 59 or not 0 <= minute <= _WHOLE_DAY:
        raise ValueError(f"{text!r} is no time of day; write it as 09:00")
    return minute


def window_of(hours: str, days: str) -> Window | None:
    """The window of texts such as `09:00-17:00` and `mon-fri`; None where both are empty. Raises ValueError."""
    if not hours.strip() and not days.strip():
        return None
    opens, dash, closes = hours.replace("–", "-").partition("-")
    if hours.strip() and not dash:
        raise ValueError(f"{hours!r} are no hours; write them as 09:00-17:00")
    return Window(
        opens=minute_of_day(opens) if dash else 0,
        closes=minute_of_day(closes) if dash else _WHOLE_DAY,
        days=day_numbers(days.split(",")) if days.strip() else EVERY_DAY,
    )


def day_numbers(names: Sequence[str]) -> tuple[int, ...]:
    """The days of `["mon", "Tuesday", "wed-fri"]`, sorted. Raises ValueError with a sentence."""
    days: set[int] = set()
    for name in names:
        first, dash, last = (part.strip() for part in name.replace("–", "-").partition("-"))
        start = day_number(first)
        end = day_number(last) if dash else start
        days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    if not days:
        raise ValueError("at least one day is needed, such as mon")
    return tuple(sorted(days))


def day_number(name: str) -> int:
    """0 for `mon` or `Monday`. Raises ValueError with a sentence."""
    short = name.strip().casefold()
    for number, full in enumerate(_DAY_NAMES):
        if len(short) >= 3 and full.casefold().startswith(short):
            return number
    raise ValueError(f"{name!r} is no day of the week; write mon, tue, wed, thu, fri, sat or sun")


def _days_in_words(days: tuple[int, ...]) -> str:
    shorts = [_DAY_NAMES[day][:3] for day in days]
    is_row = len(days) > 2 and days[-1] - days[0] == len(days) - 1
    return f"{shorts[0]}–{shorts[-1]}" if is_row else ", ".join(shorts)


def _clock_change(midnight: datetime, zone: tzinfo) -> Iterator[float]:
    """The moment at which the clock is put on the day that begins with this midnight, to the second."""
    low = int(midnight.replace(tzinfo=zone).timestamp()) - 3_600
    high = low + 26 * 3_600
    before = offset_at(low, zone)
    if offset_at(high, zone) == before:
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset_at(middle, zone) == before else (low, middle)
    yield float(high)
