"""Owns the frozen values that faces show of what is to come: campaigns that wait for their time, and recurring ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from mailtui.dispatch.missed import SKIP_MISSED
from mailtui.kit.durations import countdown, show_wait
from mailtui.outbox.records import Campaign
from mailtui.schedule.words import show_moment


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

    @property
    def asks_about_missed(self) -> bool:
        """Whether a person is to say what becomes of recipients whose own times passed."""
        return self.state == "paused" and SKIP_MISSED in self.reason

    @property
    def countdown(self) -> str:
        """How long it is until its time: `in 3 h 07 min`, `due 12 s ago`; empty for one that waits for a person."""
        if self.at is None:
            return ""
        left = self.at - self.seen_at
        return f"in {countdown(left)}" if left > 0 else f"due {countdown(-left)} ago"

    @property
    def due(self) -> str:
        """When it is, in its zone and in UTC; empty for one that waits for a person."""
        return "" if self.at is None else show_moment(self.at, self.zone)

    @property
    def late(self) -> str:
        """How late the last one began, as it was measured; empty before there was one."""
        return "" if self.lateness is None else show_wait(self.lateness)

    def to_json(self) -> dict[str, Any]:
        """The object that `mailtui scheduled --json` prints."""
        return {
            "id": self.id,
            "kind": str(self.kind),
            "name": self.name,
            "state": self.state,
            "at": None if self.at is None else utc(self.at),
            "in_seconds": None if self.at is None else round(self.at - self.seen_at, 1),
            "timezone": self.zone,
            "words": self.words,
            "recipients": self.recipients,
            "next": [{"at": utc(one.at), "shown": one.said, "note": one.note} for one in self.upcoming],
            "runs": self.runs,
            "late_seconds": None if self.lateness is None else round(self.lateness, 3),
            "reason": self.reason,
            "runner": self.runner_lives,
            "file": self.file,
        }


def replaced(rows: Sequence[ScheduledRow], name: str, file: Path) -> ScheduledRow | None:
    """What goes out again and again by this name from this campaign file, and what a new schedule takes the place of;
    `rows` is all that is to come.
    """
    this = (ScheduledKind.RECURRING, name, str(file.resolve()))
    return next((row for row in rows if (row.kind, row.name, row.file) == this), None)


def lateness_of(campaign: Campaign) -> float | None:
    """How many seconds after its time a campaign began; None for one that had no time, or began before it."""
    start, woke = campaign.start_at, campaign.woke_at
    return None if start is None or woke is None or woke < start else woke - start


def utc(at: float) -> str:
    """RFC 3339, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
