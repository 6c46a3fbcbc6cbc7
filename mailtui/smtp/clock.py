"""Owns one connection's deadline: how long a reply may take, and how slowly a body may be taken.

A reply has its time from when it was asked for, whatever trickles in meanwhile: a line a second for ever is no reply.
A body has no limit as a whole (RFC 5321 section 4.5.3.2.5 limits a block), but time runs out bit by bit for a server
that takes less than `Timeouts.min_rate`, so that none can hold a connection for days.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailtui.smtp.timeouts import Timeouts


class Clock:
    """One timer a connection; a deadline that is put off moves the timer only when it fires."""

    __slots__ = ("_deadline", "_late", "_left", "_loop", "_timeouts", "_timer", "_unsent")

    def __init__(self, timeouts: Timeouts, *, unsent: Callable[[], int | None], late: Callable[[], None]) -> None:
        """`unsent` says how many bytes the server has not taken yet (0: all of them), or None when nothing is waited
        for; `late` is called once the time is up.
        """
        self._timeouts = timeouts
        self._unsent = unsent
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._left = 0
        self._timer: asyncio.TimerHandle | None = None

    def give(self, seconds: float) -> None:
        """Something new is waited for: so long from now."""
        self._left = 0
        now = self._loop.time()
        self._deadline = now + seconds
        if self._timer is None:
            self._set(now)

    def give_block(self, unsent: int) -> None:
        """The server takes no more for now: as long as a block may take, and longer while bytes leave."""
        self.give(self._timeouts.block)
        self._left = unsent

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, now: float) -> None:
        # Looked at every two minutes at the least, so that a shorter deadline after a longer one is not missed.
        self._timer = self._loop.call_at(min(self._deadline, now + self._timeouts.data), self._look)

    def _look(self) -> None:
        self._timer = None
        unsent = self._unsent()
        if unsent is None:
            return
        now = self._loop.time()
        if unsent < self._left:
            earned = (self._left - unsent) / self._timeouts.min_rate
            self._deadline = min(now + self._timeouts.block, self._deadline + earned)
        self._left = unsent
        if now >= self._deadline:
            self._late()
        else:
            self._set(now)
