"""Owns what becomes of a time that passed while nobody could send."""

from __future__ import annotations

from enum import StrEnum

from mailtui.schedule.schedule import Missed, Schedule

PUNCTUAL = 60.0
"""Whatever is late by less than this many seconds is simply sent."""


class Decision(StrEnum):
    """What to do about a time that has come or passed."""

    SEND = "send"
    ASK = "ask"
    SKIP = "skip"


def decide_missed(schedule: Schedule, due: float, now: float) -> Decision:
    """What to do at `now` about a time that was `due` (both epoch seconds)."""
    late = now - due
    if late < PUNCTUAL:
        return Decision.SEND
    if schedule.missed is Missed.SEND:
        return Decision.SEND if late <= schedule.grace else Decision.ASK
    return Decision.SKIP if schedule.missed is Missed.SKIP else Decision.ASK
