"""S-02: what a power loss leaves of the outbox never has anybody claimed again whose message may have gone out.

A real runner sends to the sandbox over a disk that records every write and sync. At each sync, and between them, the
files are rebuilt as a disk may hold them then: what was synced is there, of the rest any part. Each such outbox is
opened, checked and recovered as the next runner would.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailtui.dispatch.plan import SendPlan
from mailtui.outbox.health import examine
from mailtui.outbox.opening import parse_outbox
from mailtui.sandbox.server import SandboxServer
from tests.dispatch.bench import House, accepted
from tests.outbox.disk import Event, Platter, compiled, read_events, watched_by
from tests.servers.dialogue import Dialogue

_CLAIMABLE = {"queued", "claimed", "deferred"}


@dataclass(frozen=True, slots=True)
class Image:
    """The outbox's files after a power loss, and to whom a last dot had been written by then."""

    files: dict[str, bytes]
    dotted: frozenset[str]


def images(events: list[Event], start: dict[str, bytes], dice: random.Random, *, each: int) -> Iterator[Image]:
    """`each` images before every sync and after it, and now and then one elsewhere."""
    platter = Platter(dict(start))
    dialogues: dict[str, Dialogue] = {}
    dotted: set[str] = set()
    for event in events:
        if event.op == "S" or dice.random() < 0.02:
            for _ in range(each):
                yield Image(dict(platter.after_power_loss(dice)), frozenset(dotted))
        if event.op == "N":
            dotted.update(dialogues.setdefault(event.name, Dialogue()).feed(event.data))
        platter.take(event)
        if event.op == "S":
            yield Image(dict(platter.after_power_loss(dice)), frozenset(dotted))


async def _recorded(folder: Path, outbox: Path) -> list[Event]:
    record = folder / "record"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.dispatch.run_outbox", f"sqlite:///{outbox}", "0.01",
        env=watched_by(compiled(folder), outbox, record=record), stdout=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    async with asyncio.timeout(300):
        assert await process.wait() == 0
    # Neither the lock nor the shared memory outlives a power loss.
    files = {str(outbox), f"{outbox}-wal"}
    return [event for event in read_events(record) if event.name in files or event.op == "N"]


async def _survives(image: Image, original: Path, folder: Path) -> set[str]:
    """Open what is left as the next runner would; the states that it finds."""
    folder.mkdir()
    path = folder / original.name
    for name, content in image.files.items():
        if content or name == str(original):
            (folder / Path(name).name).write_bytes(content)
    health = examine(path)
    assert health.ok, health.faults
    outbox = parse_outbox(f"sqlite:///{path}")
    ledger, reader = outbox.ledger(), outbox.reader()
    try:
        await ledger.recover(now=time.time())
        found = {row.address: row.state.value for row in await reader.deliveries(1, limit=100_000)}
    finally:
        ledger.close()
        reader.close()
    again = {who for who in image.dotted if found[who] in _CLAIMABLE}
    assert not again, f"{sorted(again)} would be sent to again"
    return set(found.values())


async def _power_losses(folder: Path, *, size: int, wanted: int, each: int, seed: int) -> None:
    house = House(folder / "house")
    outbox = house.outbox.path
    async with SandboxServer(folder / "sandbox") as server:
        await house.launch(size, server.port, SendPlan(workers=3))
        house.close()
        files = (outbox, Path(f"{outbox}-wal"))
        start = {str(file): file.read_bytes() for file in files if file.exists()}
        events = await _recorded(folder, outbox)
    assert sum(accepted(server.folder).values()) == size
    assert {event.name for event in events if event.op == "S"} == {str(outbox), f"{outbox}-wal"}

    def losses() -> Iterator[Image]:  # one after another: together they would fill the memory
        return (image for image in images(events, start, random.Random(seed), each=each) if image.dotted)

    count = sum(1 for _ in losses())
    assert count >= wanted
    chosen = set(random.Random(seed).sample(range(count), wanted))
    seen: set[str] = set()
    for number, image in enumerate(losses()):
        if number in chosen:
            seen |= await _survives(image, outbox, folder / f"image{number}")
    print(f"\n{wanted} power losses in {len(events)} writes and syncs: 0 corrupt, 0 to be sent again")
    assert {"sent", "unknown", "queued"} <= seen, "the losses fell into the middle of the send"


async def test_s02_after_a_power_loss_nobody_is_claimed_again(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    await _power_losses(tmp_path, size=40, wanted=60, each=2, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_s02_in_full(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()
    await _power_losses(tmp_path, size=250, wanted=1_200, each=8, seed=2)
