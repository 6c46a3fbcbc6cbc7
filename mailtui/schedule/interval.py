"""Owns intervals: so much time, or so many days, weeks, months or years at the same time of the wall."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailtui.kit.words import counted

_WRITTEN = re.compile(r"(?:(\d+)\s*)?([a-z]+)\Z")
_SECONDS = {"minute": 60.0, "hour": 3_600.0}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}
_UNITS = {
    "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week",
    **{unit: unit for unit in ("minute", "hour", "day", "week", "month", "year")},
}  # fmt: skip
_MOST = 100_000
_LAST_YEAR = 2199


@dataclass(frozen=True, slots=True)
class Interval:
    """So many of a unit: minute, hour, day, week, month or year."""

    count: int
    unit: str

    @property
    def seconds(self) -> float | None:
        """Its length, where it is one of time; None for days and longer, which keep the time of the wall."""
        return self.count * _SECONDS[self.unit] if self.unit in _SECONDS else None

    @property
    def text(self) -> str:
        """As a schedule keeps it: `1 week`, `2 hours`."""
        return counted(self.count, self.unit).replace(",", "")

    @property
    def words(self) -> str:
        """Such as `2 hours`; `week` for a single one, so that `every` may stand before it."""
        return self.unit if self.count == 1 else counted(self.count, self.unit)

    def walls(self, first: datetime, start: datetime) -> Iterator[datetime]:
        """The times of the wall from `start` on, counted from `first`, which is one of them.

        A month that has no such day has its last one instead; the next month has its own again.
        """
        step = max(0, self._steps(first, start) - 1)
        while (wall := self._after(first, step)) is not None:
            if wall >= start:
                yield wall
            step += 1

    def _steps(self, first: datetime, start: datetime) -> int:
        """About how many intervals are between both, rather too few."""
        if self.unit in _DAYS:
            return (start - first).days // (self.count * _DAYS[self.unit])
        months = (start.year - first.year) * 12 + start.month - first.month
        return (months - 1) // (self.count * _MONTHS[self.unit])

    def _after(self, first: datetime, step: int) -> datetime | None:
        """The time so many intervals after the first one; None where the calendar ends."""
        if self.unit in _DAYS:
            days = step * self.count * _DAYS[self.unit]
            return first + timedelta(days=days) if days < (_LAST_YEAR - first.year) * 365 else None
        months = first.month - 1 + step * self.count * _MONTHS[self.unit]
        year, month = first.year + months // 12, months % 12 + 1
        if year > _LAST_YEAR:
            return None
        return first.replace(year=year, month=month, day=min(first.day, calendar.monthrange(year, month)[1]))


def parse_interval(text: str) -> Interval:
    """The interval that `2 hours`, `30m`, `1 week` or `month` is. Raises ValueError with a sentence."""
    match = _WRITTEN.match(text.strip().casefold())
    unit = _UNITS.get(match[2], _UNITS.get(match[2].removesuffix("s"), "")) if match is not None else ""
    if match is None or not unit:
        raise ValueError(f"{text!r} is no interval; write it as 30 minutes, 2 hours, 1 day, 1 week or 1 month")
    count = int(match[1] or 1)
    if not 0 < count <= _MOST:
        raise ValueError(f"{text!r}: a number from 1 to {_MOST:,} is expected")
    return Interval(count, unit)
