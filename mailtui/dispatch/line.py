"""Owns the workers that may not begin a mail yet: they wait in turn until a meter lets the next one begin.

Each campaign has its turn after the others, however many workers it has; within a campaign, who came first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from mailtui.dispatch.meter import Meter, Wait, WaitKind
from mailtui.dispatch.paced import Paced

PATIENCE = 60.0
"""Seconds that a connection is kept open for; whoever has to wait longer does so without one."""
_SOONEST = 0.001


class Line:
    """In front of one meter, for all campaigns. `wall` is epoch seconds."""

    def __init__(self, meter: Meter, wall: Callable[[], float]) -> None:
        self.meter = meter
        self._loop = asyncio.get_running_loop()
        self._wall = wall
        self._waiting: dict[Hashable, dict[Paced, None]] = {}
        self._turn: Paced | None = None
        self._timer: asyncio.Handle | None = None

    def lets(self, worker: Paced, party: Hashable, now: float) -> Wait | None:
        """None when a mail may begin now. Else what it waits for: the worker is pumped when its turn comes, if that is
        soon; a long wait is its campaign's to see to. `party` is the campaign.
        """
        wait = self.meter.wait(now)
        if wait is None:
            if not self._waiting or self._turn is worker:
                self._turn = None  # for one mail
                return None
            wait = Wait(None, "others are before it", WaitKind.UNDER_WAY)
        elif is_long(wait, now):
            return wait
        self._waiting.setdefault(party, {})[worker] = None
        self._arm(wait, now)
        return wait

    def changed(self) -> None:
        """A mail was spent or released, or the limits are others: whoever waits looks again, after this."""
        if self._waiting:
            self.close()
            self._timer = self._loop.call_soon(self.wake)

    def wake(self) -> None:
        """Let as many waiting workers begin as there is room for now."""
        self.close()
        while self._waiting:
            now = self._wall()
            wait = self.meter.wait(now)
            if wait is not None and is_long(wait, now):
                self._send_away()
                return
            if wait is not None:
                self._arm(wait, now)
                return
            self._turn = self._next()
            self._turn.pump()
            self._turn = None

    def _next(self) -> Paced:
        """Whose turn it is; its campaign goes to the end of the line."""
        party = next(iter(self._waiting))
        workers = self._waiting.pop(party)
        worker = next(iter(workers))
        del workers[worker]
        if workers:
            self._waiting[party] = workers
        return worker

    def _send_away(self) -> None:
        """It takes long: everybody asks once more, and hears so."""
        waiting, self._waiting = self._waiting, {}
        for workers in waiting.values():
            for worker in workers:
                worker.pump()

    def _arm(self, wait: Wait, now: float) -> None:
        if self._timer is None and wait.until is not None:
            self._timer = self._loop.call_later(max(_SOONEST, wait.until - now), self.wake)

    def close(self) -> None:
        """Wake nobody by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def is_long(wait: Wait, now: float) -> bool:
    """Whether no connection is kept open for it."""
    return wait.until is not None and wait.until - now > PATIENCE
