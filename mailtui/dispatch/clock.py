"""Owns noticing that somebody put the clock forward or back, so that what waits goes on waiting as long as it was to.

Due times are kept as times of day, since a runner may end and another go on. A machine that begins in 1970 and hears
the time a minute later, or a person who sets the clock, would make all of them due at once, or in a day.
"""

from __future__ import annotations

import time

_JUMP = 60.0  # seconds; less is how clocks are kept right, and no wait is shorter


class ClockWatch:
    """Compares the time of day with a clock that nobody sets and that runs on while the machine sleeps."""

    def __init__(self) -> None:
        self._offset = time.time() - _steady()

    def moved(self) -> float:
        """By how many seconds the clock was put forward (back: negative) since the last time it was; 0.0 for not."""
        offset = time.time() - _steady()
        by = offset - self._offset
        if abs(by) < _JUMP:
            return 0.0
        self._offset = offset
        return by


def _steady() -> float:
    if not hasattr(time, "clock_gettime"):
        return time.monotonic()
    # Linux counts time asleep in this one only; elsewhere the monotonic clock has it.
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
