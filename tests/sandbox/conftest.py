"""No sandbox outlives the test that started it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.sandbox.process import LOCK, find_sandbox, stop_sandbox


@pytest.fixture(autouse=True)
def no_sandbox_stays(tmp_path: Path) -> Iterator[None]:
    """End what a test leaves running below its folder, and say that it did."""
    yield
    left = [handle for lock in tmp_path.rglob(LOCK) if (handle := find_sandbox(lock.parent)) is not None]
    for handle in left:
        asyncio.run(stop_sandbox(handle))
    assert not left, "the test left sandboxes running"
