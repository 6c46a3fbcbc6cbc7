"""Owns counting what one worker, or a whole campaign, has done, and how fast."""

from __future__ import annotations

from collections import deque

_WINDOW = 5.0
_STEP = 0.1


class RateWindow:
    """Events a second over the last five seconds. `now` is any clock that only goes forward."""

    __slots__ = ("_samples",)

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def sample(self, now: float, count: int) -> float:
        """Tell the count so far; the rate over the window."""
        samples = self._samples
        if not samples or now - samples[-1][0] >= _STEP:
            samples.append((now, count))
        while len(samples) > 1 and now - samples[1][0] >= _WINDOW:
            samples.popleft()
        first_at, first = samples[0]
        return (count - first) / (now - first_at) if now > first_at else 0.0

    @property
    def span(self) -> float:
        """How many seconds the rate rests on."""
        return self._samples[-1][0] - self._samples[0][0] if self._samples else 0.0
