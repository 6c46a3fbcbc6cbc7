"""Owns how far a campaign has come, as a face shows it: how fast it goes, and when it may be done."""

from __future__ import annotations

import asyncio

from mailtui.dispatch.pool import Pool
from mailtui.dispatch.tally import RateWindow
from mailtui.outbox.records import Counts, ProgressSnapshot

_STEADY = 4.5  # seconds that a rate rests on before anything is foretold from it


class Progress:
    """Of one campaign, since it was taken up."""

    def __init__(self) -> None:
        self.counts = Counts()
        """The outbox's, from a moment ago."""
        self.next_due: float | None = None
        """When something is to be done again, in epoch seconds, while nothing is."""
        self.settled = 0
        """How many messages got their final word, or lost it."""
        self._rate = RateWindow()
        self._loop = asyncio.get_running_loop()

    def snapshot(self, wall: float, pool: Pool, note: str, *, limit: float | None) -> ProgressSnapshot:
        """The rate is over the last seconds; time left only once it rests on five of them. `limit`: of the rate."""
        now = self._loop.time()
        rate = self._rate.sample(now, self.settled)
        left = self.counts.open
        coming = rate if limit is None else min(rate, limit)  # a limit just lowered counts at once
        eta = left / coming if coming > 0 and left and self._rate.span >= _STEADY else None
        return ProgressSnapshot(
            at=wall,
            rate=rate,
            eta_seconds=eta,
            next_due=self.next_due,
            note=note,
            workers=pool.snapshots(now),
            gear_note=pool.gear_note,
            waits_until=pool.waits_until,
            meters=pool.meters,
        )
