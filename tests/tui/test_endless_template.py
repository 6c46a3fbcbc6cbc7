"""A template that never ends keeps nobody from the app, nor in it (M-09)."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from pathlib import Path

from tests.tui.conftest import MakeApp, change, shows, until

ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


def rendering() -> bool:
    listed = subprocess.run(["ps", "--ppid", str(os.getpid()), "-o", "args="], capture_output=True, text=True)
    return "mailtui.message.trial" in listed.stdout


def test_m09_the_app_answers_while_a_template_never_ends_and_leaves_at_once(app: MakeApp, sample: Path) -> None:
    change(sample.parent / "body.txt.j2", "Hello", ENDLESS + "Hello")
    left = 0.0

    async def look() -> None:
        nonlocal left
        running = app(target=sample)
        async with running.run_test(size=(80, 24)) as pilot:
            await until(lambda: running.bench.campaign is not None)
            await pilot.press("5")  # the preview renders the first mail
            await until(rendering)
            for room in "91":
                before = time.monotonic()
                await pilot.press(room)
                await pilot.pause()
                assert time.monotonic() - before < 5.0  # the template would have taken hours; the machine may be busy
            await until(lambda: shows(running, "Nothing has been sent"))
            assert rendering()
            left = time.monotonic()

    asyncio.run(look())  # which waits for the threads that are at work, as the program does
    assert time.monotonic() - left < 5.0
    assert not rendering()
