"""Finds the clock changes of all zones by asking the time of each day, and what clocks show around each, minute by
minute: nothing here knows how the schedule room counts.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from mailtui.schedule.zones import known_zones

MINUTE, HOUR, DAY = 60.0, 3_600.0, 86_400.0


@dataclass(frozen=True, slots=True)
class ClockChange:
    """The clocks of `zone` are put at `at` (epoch seconds), from one offset to another (seconds before UTC)."""

    zone: str
    at: float
    before: int
    after: int

    @property
    def hour(self) -> int:
        """The hour of the day that is left out or comes twice, as it begins."""
        return shown(self.at - 1.0 if self.after > self.before else self.at, self.zone).hour


def shown(at: float, zone: str) -> datetime:
    """What clocks show."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def _offset(at: float, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None
    return round(offset.total_seconds())


def _changes_of(name: str) -> Iterator[ClockChange]:
    zone = ZoneInfo(name)
    at = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    end = datetime(2029, 1, 1, tzinfo=UTC).timestamp()
    before = _offset(at, zone)
    while at < end:
        after = _offset(at + DAY, zone)
        if after != before:
            low, high = at, at + DAY
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
            yield ClockChange(name, high, before, after)
        before, at = after, at + DAY


@functools.cache
def all_changes() -> tuple[ClockChange, ...]:
    """Those of all zones from 2026 to 2028; of zones that change alike, only the first one's."""
    found: dict[tuple[float, int, int], ClockChange] = {}
    for name in known_zones():
        for change in _changes_of(name):
            found.setdefault((change.at, change.before, change.after), change)
    return tuple(found.values())


@functools.cache
def first_shown(change: ClockChange) -> dict[datetime, float]:
    """The first moment of each minute that clocks show, from two days before a change to two days after."""
    found: dict[datetime, float] = {}
    steps = [(step * MINUTE, timedelta(minutes=step)) for step in range(2 * 24 * 60)]
    utc = datetime.fromtimestamp(change.at, UTC).replace(tzinfo=None)
    for start, offset in ((-2 * DAY, change.before), (0.0, change.after)):
        first = utc + timedelta(seconds=start + offset)
        for seconds, span in steps:
            found.setdefault(first + span, change.at + start + seconds)
    return found


def comes_at(change: ClockChange, wall: datetime) -> float:
    """When a time of the wall near a change is to come: when clocks first show it; where they never do, as much later
    as they are put forward.
    """
    known = first_shown(change)
    return known[wall] if wall in known else known[wall + timedelta(seconds=change.after - change.before)]
