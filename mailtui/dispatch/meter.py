"""Owns whether one thing may carry another mail now, and if not, until when it waits and why.

A mail is set aside before its first byte (`reserve`) and counts from its mark on (`spend`), so that workers together
never begin more than there is room for. All limits are over rolling windows: a window is counted in parts of 1/360 of
it, and a part counts until it has left the window entirely, so that no limit is exceeded in any window, wherever it
begins. Pure: every time is an argument, in epoch seconds.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import partial
from math import ceil
from typing import Protocol

from mailtui.dispatch.pace import TokenBucket
from mailtui.kit.words import counted
from mailtui.smtp.limits import NO_LIMITS, Batch, Limits

SLOT = 10.0
"""Seconds by which mails are counted on record."""
DAY = 24 * 3600.0
KEPT = DAY + DAY / 360 + SLOT
"""Seconds for which a mail may count; what is older need not be read."""
_PARTS = 360


class WaitKind(StrEnum):
    """What keeps a mail waiting."""

    UNDER_WAY = "under_way"  # others have the room, and nobody knows yet whether they need it
    PACE = "pace"  # the rate, or the gap between two mails
    BATCH = "batch"
    WINDOW = "window"  # so many a minute, an hour, a day
    WARM_UP = "warm_up"
    ASKED = "asked"  # the server asked for it


@dataclass(frozen=True, slots=True)
class Wait:
    """Why no mail may begin, in half a sentence, and until when; `until` None: until one under way is spent or
    released.
    """

    until: float | None
    reason: str
    kind: WaitKind


class Pace(Protocol):
    """What a server has been found to let a thing have."""

    def wait(self, now: float) -> Wait | None:
        """Why no mail may begin now; None when one may."""
        ...


class _Window:
    """Mails in any so many seconds."""

    __slots__ = ("_parts", "length", "part", "said", "total")

    def __init__(self, length: float, said: str) -> None:
        self.length = length
        self.part = length / _PARTS
        self.said = said
        self.total = 0
        self._parts: deque[list[int]] = deque()

    def add(self, at: float, mails: int) -> None:
        number, parts = int(at // self.part), self._parts
        self.total += mails
        if parts and parts[-1][0] >= number:  # a clock that was put back makes nothing younger
            parts[-1][1] += mails
        else:
            self.leave(at)
            parts.append([number, mails])

    def leave(self, now: float) -> None:
        """Forget what is too old."""
        while self._parts and self._left_at(self._parts[0][0]) <= now:
            self.total -= self._parts.popleft()[1]

    def _left_at(self, number: int) -> float:
        return (number + 1) * self.part + self.length

    def below(self, limit: int) -> float | None:
        """When fewer mails than a limit count; None when it is so now."""
        total = self.total
        if total < limit:
            return None
        for number, mails in self._parts:
            total -= mails
            if total < limit:
                return self._left_at(number)
        return None  # a limit of nothing is not let in by the settings

    def moved(self, by: float) -> None:
        steps = ceil(by / self.part)
        self._parts = deque([number + steps, mails] for number, mails in self._parts)


class Meter:
    """Counts the mails of one thing. Two may have the same name for people, never the same key."""

    def __init__(
        self,
        key: str,
        limits: Limits = NO_LIMITS,
        *,
        said: str = "",
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`said`: what people call the thing, its key where nothing is said; `chance`: 0 to 1, for the jitter."""
        self.key = key
        self.said = said or key
        self.limits = NO_LIMITS
        self.first_at: float | None = None
        """When the first mail on record was sent."""
        self.last_at: float | None = None
        self.reserved = 0
        """Mails that are set aside and not marked."""
        self._at_another_rate = 0  # of them, those that began before the rate was changed
        self.pace: Pace | None = None
        """What the server lets it have, beside the limits; None where nothing is known of that."""
        self._chance = chance
        self._rate = TokenBucket(None, 1, 0.0)
        self._gap_until = 0.0
        self.in_batch = 0
        """Mails of the batch that is under way."""
        self._minute = _Window(60.0, "limit of this minute")
        self._hour = _Window(3600.0, "hourly limit")
        self._day = _Window(DAY, "daily limit")
        self._windows = (self._day, self._hour, self._minute)
        self._checks: tuple[Callable[[float], Wait | None], ...] = ()
        self.set(limits, 0.0)

    # what is on record

    def load(self, slots: Iterable[tuple[int, int]], *, first_at: float | None, last_at: float | None) -> None:
        """Take over what is on record: (slot of ten seconds since 1970, mails), the oldest first.

        Where the record is not exact, rather too late than too early: a mail counts as one of its slot's last moment,
        and what was saved up for a burst is forgotten.
        """
        self.first_at, self.last_at = first_at, last_at
        slots = list(slots)
        for slot, mails in slots:
            end = (slot + 1) * SLOT - 1e-3
            at = min(end, last_at) if last_at is not None and last_at >= slot * SLOT else end
            for window in self._windows:
                window.add(at, mails)
            self.last_at = at if last_at is None else last_at
        if self.limits.batch is not None:
            self.in_batch = _in_batch(slots, self.limits.batch)
        if self.last_at is not None:
            self._rate.spent(self.last_at)
            self._gap_until = self.last_at + self._gap()

    # limits

    def set(self, limits: Limits, now: float) -> None:
        """Change the limits from now on; what was sent counts on."""
        if (limits.rate, limits.burst) != (self.limits.rate, self.limits.burst):
            self._at_another_rate = self.reserved
        self.limits = limits
        self._rate.set(limits.rate, limits.burst, now)
        self._checks = tuple(self._needed(limits))
        if limits.batch is None:
            self.in_batch = 0
        if not limits.min_gap:
            self._gap_until = 0.0
        elif self.last_at is not None:
            self._gap_until = self.last_at + self._gap()

    def _needed(self, limits: Limits) -> Iterator[Callable[[float], Wait | None]]:
        """What has to be asked before a mail: nothing else is, for each is asked about every mail."""
        windows = ((self._day, limits.per_day), (self._hour, limits.per_hour), (self._minute, limits.per_minute))
        for window, limit in windows:
            if limit is not None:
                yield partial(self._window_wait, window, limit)
        if limits.rate is not None:
            yield self._rate_wait
        if limits.min_gap:
            yield self._gap_wait
        if limits.batch is not None:
            yield self._batch_wait
        if limits.warm_up is not None:
            yield self._warm_up_wait

    def _gap(self) -> float:
        limits = self.limits
        return limits.min_gap * (1 + limits.jitter * self._chance())

    # whether a mail may begin

    def wait(self, now: float) -> Wait | None:
        """Why no mail may begin now; None when one may. Of several reasons the one that lasts longest."""
        waits = [wait for check in self._checks if (wait := check(now)) is not None]
        if self.pace is not None and (wait := self.pace.wait(now)) is not None:
            waits.append(wait)
        if not waits:
            return None
        timed = [wait for wait in waits if wait.until is not None]
        return max(timed, key=lambda wait: wait.until or 0.0) if timed else waits[0]

    def _rate_wait(self, now: float) -> Wait | None:
        seconds = self._rate.wait(now)
        return Wait(now + seconds, f"pace of {self.said}", WaitKind.PACE) if seconds > 0 else None

    def _gap_wait(self, now: float) -> Wait | None:
        reason = f"gap between two mails of {self.said}"
        if now < self._gap_until:
            return Wait(self._gap_until, reason, WaitKind.PACE)
        return Wait(None, reason, WaitKind.UNDER_WAY) if self.reserved else None

    def _batch_wait(self, now: float) -> Wait | None:
        batch = self.limits.batch
        assert batch is not None
        if self.last_at is not None and now >= self.last_at + batch.rest:
            self.in_batch = 0
        if self.in_batch + self.reserved < batch.size:
            return None
        reason = f"batch of {batch.size:,} sent"
        if self.in_batch >= batch.size and self.last_at is not None:
            return Wait(self.last_at + batch.rest, reason, WaitKind.BATCH)
        return Wait(None, reason, WaitKind.UNDER_WAY)

    def _window_wait(self, window: _Window, limit: int, now: float) -> Wait | None:
        window.leave(now)
        if window.total + self.reserved < limit:
            return None
        reason = f"{window.said} of {self.said} reached"
        return self._full(window.below(limit), reason, WaitKind.WINDOW)

    def _warm_up_wait(self, now: float) -> Wait | None:
        """In any 24 hours no more than the day's number; midnight, where the clock hangs, brings a higher one."""
        warm_up = self.limits.warm_up
        assert warm_up is not None
        self._day.leave(now)
        number, limit = self.warm_up_day(now)
        if self._day.total + self.reserved < limit:
            return None
        until = self._day.below(limit)
        reason = f"warm-up day {number} of {self.said}: {self._day.total:,} of {counted(limit, 'mail')}"
        if until is not None and self._warm_up_at(_midnight(now))[1] > limit:
            until = min(until, _midnight(now))
        return self._full(until, reason, WaitKind.WARM_UP)

    def warm_up_day(self, now: float) -> tuple[int, int]:
        """Which day of its warm-up an account has, and how many mails it may have; only where there is one."""
        return self._warm_up_at(now)

    def _warm_up_at(self, now: float) -> tuple[int, int]:
        warm_up = self.limits.warm_up
        assert warm_up is not None
        today = _day_of(now)
        first = warm_up.first(None if self.first_at is None else _day_of(self.first_at), today)
        return warm_up.number(first, today), warm_up.day(first, today)

    def _full(self, until: float | None, reason: str, kind: WaitKind) -> Wait:
        return Wait(until, reason, kind if until is not None else WaitKind.UNDER_WAY)

    # what happens to a mail

    def reserve(self, now: float) -> bool:
        """Set one mail aside that is about to begin; False where there is no room for it."""
        if self.wait(now) is not None:
            return False
        self.set_aside(now)
        return True

    def set_aside(self, now: float) -> None:
        """Set one mail aside for which there is room: `wait` has just said so."""
        self.reserved += 1
        self._rate.take(now)

    def release(self) -> None:
        """A mail that was set aside is not going to be marked."""
        self.reserved -= 1
        if self._at_another_rate:
            self._at_another_rate -= 1  # the rate has no time of theirs, and what has gone since then is not undone
        else:
            self._rate.give_back()

    def spend(self, now: float) -> None:
        """A mail that was set aside is marked."""
        self.reserved -= 1
        self._at_another_rate = min(self._at_another_rate, self.reserved)
        for window in self._windows:
            window.add(now, 1)
        if self.first_at is None:
            self.first_at = now
        batch = self.limits.batch
        if batch is not None:
            fresh = self.last_at is None or now >= self.last_at + batch.rest
            self.in_batch = 1 + (0 if fresh else self.in_batch)
        self.last_at = now
        if self.limits.min_gap:
            self._gap_until = now + self._gap()

    def used(self, now: float) -> tuple[int, int, int]:
        """Mails of the last minute, hour and day."""
        for window in self._windows:
            window.leave(now)
        return self._minute.total, self._hour.total, self._day.total

    def clock_moved(self, by: float) -> None:
        """The clock was put forward by so many seconds (back: negative); no limit is renewed by that."""
        for window in self._windows:
            window.moved(by)
        self._rate.moved(by)
        if self._gap_until:
            self._gap_until += by
        if self.last_at is not None:
            self.last_at += by
        if self.first_at is not None:
            self.first_at += by


def _in_batch(slots: Iterable[tuple[int, int]], batch: Batch) -> int:
    """How many mails of the last batch are on record, if need be too many: from slots alone a pause that was about as
    long as a rest may have been one or not. That a batch has no more than its size tells most of them.
    """
    shortest, surely = int(batch.rest // SLOT), ceil(batch.rest / SLOT) + 1
    mails = since_pause = before = 0
    for slot, more in slots:
        pause = slot - before
        if pause >= surely or (pause >= shortest and mails >= batch.size):
            mails = since_pause = 0
        elif pause >= shortest:
            since_pause = 0
        mails, since_pause, before = mails + more, since_pause + more, slot
        if mails > batch.size:
            mails = since_pause
    return min(mails, batch.size)


def _day_of(at: float) -> date:
    return datetime.fromtimestamp(at).date()  # noqa: DTZ006 - the day of whoever looks at this machine's clock


def _midnight(now: float) -> float:
    """When the day after this one begins, here."""
    return datetime.combine(_day_of(now) + timedelta(days=1), time.min).timestamp()
