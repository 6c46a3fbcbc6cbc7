"""Owns the workers that may not begin a message yet: they wait in turn until the pace lets the next one begin."""

from __future__ import annotations

import asyncio
from collections import deque

from mailtui.dispatch.pace import TokenBucket
from mailtui.dispatch.paced import Paced


class Gate:
    """In front of one campaign's pace."""

    def __init__(self, rate: float | None, burst: int, *, rested: bool) -> None:
        """`rested`: a burst may go at once; otherwise it has to be saved up first."""
        self._loop = asyncio.get_running_loop()
        self._pace = TokenBucket(rate, burst, self._loop.time(), rested=rested)
        self._waiting: deque[Paced] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def set(self, rate: float | None, burst: int) -> None:
        """Change the pace."""
        self._pace.set(rate, burst, self._loop.time())

    def lets(self, worker: Paced) -> bool:
        """Whether a message may begin now; otherwise the worker is pumped when one may."""
        now = self._loop.time()
        if self._pace.wait(now) <= 0:
            return True
        if worker not in self._waiting:
            self._waiting.append(worker)
        self._arm(now)
        return False

    def passed(self) -> None:
        """A message begins now."""
        self._pace.take(self._loop.time())

    def wake(self) -> None:
        """Let as many waiting workers begin as the pace allows now."""
        self.close()
        for _ in range(len(self._waiting)):
            now = self._loop.time()
            if self._pace.wait(now) > 0:
                self._arm(now)
                return
            self._waiting.popleft().pump()

    def _arm(self, now: float) -> None:
        if self._timer is None:
            self._timer = self._loop.call_at(now + self._pace.wait(now), self.wake)

    def close(self) -> None:
        """Wake nobody by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
