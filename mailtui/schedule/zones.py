"""Owns time zones by their names, and what their clocks say.

A zone is named as IANA names it (`Europe/Berlin`); a column of a list may also have offsets from UTC (`+02:00`).
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from datetime import datetime, timedelta, timezone, tzinfo

from mailtui.kit.suggest import did_you_mean

_OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-])(\d{1,2})(?::?([0-5]\d))?\Z", re.IGNORECASE)
_NO_ZONES = ("localtime", "posixrules", "Factory")
_NO_FOLDERS = ("posix/", "right/")  # copies of all others; those of `right` count leap seconds


@functools.lru_cache(maxsize=1_024)
def zone_named(name: str) -> tzinfo:
    """The zone of a name such as `Europe/Berlin` or `UTC`. Raises ValueError with a sentence."""
    if not name:
        raise ValueError("a time zone is missing; write one such as Europe/Berlin")
    try:
        if name in _NO_ZONES or name.startswith(_NO_FOLDERS):
            raise zoneinfo.ZoneInfoNotFoundError(name)
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones, a path, no such name
        raise ValueError(f"{name!r} is no time zone. {_hint(name)}") from None


def zone_or_offset(text: str) -> tzinfo:
    """The zone of a cell: a name, or an offset such as `+02:00`, `UTC+2`, `Z`. Raises ValueError with a sentence."""
    if text.upper() in ("Z", "GMT"):
        return zone_named("UTC")
    match = _OFFSET.match(text)
    if match is None:
        return zone_named(text)
    sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
    if offset > timedelta(hours=14):
        raise ValueError(f"{text!r} is no time zone: no place on earth is so far from UTC")
    return timezone(-offset if sign == "-" else offset)


@functools.lru_cache(maxsize=1_024)
def _hint(name: str) -> str:
    """What was meant by a name; a list may have the same wrong one in each row."""
    return did_you_mean(name, known_zones()) or "Write one such as Europe/Berlin."


@functools.cache
def known_zones() -> tuple[str, ...]:
    """All names of zones, sorted."""
    names = zoneinfo.available_timezones()
    return tuple(sorted(name for name in names if name not in _NO_ZONES and not name.startswith(_NO_FOLDERS)))


def wall_at(at: float, zone: tzinfo) -> datetime:
    """What the clocks of a zone show at a moment (epoch seconds), without the zone."""
    return datetime.fromtimestamp(at, zone).replace(tzinfo=None, fold=0)


def offset_at(at: float, zone: tzinfo) -> timedelta:
    """How far the clocks of a zone are before UTC at a moment (epoch seconds)."""
    offset = datetime.fromtimestamp(at, zone).utcoffset()
    assert offset is not None, "a zone knows its offset"
    return offset


def times_of(wall: datetime, zone: tzinfo) -> tuple[float, ...]:
    """The moments (epoch seconds) at which the clocks of a zone show `wall`: one, two in a fold, none in a gap."""
    both = {wall.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)}
    return tuple(sorted(at for at in both if wall_at(at, zone) == wall))
