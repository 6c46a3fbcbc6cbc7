"""Owns what is about time in the three ports of an outbox: meters, starts to come, recurrences and notices.

A time that somebody chose (a campaign's start, a recipient's own time, an occurrence, the opening of a window) is a
time of the wall, and stays what it is when the clock is put. A pause (until the next attempt, a limit's room, the end
of a rest) lasts as long as it was to, and moves with the clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from mailtui.outbox.records import Campaign
from mailtui.outbox.states import NoticeState, RecurrenceState
from mailtui.outbox.timed_records import MeterRow, NewNotice, NewRecurrence, Notice, Passed, Recurrence, SentSlot

ALL = -1
"""No limit."""


class TimedReads(Protocol):
    """What a face and a runner may both ask."""

    async def meters(self) -> list[MeterRow]: ...
    async def sent_since(self, since: float) -> list[SentSlot]:
        """What meters have counted, by slots, from the one of `since` (epoch seconds) on; the oldest of each first."""
        ...

    async def recurrence(self, id: str) -> Recurrence | None: ...
    async def occurrence(self, recurrence: str, at: float) -> Campaign | None:
        """The campaign that a recurrence launched for this time; a draft of one where nothing else is there."""
        ...

    async def next_wake(self) -> float | None:
        """The earliest time at which a campaign goes on or begins, or a recurrence occurs; None where nothing of that
        is to come. Due times of deliveries and notices are not among them. Costs the same whatever waits.
        """
        ...

    async def notices(self, campaign: int | None) -> list[Notice]:
        """A campaign's notices, the oldest first; None: all that wait, whatever they are about."""
        ...


class TimedReader(TimedReads, Protocol):
    """What faces read."""

    async def recurrences(self) -> list[Recurrence]:
        """All of them, those first whose next time comes first; then those that have none, by age."""
        ...


class TimedDesk(Protocol):
    """What faces write."""

    async def put_limits(self, limits: Mapping[str, str]) -> bool:
        """Put the limits of these meters on record, JSON texts by meter, empty for none. Whether anything changed."""
        ...

    async def put_recurrence(self, recurrence: NewRecurrence, *, actor: str, now: float) -> bool:
        """Put it on record as active; False when its series has one that has not ended."""
        ...

    async def change_recurrence(
        self,
        id: str,
        *,
        actor: str,
        now: float,
        state: RecurrenceState | None = None,
        reason: str | None = None,
        next_at: float | None = None,
        schedule: str | None = None,
        arguments: str | None = None,
        hooks: str | None = None,
    ) -> bool:
        """What a person wants of it from now on; None: as it is. False where it has ended or there is none.

        One that ends has no next time.
        """
        ...


class TimedLedger(TimedReads, Protocol):
    """What a runner does."""

    async def to_resume(self, due_by: float = math.inf) -> list[Campaign]:
        """Campaigns that are paused and go on by themselves by then, the first to do so first."""
        ...

    async def to_start(self, due_by: float = math.inf, limit: int = ALL) -> list[Campaign]:
        """Up to `limit` scheduled campaigns that are to begin by then, the first to do so first."""
        ...

    async def absent_since(self) -> float | None:
        """Since when nobody has looked after all of the outbox, as a runner finds it that signs on; 0.0: nobody ever
        has. None once it is `attended`.
        """
        ...

    async def attended(self) -> None:
        """What passed meanwhile has been seen to; from now on the heartbeat says until when somebody was there."""
        ...

    async def went_on_at(self, campaign: int) -> float:
        """When it was launched, or last went on after a rest."""
        ...

    async def own_times_passed(self, campaign: int, after: float, until: float) -> Passed | None:
        """Who waits, was never tried, and has a time of their own that is later than `after`, and `until` at the
        latest; None for nobody. Costs nothing worth mentioning then, whoever else waits.
        """
        ...

    async def expire(
        self, campaign: int, after: float, until: float, limit: int, why: Callable[[float], str], *, now: float
    ) -> int:
        """Settle up to `limit` of those as `expired`; how many. `why` gives the reason for a time of theirs."""
        ...

    async def set_cap(
        self,
        meter: str,
        cap: float | None,
        reason: str,
        at: float,
        *,
        rests_until: float | None = None,
        at_once: int | None = None,
    ) -> None:
        """Put on record what the server lets a meter have, in place of what was; all None: nothing is known now."""
        ...

    async def due_recurrences(self, now: float) -> list[Recurrence]:
        """Active ones whose next time has come, the first first."""
        ...

    async def advance_recurrence(
        self,
        id: str,
        from_at: float,
        next_at: float | None,
        *,
        reason: str,
        ran: bool,
        now: float,
        notices: Sequence[NewNotice] = (),
    ) -> bool:
        """Have a recurrence go on from one time to the next; None: it has ended. False, and nothing is written, when
        it is not active any more or its next time is another than `from_at`.

        `ran`: a campaign was launched for `from_at`.
        """
        ...

    async def add_notices(self, campaign: int | None, notices: Sequence[NewNotice]) -> None:
        """Put on record what is to be told, once each by its id; due at once."""
        ...

    async def due_notices(self, now: float, limit: int, but: Sequence[str] = ()) -> list[Notice]:
        """Waiting notices that are due, the first first; none for the targets in `but`."""
        ...

    async def notice_told(self, id: str, state: NoticeState, due_at: float, said: str, *, now: float) -> None:
        """One more attempt was made: how it stands now, when it is due again where it waits, and what was said."""
        ...
