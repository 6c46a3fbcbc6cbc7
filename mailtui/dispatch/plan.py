"""Owns the dispatch section of a campaign as the runner reads it: how many, how fast, how often again."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from mailtui.smtp.gear import MAX_WINDOW

_RATE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*/\s*(s|sec|second|m|min|minute|h|hour|d|day)\s*$")
_NUMBER = re.compile(r"^\s*\d+(?:\.\d+)?\s*$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

MAX_WORKERS = 256
MAX_RENDER_PROCESSES = 16


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


@dataclass(frozen=True, slots=True)
class SendPlan:
    """How a campaign is sent. `rate` in messages a second, None for no limit; `give_up_after` in seconds; `window`: the
    most transactions in flight on a connection; `render_processes`: how many render besides the runner, None for as
    many as pay.
    """

    workers: int = 8
    rate: float | None = None
    burst: int = 1
    max_attempts: int = 5
    give_up_after: float = 48 * 3600.0
    window: int = 1
    render_processes: int | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> SendPlan:
        return cls(**json.loads(text))

    def changed(self, arguments: dict[str, Any]) -> SendPlan:
        """The plan with what an order sets: `workers`, `rate` (None lifts the limit), `burst`, `window`, the retries'
        `max_attempts` and `give_up_after`, and `render_processes` (None for as many as pay). A launch that adds to a
        campaign orders all of them.

        Raises ValueError with a sentence for what makes no plan.
        """
        known = {key: arguments[key] for key in asdict(self) if key in arguments}
        for key, value in known.items():
            if value is None and key in ("rate", "render_processes"):
                continue
            kind = int | float if key in ("rate", "give_up_after") else int
            number = isinstance(value, kind) and not isinstance(value, bool)
            if not number or value < 0 or (value == 0 and key != "render_processes"):
                raise ValueError(f"{key} cannot be {value!r}")
        if known.get("workers", 1) > MAX_WORKERS:
            raise ValueError(f"there cannot be more than {MAX_WORKERS} workers")
        if known.get("window", 1) > MAX_WINDOW:
            raise ValueError(f"the window cannot be larger than {MAX_WINDOW}")
        if (known.get("render_processes") or 0) > MAX_RENDER_PROCESSES:
            raise ValueError(f"there cannot be more than {MAX_RENDER_PROCESSES} render processes")
        return replace(self, **known)
