"""Owns group commit: marks and results gather while the loop is busy, and one transaction takes them all.

A worker waits for its mark, never for a result. There is no timer tick: the commit runs as soon as a round of the loop
brings no further mark, with whatever has gathered by then, so the load itself sets the size of a group.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mailtui.dispatch.storage import WORTH_SAYING
from mailtui.errors import OutboxBusy, OutboxError
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import Mark, ProgressSnapshot, Result

_BUSY_PAUSE = 0.005
_TROUBLE_PAUSE = 0.25
_ROUNDS = 4  # of the loop, at the most, in which others may join a commit


class Recorder:
    """The runner's one way to record what happens to deliveries.

    `riders` is asked at each commit for snapshots that are due; `on_trouble` hears the error when the outbox
    refuses a commit, or is busy for long, and None when it works again.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        wall: Callable[[], float],
        riders: Callable[[float], Sequence[tuple[int, ProgressSnapshot]]],
        on_trouble: Callable[[OutboxError | None], None],
    ) -> None:
        self._ledger = ledger
        self._wall = wall
        self._riders = riders
        self._on_trouble = on_trouble
        self._marks: list[tuple[Mark, Callable[[bool], None]]] = []
        self._results: list[Result] = []
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._in_trouble = False
        self._busy_since: float | None = None
        self._busy_told = False

    def mark(self, mark: Mark, answer: Callable[[bool], None]) -> None:
        """Ask for a durable mark; `answer` is called with whether it holds, after the commit."""
        self._marks.append((mark, answer))
        self.nudge()

    def record(self, result: Result) -> None:
        """Record a move; it is durable with the next commit."""
        self._results.append(result)
        self.nudge()

    def nudge(self) -> None:
        """Commit soon, if only for the snapshots that are due."""
        self._quiet.clear()
        self._wake.set()

    @property
    def in_trouble(self) -> bool:
        """Whether the outbox refused the last commit."""
        return self._in_trouble

    async def settle(self) -> None:
        """Wait until everything handed in so far is durable."""
        await self._quiet.wait()

    async def run(self) -> None:
        """Commit for ever; cancel to stop, after `settle`."""
        while True:
            await self._wake.wait()
            await self._gather()
            self._wake.clear()
            pause = await self._commit()
            if pause:
                await asyncio.sleep(pause)
                self._wake.set()
            elif not self._wake.is_set():
                self._quiet.set()

    async def _gather(self) -> None:
        """Have those join whose replies are here already, unread: a third fewer commits, and nobody waits for a timer.

        Each connection asks once and then waits, so this ends soon; a round in which nobody asks costs microseconds.
        """
        for _ in range(_ROUNDS):
            before = len(self._marks)
            await asyncio.sleep(0)
            if len(self._marks) == before:
                return

    async def _commit(self) -> float:
        """Take what has gathered; how long to wait before trying again when it could not be recorded."""
        marks, self._marks = self._marks, []
        results, self._results = self._results, []
        now = self._wall()
        snapshots = self._riders(now)
        try:
            held = await self._ledger.commit([mark for mark, _ in marks], results, snapshots, now=now)
        except OutboxBusy as error:
            self._marks = marks + self._marks
            self._results = results + self._results
            self._note_busy(error)
            return _BUSY_PAUSE
        except OutboxError as error:
            # Nothing of this group is on record. Results wait here until it can be; what was to be marked must
            # not be sent, and its worker hears that now.
            self._results = results + self._results
            self._in_trouble = True
            self._on_trouble(error)
            for _, answer in marks:
                answer(False)  # noqa: FBT003 - the callback's one argument
            return _TROUBLE_PAUSE
        self._busy_since = None
        if self._in_trouble or self._busy_told:
            self._in_trouble = self._busy_told = False
            self._on_trouble(None)
        for (_, answer), holds in zip(marks, held, strict=True):
            answer(holds)
        return 0.0

    def _note_busy(self, error: OutboxBusy) -> None:
        """Another writer is waited for in silence, unless it takes long."""
        now = asyncio.get_running_loop().time()
        if self._busy_since is None:
            self._busy_since = now
        elif not self._busy_told and now - self._busy_since > WORTH_SAYING:
            self._busy_told = True
            self._on_trouble(error)
