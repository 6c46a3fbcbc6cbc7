"""Owns when rendering goes to further processes, and to how many: only where that makes a campaign faster."""

from __future__ import annotations

import os
import time
from collections import deque

from mailtui.dispatch.renderers import Renderers

_ROWS = 5_000  # open ones; starting a process takes as long as rendering some thousand
_BUSY = 0.8  # of a core
_WORTH = 60e-6  # seconds of rendering a mail: handing a row over and taking its mail back costs 10 to 15 millionths
_SHORT = 0.2  # of the mails: so many the runner still rendered by itself
_SETTLE = 2.0  # seconds from one process to the next, for the first one to be felt
_IDLE = 10.0  # seconds; then the processes end
_WINDOW = 1.0  # seconds


class Load:
    """How busy the runner's own thread is: its share of one core over the last second."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque([(time.monotonic(), time.thread_time())])

    def look(self) -> float:
        """Ask every now and then."""
        now, used = time.monotonic(), time.thread_time()
        self._samples.append((now, used))
        while len(self._samples) > 2 and self._samples[1][0] <= now - _WINDOW:
            self._samples.popleft()
        began, before = self._samples[0]
        if now - began < _WINDOW / 2:
            return 0.0
        return (used - before) / (now - began)


class Cores:
    """How many render processes campaigns may have that do not say how many: one core is the runner's."""

    def __init__(self) -> None:
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.free = cores - 1


class Staffing:
    """One campaign's render processes: how many there should be, and seeing to it."""

    def __init__(self, renderers: Renderers, cores: Cores) -> None:
        self._renderers = renderers
        self._cores = cores
        self._taken = 0  # of the cores
        self._wanted = 0
        self._changed_at = 0.0
        self._useful_at = 0.0
        self._rendered = (0, 0)

    def look(
        self,
        asked: int | None,
        *,
        open_rows: int,
        busy: float,
        resting: bool,
        rendered: tuple[int, int],
        cost: float,
        now: float,
    ) -> bool:
        """Whether `adjust` has something to do.

        `asked`: how many a person wants, None for what pays. `busy`: the runner's share of a core; `resting`: nothing
        is due for now; `rendered`: how many mails the runner rendered by itself, and how many there were in all;
        `cost`: what one of them takes, in seconds.
        """
        self._renderers.look()
        have = self._renderers.processes
        if have < self._taken:  # some died
            self._cores.free += self._taken - have
            self._taken = have
        own, total = (after - before for after, before in zip(rendered, self._rendered, strict=True))
        self._rendered = rendered
        if not resting:
            self._useful_at = now
        if now - self._useful_at > _IDLE:
            self._wanted = 0
        elif self._renderers.given_up or (resting and not have):
            self._wanted = have
        elif asked is not None:
            self._wanted = asked
        elif self._renderers.wanting:
            self._wanted = 1  # whether it pays or not: nobody else renders these
        else:
            pays = own > _SHORT * total if have else open_rows >= _ROWS
            more = (
                pays and cost >= _WORTH and busy >= _BUSY and self._cores.free > 0 and now - self._changed_at > _SETTLE
            )
            self._wanted = have + more
        return self._wanted != have

    async def adjust(self, asked: int | None, now: float) -> None:
        """Have as many as `look` found right."""
        if self._wanted < self._renderers.processes:
            self._renderers.stop()
        while self._renderers.processes < self._wanted and not self._renderers.given_up:
            await self._renderers.start()
            self._changed_at = now
        if asked is None:
            self._cores.free += self._taken - self._renderers.processes
            self._taken = self._renderers.processes

    async def close(self) -> None:
        """End them all."""
        self._wanted = 0
        self._cores.free += self._taken
        self._taken = 0
        await self._renderers.close()
