"""The app beside a send at full speed: it stays quick, and the send is hardly slower for being watched."""

from __future__ import annotations

import asyncio
import statistics
from pathlib import Path

import pytest

from mailtui.service.facade import Service
from tests.servers.smtp_sink import smtp_sink
from tests.tui.conftest import MakeApp, change, finished, launch, shows, stretch, until

MAILS, WORKERS = 10_000, 32
TICK = 0.01


async def lateness(until_set: asyncio.Event) -> list[float]:
    """How much later than asked a sleep of 10 ms ended in this loop, in seconds, again and again."""
    loop = asyncio.get_running_loop()
    late = []
    while not until_set.is_set():
        due = loop.time() + TICK
        await asyncio.sleep(TICK)
        late.append(loop.time() - due)
    return late


async def send(service: Service, campaign: Path, name: str) -> tuple[float, list[float]]:
    """Send everything with a runner of its own; mails a second, and the lateness of this loop meanwhile."""
    text = campaign.read_text("utf-8")
    campaign.write_text(text.replace("name: Spring news", f"name: {name}"), "utf-8")
    launched = await launch(service, campaign, workers=WORKERS)
    campaign.write_text(text, "utf-8")
    await service.start_runner({})
    over = asyncio.Event()
    ticker = asyncio.create_task(lateness(over))
    await finished(service, launched.campaign.id, seconds=120)
    over.set()
    await until(lambda: service.runner_pid() is None)
    view = await service.view(launched.campaign.id)
    assert view.counts.sent == MAILS
    return view.counts.sent / view.send_seconds, await ticker


@pytest.mark.long
async def test_it_stays_quick_while_mails_go_out_at_full_speed(app: MakeApp, service: Service, sample: Path) -> None:
    change(sample, "  rate: 100/s\n  burst: 50\n", "")
    stretch(sample, MAILS)
    with smtp_sink() as sink:
        change(sample, "port: 2525", f"port: {sink.port}")
        before, _ = await send(service, sample, "alone one")
        running = app()
        async with running.run_test(size=(120, 40)) as pilot:
            await pilot.press("f8")
            await until(lambda: shows(running, "+ finished"))
            first, late = await send(service, sample, "watched one")
            second, more = await send(service, sample, "watched two")
        after, _ = await send(service, sample, "alone two")
    late = sorted(late + more)
    middle, p95 = statistics.median(late), late[int(len(late) * 0.95)]
    ratio = (first + second) / (before + after)
    print(
        f"\nlateness of the app's loop: median {middle * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms, "
        f"worst {late[-1] * 1000:.1f} ms of {len(late):,} ticks\n"
        f"mails a second: {before:,.0f} and {after:,.0f} alone, {first:,.0f} and {second:,.0f} watched; "
        f"ratio {ratio:.2f}"
    )
    assert p95 < 0.05
    assert ratio > 0.75
