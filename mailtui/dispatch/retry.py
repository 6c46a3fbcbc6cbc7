"""Owns when a message that was refused for now is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

_SCHEDULE = (5 * 60.0, 15 * 60.0, 30 * 60.0, 3600.0, 2 * 3600.0, 4 * 3600.0)
_JITTER = 0.1


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """5, 15, 30 minutes, then 1, 2 and every 4 hours (RFC 5321 section 4.5.4.1), each up to 10 % later.

    `scale` shortens the pauses in tests.
    """

    max_attempts: int
    give_up_after: float
    scale: float = 1.0

    def next_attempt(self, attempts: int, *, first_at: float, now: float, at_least: float | None) -> float | None:
        """When to try after `attempts` of them (epoch seconds), or None to give up.

        `first_at` is when the first attempt began, `at_least` the shortest pause the verdict asks for, in seconds.
        """
        if attempts >= self.max_attempts:
            return None
        pause = _SCHEDULE[min(attempts, len(_SCHEDULE)) - 1]
        pause = max(pause, at_least or 0.0) * (1 + random.random() * _JITTER) * self.scale  # noqa: S311
        due = now + pause
        return None if due > first_at + self.give_up_after else due
