"""Owns how long the wire waits: the minimums of RFC 5321 section 4.5.3.2, in seconds.

Shorter ones make duplicates: a client that gives up on a slow reply to the last bytes cannot know whether the
message was accepted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for each step of the dialogue; `min_rate` is the fewest bytes a second a body may be taken at."""

    connect: float = 60.0
    greeting: float = 300.0
    command: float = 300.0
    data: float = 120.0
    block: float = 180.0
    dot: float = 600.0
    quit: float = 5.0
    min_rate: float = 500.0  # half of the slowest line somebody still sends mail over; Postfix draws it there too

    def scaled(self, factor: float) -> Timeouts:
        """The same in another measure of time."""
        return Timeouts(
            connect=self.connect * factor,
            greeting=self.greeting * factor,
            command=self.command * factor,
            data=self.data * factor,
            block=self.block * factor,
            dot=self.dot * factor,
            quit=self.quit * factor,
            min_rate=self.min_rate / factor,
        )


def time_scale(environ: Mapping[str, str]) -> float:
    """`MAILTUI_TIME_SCALE`, for tests only: 0.01 makes ten minutes six seconds. 1 when unset or not a number."""
    try:
        scale = float(environ.get("MAILTUI_TIME_SCALE", "1"))
    except ValueError:
        return 1.0
    return scale if 0 < scale <= 1 else 1.0
