"""A mailtui for each test, and one sandbox for all that need no faults."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox
from tests.cli.program import Mailtui, Oracle

StartSandbox = Callable[..., Oracle]


@pytest.fixture
def mailtui(tmp_path: Path) -> Iterator[Mailtui]:
    program = Mailtui(tmp_path)
    yield program
    program.end_runner()


@pytest.fixture
def sandbox(shared_sandbox: SandboxHandle) -> Oracle:
    """The common sandbox; only what comes from here on counts."""
    return Oracle(shared_sandbox).from_here()


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[StartSandbox]:
    """Starts sandboxes that misbehave as the YAML text says."""
    running: list[SandboxHandle] = []

    def start(faults: str = "", *, port: int = 0) -> Oracle:
        folder = tmp_path / f"sandbox{len(running)}"
        file = None
        if faults:
            file = tmp_path / f"faults{len(running)}.yaml"
            file.write_text(faults)
        folder.mkdir()
        running.append(asyncio.run(start_sandbox(folder, port=port, faults=file)))
        return Oracle(running[-1])

    yield start
    for handle in running:
        asyncio.run(stop_sandbox(handle))
