"""Owns knowing when nobody was there to send: no runner lived, the machine slept, or its clock was put forward."""

from __future__ import annotations

from dataclasses import dataclass

from mailtui.schedule.missed import PUNCTUAL


@dataclass(frozen=True, slots=True)
class Absence:
    """From `since` to `until` (epoch seconds), a minute or more; `why` nobody was there, as a half-sentence."""

    since: float
    until: float
    why: str


class Attention:
    """Since when a runner looks at the clock again and again: not while it sleeps, nor over a jump of the clock.

    Whoever is about to send looks as well, so that the first to wake knows.
    """

    def __init__(self, now: float, absent_since: float | None = None) -> None:
        """All times are epoch seconds. `absent_since`: since when no runner was there, None for until now."""
        self.began = self.since = self._looked_at = now
        self._absences: list[Absence] = []
        if absent_since is not None and now - absent_since >= PUNCTUAL:
            self._absences.append(Absence(absent_since, now, self.why(absent_since)))

    def look(self, now: float) -> int:
        """It looks; how many absences there have been."""
        before, self._looked_at = self._looked_at, now
        if not 0.0 <= now - before < PUNCTUAL:
            self.since = now
            if now > before:
                self._absences.append(Absence(before, now, self.why(before)))
        return len(self._absences)

    def why(self, due: float) -> str:
        """Why it did not see to what was due."""
        alive = self.began <= due
        return "the machine was asleep, or its clock was put" if alive else "mailtui was not running"

    def absent(self, known: int) -> Absence | None:
        """All absences but the first `known`, as one; None for none."""
        return _as_one(self._absences[known:])

    def absent_after(self, at: float) -> Absence | None:
        """All absences that went on for a minute or more after a time, as one; None for none."""
        return _as_one([one for one in self._absences if one.until - at >= PUNCTUAL])


def _as_one(absences: list[Absence]) -> Absence | None:
    return Absence(absences[0].since, absences[-1].until, absences[0].why) if absences else None
