"""The demo's folder: begun anew, and left alone while something is still being sent from it."""

from __future__ import annotations

import os
from pathlib import Path

from mailtui.dispatch.lock import RunnerLock
from mailtui.sandbox.process import stop_sandbox
from mailtui.service.demo import prepare_demo
from mailtui.service.facade import Service


async def test_a_demo_that_is_being_sent_keeps_its_home(tmp_path: Path) -> None:
    environ = {**os.environ, "MAILTUI_HOME": str(tmp_path)}
    first = await prepare_demo(environ, rows=3)
    with Service.open(first.environ) as service:
        lock_file = service.outbox.lock_file
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = RunnerLock.acquire(lock_file, version="0")
    second = await prepare_demo(environ, rows=3)
    lock.release()
    assert second.campaign != first.campaign
    assert first.campaign.exists()
    third = await prepare_demo(environ, rows=3)
    assert third.campaign == first.campaign
    await stop_sandbox(second.sandbox)
    await stop_sandbox(third.sandbox)
