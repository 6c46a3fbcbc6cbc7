"""Owns spans and moments of time as a person says them."""

from __future__ import annotations

import re
import time

_SPAN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhd])\s*\Z")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


def parse_duration(text: str) -> float:
    """Seconds from text like `30s`, `5m`, `48h`, `4d`. Raises ValueError with a sentence."""
    match = _SPAN.match(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration; write a number and a unit, such as 30s, 5m, 48h or 4d")
    return float(match.group(1)) * _SECONDS[match.group(2)]


def show_duration(seconds: float) -> str:
    """A span of time: 4.2 s, 42 s, 3 min 05 s, 2 h 07 min, 3 d 4 h."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    return countdown(seconds)


def countdown(seconds: float) -> str:
    """A wait for people who look on: `42 s`, `12 min 05 s`, `3 h 07 min`, `2 d 4 h`; none is `0 s`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def show_wait(seconds: float) -> str:
    """A short span with its thousandths: 0.4 ms, 12 ms, 1.3 s; a longer one as `show_duration` has it."""
    if seconds >= 1:
        return show_duration(seconds)
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"


def show_moment(at: float) -> str:
    """A moment (epoch seconds) in local time: 14:05:09, and with its date when that is not today's."""
    moment, today = time.localtime(at), time.localtime()
    same_day = (moment.tm_year, moment.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M:%S" if same_day else "%Y-%m-%d %H:%M:%S", moment)
