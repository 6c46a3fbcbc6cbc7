"""Fixtures that every room's tests may use."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailtui.kit import hidden
from mailtui.kit.paths import Home
from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox

pytest_plugins = ["tests.servers.aiosmtpd_server", "tests.servers.exim", "tests.servers.postfix"]


@pytest.fixture(autouse=True)
def _no_secret_is_known_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test takes for a password may stand in what the next one's log says."""
    monkeypatch.setattr(hidden, "_SHAPES", [])


@pytest.fixture(autouse=True)
def _nothing_is_shown_to_whoever_runs_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they have a desktop, campaigns of tests that are held would be shown there."""
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)


@pytest.fixture(autouse=True)
def _no_signal_goes_to_a_group_by_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Process 0 is what a lock says whose holder is not named, and to the kernel everything that runs the tests."""
    kill = os.kill

    def to_one(pid: int, number: int) -> None:
        assert pid > 0, f"signal {number} was sent to process {pid}, which is a whole group"
        kill(pid, number)

    monkeypatch.setattr(os, "kill", to_one)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home of its own for one test; MAILTUI_HOME names it."""
    root = tmp_path / "home"
    monkeypatch.setenv("MAILTUI_HOME", str(root))
    return Home.under(root)


@pytest.fixture(scope="session")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxHandle]:
    """A sandbox in a process of its own, for whoever needs no faults and tells their own mails from those of others."""
    # Other files of tests may take their time in between.
    handle = asyncio.run(start_sandbox(tmp_path_factory.mktemp("sandbox"), idle_seconds=2 * 3600))
    yield handle
    asyncio.run(stop_sandbox(handle))
