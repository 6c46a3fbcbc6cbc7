"""Every test of the engine gets an outbox of its own, and must leave nothing behind."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.dispatch.bench import House


@pytest.fixture
async def house(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> AsyncIterator[House]:
    before = asyncio.all_tasks()
    built = House(tmp_path)
    yield built
    built.close()
    left = {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()}
    assert not left, f"tasks were left behind: {left}"
    said = [record.getMessage() for record in caplog.get_records("call") if record.name == "asyncio"]
    assert not said, "callbacks failed after the end"
