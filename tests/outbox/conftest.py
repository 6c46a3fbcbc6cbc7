"""The contract tests run the same body over every kind of outbox that this file offers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailtui.outbox.opening import Outbox, parse_outbox
from mailtui.outbox.ports import Desk, Ledger, Reader
from mailtui.outbox.records import Campaign, NewCampaign, NewDelivery, RunnerRow

T0 = 1_800_000_000.0


@dataclass
class Bench:
    """One outbox with its three ports open, and shorthands for making things in it."""

    outbox: Outbox
    reader: Reader
    desk: Desk
    ledger: Ledger

    async def draft(self, *, id: str = "abcd1234", series: str = "s", occurrence: int = 1) -> Campaign:
        draft = await self.desk.create_draft(new_campaign(id=id, series=series, occurrence=occurrence), now=T0)
        assert draft is not None
        return draft

    async def launch(self, size: int, *, id: str = "abcd1234", series: str = "s", occurrence: int = 1) -> Campaign:
        draft = await self.draft(id=id, series=series, occurrence=occurrence)
        await self.desk.add(draft.number, deliveries(size), now=T0)
        await self.desk.go_live(draft.number, actor="ann", now=T0)
        return await self.reader.campaign(id)

    async def recount(self, campaign: int) -> dict[str, int]:
        """The counts as the rows themselves say, to hold against the counters."""
        found: dict[str, int] = {}
        after = 0
        while page := await self.reader.deliveries(campaign, after=after, limit=500):
            after = page[-1].id
            for row in page:
                found[row.state] = found.get(row.state, 0) + 1
        return found


def new_campaign(
    *, id: str = "abcd1234", series: str = "s", occurrence: int = 1, message: bytes = b"message"
) -> NewCampaign:
    return NewCampaign(
        id=id,
        series=series,
        occurrence=occurrence,
        name="Spring",
        message_digest=hashlib.sha256(message).hexdigest(),
        message=message,
        endpoint="{}",
        plan="{}",
        columns=("email", "name"),
        source="list.csv",
        filter="",
        secret=b"k",
    )


def deliveries(size: int, *, start: int = 1) -> list[NewDelivery]:
    return [
        NewDelivery(f"p{n}@example.com", n, f"p{n}@example.com", (f"p{n}@example.com", f"Pé {n}"))
        for n in range(start, start + size)
    ]


def runner_row() -> RunnerRow:
    return RunnerRow("r1", 1, "host", "0", T0, T0)


@pytest.fixture(params=["sqlite"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:  # type: ignore[misc]
    outbox = parse_outbox(f"sqlite:///{tmp_path}/outbox.db")
    desk, reader, ledger = outbox.desk(), outbox.reader(), outbox.ledger()
    await ledger.sign_on(runner_row())
    yield Bench(outbox, reader, desk, ledger)
    for port in (desk, reader, ledger):
        port.close()
