"""Owns what a runner needs of whoever makes the campaign of the next time of a recurring one: that takes reading lists
and files, which the engine never does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from mailtui.outbox.timed_records import Recurrence


@dataclass(frozen=True, slots=True)
class Occurred:
    """What making an occurrence came to: the id of its `campaign`, and where there is none, why, as a sentence."""

    campaign: str = ""
    problem: str = ""


class Occurrences(Protocol):
    """Makes the campaign of one time of a recurring one."""

    async def make(self, recurrence: Recurrence, at: float) -> Occurred:
        """Have the campaign of `at` (epoch seconds) in the outbox, once, however often this is asked.

        It is there as one that is to begin at `at`, whatever the time is by then: the runner has the last word on it.
        Whoever cancels this ends the work, and what was begun is begun anew by the next call.
        """
        ...
