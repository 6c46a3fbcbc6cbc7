"""Owns how often a runner looks around: ten times a second while there is something to do, and less often once it has
only waited for a while. What is on record for a time to come is begun at that time, whatever the rhythm.

A runner may wait for weeks for what is scheduled; until then it is to cost next to nothing, neither the battery nor the
disk. Whoever gives an order then is answered a little later, and the first answer brings the quick rhythm back.
"""

from __future__ import annotations

_CALM_AFTER = 10.0  # seconds since there was last something to do
_TICK, _CALM_TICK = 0.1, 0.25
_NUDGE_EVERY = 0.25
_WAITING_NUDGE_EVERY = 1.0
_CALM_NUDGE_EVERY = 5.0


class Rhythm:
    """`now` is the loop's time, in seconds."""

    def __init__(self, now: float) -> None:
        self._worked_at = now
        self._nudge_at = 0.0

    def worked(self, now: float) -> None:
        """There was something to do."""
        if self.is_calm(now):
            self._nudge_at = now
        self._worked_at = now

    def is_calm(self, now: float) -> bool:
        """Whether there has been nothing to do for a while."""
        return now - self._worked_at > _CALM_AFTER

    def tick(self, now: float) -> float:
        """Seconds until the next look."""
        return _CALM_TICK if self.is_calm(now) else _TICK

    def nudges(self, now: float, *, campaigns: int, waiting: bool) -> bool:
        """Whether it is time to put on record how things stand. `campaigns` are being sent, and `waiting`: all of them
        wait for a time. Faces take a runner with a campaign for one that cannot write when it is silent for long.
        """
        if now < self._nudge_at:
            return False
        slow = _CALM_NUDGE_EVERY if not campaigns and self.is_calm(now) else _WAITING_NUDGE_EVERY
        self._nudge_at = now + (slow if waiting else _NUDGE_EVERY)
        return True
