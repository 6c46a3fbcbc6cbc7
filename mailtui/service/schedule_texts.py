"""Owns reading what a person types about a schedule, behind an option or into a field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mailtui.kit.durations import parse_duration
from mailtui.schedule.cron import check_cron
from mailtui.schedule.interval import parse_interval
from mailtui.schedule.machine import machine_zone
from mailtui.schedule.moment import local_time
from mailtui.schedule.schedule import GRACE, Missed
from mailtui.schedule.when import when
from mailtui.schedule.zones import zone_named

_MOST_TIMES = 1_000_000
_NOTHING: Mapping[str, Any] = {"times": None, "missed": Missed.ASK, "grace": GRACE}
"""What a schedule has where nothing is said; an empty text in all other fields."""


def value_of(name: str, text: str, zone: str, now: float) -> Any:
    """What a text typed for a field of a schedule is there; `zone` is that of its times, `now` in epoch seconds.

    Nothing typed is nothing said; for the zone it is this machine's. Raises ValueError with a sentence, and
    `NoMachineZone`.
    """
    text = text.strip()
    if name == "at":
        return when(text, zone, now).text if text else ""
    if name == "timezone":
        text = text or machine_zone()
        zone_named(text)
        return text
    return _READERS[name](text) if text else _NOTHING.get(name, "")


def _until(text: str) -> str:
    local_time(text, end_of_day=True)
    return text


def _times(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < _MOST_TIMES:
        raise ValueError(f"{text!r} is no number of times; a number from 1 on is expected")
    return int(text)


def _missed(text: str) -> Missed:
    if text not in tuple(Missed):
        raise ValueError(f"write one of {', '.join(Missed)}")
    return Missed(text)


_READERS: Mapping[str, Callable[[str], Any]] = {
    "every": lambda text: parse_interval(text).text,
    "cron": check_cron,
    "until": _until,
    "times": _times,
    "missed": _missed,
    "grace": parse_duration,
}
