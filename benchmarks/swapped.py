"""The whole engine with another way of keeping its record, as a program: `python -m benchmarks.swapped CAMPAIGN KIND`.

`none` remembers nothing, `group` is the outbox as it is, `each` commits every mark and every result by itself. All else
is the product: the launch, the runner, its claims from the same file, templates, MIME and sessions. Prints one JSON
object: `sent`, `seconds` from the first claim to the last result, `cpu` in that time. No user can ask for this.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.books import RECORDS
from mailtui import __version__
from mailtui.accounts.secrets import SecretSource
from mailtui.dispatch.runner import Runner, RunnerOptions
from mailtui.kit.paths import Home
from mailtui.outbox.opening import Outbox
from mailtui.outbox.ports import Ledger
from mailtui.outbox.records import Claim, Counts, Mark, ProgressSnapshot, Result
from mailtui.outbox.sqlite_ledger import SqliteLedger
from mailtui.outbox.states import DeliveryState
from mailtui.service.engine import credentials_for
from mailtui.service.facade import Service
from mailtui.service.lists import Again

_READ = """
SELECT id, fence, key, row, address, fields, attempts, edition FROM delivery
WHERE campaign = ? AND id > ? ORDER BY id LIMIT ?
"""


class Timed(SqliteLedger):
    """The outbox as it is, with a clock on its first claim and its last result."""

    began = ended = cpu = 0.0

    async def claim(
        self, campaign: int, limit: int, *, now: float, lease: float, bounds: Sequence[str] | None = None
    ) -> list[Claim]:
        if not self.began:
            self.began, self.cpu = time.perf_counter(), time.process_time()
        return await super().claim(campaign, limit, now=now, lease=lease, bounds=bounds)

    async def commit(
        self,
        marks: Sequence[Mark],
        results: Sequence[Result],
        snapshots: Sequence[tuple[int, ProgressSnapshot]],
        *,
        now: float,
    ) -> list[bool]:
        held = await super().commit(marks, results, snapshots, now=now)
        if results:
            self.ended = time.perf_counter()
            self.used = time.process_time() - self.cpu
        return held


class Alone(Timed):
    """A transaction for every mark and for every result."""

    async def commit(
        self,
        marks: Sequence[Mark],
        results: Sequence[Result],
        snapshots: Sequence[tuple[int, ProgressSnapshot]],
        *,
        now: float,
    ) -> list[bool]:
        held = []
        for mark in marks:
            held += await super().commit([mark], [], [], now=now)
        for result in results:
            await super().commit([], [result], [], now=now)
        await super().commit([], [], snapshots, now=now)
        return held


class Forgetful(Timed):
    """Reads the recipients from the outbox, and writes nothing about them."""

    last = sent = 0

    async def claim(
        self, campaign: int, limit: int, *, now: float, lease: float, bounds: Sequence[str] | None = None
    ) -> list[Claim]:
        await super().claim(campaign, 0, now=now, lease=lease, bounds=bounds)
        rows: Any = self._connection.execute(_READ, (campaign, self.last, limit)).fetchall()
        claims = [
            Claim(campaign, id_, fence, key, row, address, tuple(json.loads(fields)), attempts, now, edition)
            for id_, fence, key, row, address, fields, attempts, edition in rows
        ]
        if claims:
            self.last = claims[-1].id
        return claims

    async def commit(
        self,
        marks: Sequence[Mark],
        results: Sequence[Result],
        snapshots: Sequence[tuple[int, ProgressSnapshot]],
        *,
        now: float,
    ) -> list[bool]:
        for result in results:
            if result.after is not DeliveryState.SENT:
                raise RuntimeError(f"a message ended as {result.after}")
        self.sent += len(results)
        await super().commit([], [], snapshots, now=now)
        if results:
            self.ended = time.perf_counter()
            self.used = time.process_time() - self.cpu
        return [True] * len(marks)

    async def counts(self, campaign: int) -> Counts:
        counts = await super().counts(campaign)
        return replace(counts, queued=counts.queued - self.sent, sent=self.sent)


_KINDS: dict[str, type[Timed]] = dict(zip(RECORDS, (Forgetful, Timed, Alone), strict=True))


class Swapped(Outbox):
    """An outbox that gives its runner another ledger."""

    kind = Timed
    opened: Timed | None = None

    def ledger(self) -> Ledger:
        ledger = type(self).kind(self.path)
        type(self).opened = ledger
        return ledger


async def send(campaign: Path, kind: str) -> dict[str, float]:
    """Launch and send it."""
    with Service.open(os.environ) as service:
        plan = service.prepare(service.campaigns.load(campaign), plan={})
        launch = await service.launch(plan, again=Again.ASK, progress=lambda _: None)
        Swapped.kind = _KINDS[kind]
        options = RunnerOptions(__version__, Home.find(os.environ).sightings, _say, until_idle=True)
        runner = Runner(
            Swapped(service.outbox.url, service.outbox.path),
            options,
            credentials_for(SecretSource(os.environ), os.environ),
        )
        await runner.run(lambda: None)
    ledger = Swapped.opened
    assert ledger is not None
    return {"sent": launch.added, "seconds": ledger.ended - ledger.began, "cpu": ledger.used}


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(send(Path(sys.argv[1]), sys.argv[2]))))
