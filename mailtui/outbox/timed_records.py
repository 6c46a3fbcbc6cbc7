"""Owns the frozen values about time that cross the outbox's wall: meters, recurrences, and notices that are to be
delivered.

All times are epoch seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from mailtui.outbox.states import NoticeState, RecurrenceState

SLOT = 10.0
"""Seconds of one slot in which mails are counted."""


class SentSlot(NamedTuple):
    """How many mails of one meter were marked in one slot of ten seconds since 1970."""

    meter: str
    slot: int
    sent: int


@dataclass(frozen=True, slots=True)
class Passed:
    """Recipients whose own times have passed: how many, and the first of those times."""

    count: int
    first: float


@dataclass(frozen=True, slots=True)
class MeterRow:
    """What is on record of a meter, which counts the mails of one thing: an account, a recipient domain of it, or a
    campaign.

    `limits` is a JSON text, empty for none. `first_at` and `last_at`: its first and last counted mail. `cap` is the
    pace in messages a second that the server lets it have, `at_once` how many mails at a time; None where nothing is
    known of that. Nothing is sent before `rests_until`.
    """

    meter: str
    limits: str = ""
    first_at: float | None = None
    last_at: float | None = None
    cap: float | None = None
    cap_reason: str = ""
    cap_at: float | None = None
    rests_until: float | None = None
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class MeterSnapshot:
    """What a face says of a meter now: a half-sentence, and until when the meter lets nothing through."""

    meter: str
    said: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class NewRecurrence:
    """A campaign file that is to be sent again and again. `arguments`, `schedule` and `hooks` are JSON texts."""

    id: str
    series: str
    name: str
    path: str
    arguments: str
    schedule: str
    next_at: float
    hooks: str = "[]"


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A recurrence as the outbox holds it. `next_at` is a time of the wall, and None for one that has ended.

    `reason` says why it is paused or has ended, or what became of its last occurrence; `runs` counts those that were
    launched, the last of them for `last_at`.
    """

    id: str
    series: str
    name: str
    path: str
    arguments: str
    schedule: str
    next_at: float | None
    state: RecurrenceState
    reason: str
    actor: str
    created_at: float
    last_at: float | None
    runs: int
    hooks: str


@dataclass(frozen=True, slots=True)
class NewNotice:
    """A notice to be delivered: `body` goes out as it is, `target` is the name of who is told."""

    id: str
    event: str
    at: float
    body: str
    target: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice on record; `campaign` is None where there is none, `said` and `told_at` are the last attempt's."""

    id: str
    campaign: int | None
    event: str
    at: float
    body: str
    target: str
    state: NoticeState
    attempts: int
    due_at: float
    said: str
    told_at: float | None
