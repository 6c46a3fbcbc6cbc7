"""Owns how many mails an account may still begin: so many in any hour and any day, counted by whole minutes.

A mail counts from its mark on, in all campaigns of the account and over restarts; from before its first byte on it is
reserved, so that workers together never begin more than there is room for. A minute counts until it has left the hour,
or the day, entirely: nobody's limit is exceeded because ours was counted by the clock's minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from math import ceil

from mailtui.dispatch.members import Member

MINUTE = 60.0
_HOUR = 61  # minutes, the one that is under way included
_DAY = 24 * 60 + 1
KEPT = _DAY * MINUTE
"""Seconds for which a mail may count; what is older need not be read."""


class _Window:
    """Mails of so many minutes up to now."""

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._buckets: deque[tuple[int, int]] = deque()
        self.total = 0

    def add(self, minute: int, mails: int) -> None:
        if self._buckets and self._buckets[-1][0] >= minute:  # a clock that was put back makes nothing younger
            last, before = self._buckets.pop()
            self._buckets.append((last, before + mails))
        else:
            self._buckets.append((minute, mails))
        self.total += mails

    def leave(self, minute: int) -> None:
        """Forget what is too old at a minute."""
        while self._buckets and self._buckets[0][0] + self._minutes <= minute:
            self.total -= self._buckets.popleft()[1]

    def below(self, limit: int) -> int | None:
        """The minute at which the total is below a limit; None when it is."""
        total = self.total
        if total < limit:
            return None
        for minute, mails in self._buckets:
            total -= mails
            if total < limit:
                return minute + self._minutes
        return None  # a limit of nothing is not let in by the settings

    def moved(self, by: int) -> None:
        self._buckets = deque((minute + by, mails) for minute, mails in self._buckets)


class Usage:
    """What one account has sent lately, and is about to. `now` is epoch seconds."""

    def __init__(self, minutes: Iterable[tuple[int, int]] = ()) -> None:
        """`minutes`: (minute since 1970, mails), the oldest first, as they are on record."""
        self._hour = _Window(_HOUR)
        self._day = _Window(_DAY)
        self._reserved = 0
        self._turned_away = False  # whether somebody asked while mails under way had all the room
        for minute, mails in minutes:
            self.add(minute, mails)

    def add(self, minute: int, mails: int) -> None:
        """So many were sent in a minute since 1970, which is no earlier than those told before."""
        self._hour.add(minute, mails)
        self._day.add(minute, mails)

    def reserve(self, member: Member, now: float) -> bool:
        """Set one mail aside that is about to begin; False where there is no room for it."""
        self._leave(now)
        hour, day = member.per_hour, member.per_day
        if (hour is not None and self._hour.total + self._reserved >= hour) or (
            day is not None and self._day.total + self._reserved >= day
        ):
            self._turned_away = True
            return False
        self._reserved += 1
        return True

    def turned_away(self) -> bool:
        """Whether somebody found no room since this was last asked. Campaigns may have limits of their own: whoever
        spends the last of one that is lower knows nothing of it.
        """
        was, self._turned_away = self._turned_away, False
        return was

    def release(self) -> None:
        """A mail that was set aside was not marked."""
        self._reserved -= 1

    def spend(self, now: float) -> None:
        """A mail that was set aside is marked."""
        self._reserved -= 1
        self.add(int(now // MINUTE), 1)

    def free_at(self, member: Member, now: float) -> float | None:
        """When the account may begin another mail; None when nothing but mails under way keeps it from that."""
        self._leave(now)
        hour = None if member.per_hour is None else self._hour.below(member.per_hour)
        day = None if member.per_day is None else self._day.below(member.per_day)
        if hour is None and day is None:
            return None
        return max(hour or 0, day or 0) * MINUTE

    def used(self, now: float) -> tuple[int, int]:
        """Mails of the last hour and of the last day."""
        self._leave(now)
        return self._hour.total, self._day.total

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds; no limit is renewed by that."""
        minutes = ceil(by / MINUTE)
        self._hour.moved(minutes)
        self._day.moved(minutes)

    def _leave(self, now: float) -> None:
        minute = int(now // MINUTE)
        self._hour.leave(minute)
        self._day.leave(minute)
