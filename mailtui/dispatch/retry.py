"""Owns when a message that was refused for now is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

from mailtui.outbox.records import Claim

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

    def of(self, claim: Claim, attempts: int, *, now: float, at_least: float | None) -> float | None:
        """When to try a mail again after `attempts` of them, as `next_attempt` says."""
        # A first claim may have gone back unsent, and be older than the first attempt by any length of pause; where
        # a person asked for another try, patience begins anew with that.
        began = claim.date_at if claim.forgiven_at is None else claim.forgiven_at
        first_at = began if claim.attempts > claim.forgiven else now
        return self.next_attempt(attempts - claim.forgiven, first_at=first_at, now=now, at_least=at_least)

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
