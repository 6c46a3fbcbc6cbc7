"""Owns the token bucket: how soon the next message may begin."""

from __future__ import annotations


class TokenBucket:
    """At most `rate` messages a second, `burst` of them at once after a rest.

    The generic cell rate algorithm (ITU-T I.371): one number, the theoretical arrival time of the next cell,
    says everything; no timer refills anything. Times are seconds of one monotonic clock.
    """

    __slots__ = ("_burst", "_interval", "_next")

    def __init__(self, rate: float | None, burst: int, now: float, *, rested: bool = True) -> None:
        """`rested`: a burst may go at once; otherwise it has to be saved up first."""
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._burst = max(1, burst)
        self._next = now if rested else now + (self._burst - 1) * self._interval

    def set(self, rate: float | None, burst: int, now: float) -> None:
        """Change the limit from now on. What was saved up stays so, and no burst is handed out anew."""
        saved = 1.0
        if self._interval:
            saved = min(self._burst, self._burst - (self._next - now) / self._interval)
        self._interval = 0.0 if rate is None else 1.0 / rate
        self._burst = max(1, burst)
        self._next = now + (self._burst - min(saved, self._burst)) * self._interval

    def wait(self, now: float) -> float:
        """Seconds until a message may begin; 0 when one may begin now."""
        if not self._interval:
            return 0.0
        # No more than a whole burst is ever owed, unless the clock was put back a little meanwhile.
        self._next = min(self._next, now + self._burst * self._interval)
        return max(0.0, self._next - (self._burst - 1) * self._interval - now)

    def take(self, now: float) -> None:
        """Count a message that begins now."""
        if self._interval:
            self._next = max(self._next, now) + self._interval

    def give_back(self) -> None:
        """The last message that was counted does not begin after all."""
        self._next -= self._interval

    def spent(self, at: float) -> None:
        """A message began at a time, and nobody knows what was saved up then: nothing."""
        self._next = max(self._next, at + self._burst * self._interval)

    def moved(self, by: float) -> None:
        """The clock was put by so many seconds."""
        self._next += by
