"""Owns how long the wire waits: the minimums of RFC 5321 section 4.5.3.2, in seconds.

Shorter ones make duplicates: a client that gives up on a slow reply to the last bytes cannot know whether the
message was accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each step of the dialogue."""

    connect: float = 60.0
    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    quit: float = 5.0

    def scaled(self, factor: float) -> Timeouts:
        return Timeouts(**{field.name: getattr(self, field.name) * factor for field in fields(self)})


def time_scale(environ: Mapping[str, str]) -> float:
    """`MAILTUI_TIME_SCALE`, for tests only: 0.01 makes ten minutes six seconds. 1 when unset or not a number."""
    try:
        scale = float(environ.get("MAILTUI_TIME_SCALE", "1"))
    except ValueError:
        return 1.0
    return scale if 0 < scale <= 1 else 1.0
