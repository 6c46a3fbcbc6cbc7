"""A template that never ends or asks for too much keeps nobody from the app (M-09)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.tui.conftest import MakeApp, change, shows, until

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
FLOOD = "{% set n = namespace(x='a') %}{% for i in range(40) %}{% set n.x = n.x ~ n.x %}{% endfor %}{{ n.x }}"


@pytest.mark.long
async def test_m09_the_app_answers_while_a_template_never_ends(app: MakeApp, sample: Path) -> None:
    change(sample.parent / "body.txt.j2", "Hello", ENDLESS + "Hello")
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: running.bench.campaign is not None)
        await pilot.press("5")  # the preview renders the first mail
        slowest = 0.0
        for room in "1459" * 5:
            before = time.monotonic()
            await pilot.press(room)
            await pilot.pause(0.05)
            slowest = max(slowest, time.monotonic() - before)
        assert slowest < 5.0  # the template would have taken hours; the machine may be busy
        await pilot.press("1")
        await until(lambda: shows(running, "Nothing has been sent"))


async def test_m09_a_flood_is_a_sentence_in_the_preview(app: MakeApp, sample: Path) -> None:
    change(sample.parent / "body.txt.j2", "Hello", FLOOD + "Hello")
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await until(lambda: running.bench.campaign is not None)
        await pilot.press("5")
        await until(lambda: shows(running, "the result of ~"), seconds=30)
