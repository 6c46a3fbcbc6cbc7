"""Owns how a rate is written: `10/s`, `600/m`, `5000/h`."""

from __future__ import annotations

import re

_RATE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)\s*$")
_NUMBER = re.compile(r"^\s*\d+(?:\.\d+)?\s*$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def parse_rate(text: str) -> float:
    """Messages a second from text like `10/s`, `600/m`, `5000/h`. Raises ValueError with a sentence."""
    match = _RATE.match(text)
    if _NUMBER.match(text) and float(text) > 0:
        raise ValueError(f"{text!r} is no rate. Did you mean {text.strip()}/s?")
    if match is None or float(match.group(1)) <= 0:
        raise ValueError(f"{text!r} is no rate; write a number and a unit, such as 10/s, 600/m or 5000/h")
    return float(match.group(1)) / _SECONDS[match.group(2)[0]]


def show_rate(rate: float | None) -> str:
    """A rate as a person writes it."""
    if rate is None:
        return "as fast as the server takes it"
    for unit, seconds in _SECONDS.items():
        if rate * seconds >= 1:
            return f"{rate * seconds:g}/{unit}"
    return f"{rate * 86_400:g}/d"
