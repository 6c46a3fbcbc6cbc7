"""Owns the frozen values that faces show of what is to come: campaigns that wait for their time, and recurring ones."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ScheduledKind(StrEnum):
    """Why something has not gone out yet, and will."""

    ONCE = "once"  # a campaign that is to begin at its time
    RECURRING = "recurring"  # a campaign file that is sent again and again
    WAITING = "waiting"  # one that has begun, and goes on by itself: a limit, a sending window, a quota


@dataclass(frozen=True, slots=True)
class Upcoming:
    """One time at which something goes out: `at` in epoch seconds, `said` for people, in the schedule's zone and in
    UTC, `note` what a clock change does to it; empty where nothing.
    """

    at: float
    said: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class ScheduledRow:
    """What is to come of one campaign, or of a recurring one, as of `seen_at`. All times are epoch seconds.

    `state`: scheduled, paused, active, running; a recurrence that has ended is no row. `at` is None for one that waits
    for a person: `reason` says why. `words` is the schedule in words, of one that waits what it waits for, as a
    half-sentence. `recipients` is None for a recurring one, whose list is read at its time. `upcoming` are up to five
    times of a recurring one. `lateness`: how late the last one began, in seconds; None before there was one.
    """

    id: str
    kind: ScheduledKind
    name: str
    state: str
    at: float | None
    zone: str
    words: str
    recipients: int | None
    upcoming: tuple[Upcoming, ...]
    lateness: float | None
    reason: str
    runner_lives: bool
    seen_at: float
    schedule: str = ""
    """The schedule as JSON, to be edited; empty for one that waits for a limit alone."""
    file: str = ""
    """The campaign file."""
    runs: int = 0
    """How often a recurring one was launched."""
