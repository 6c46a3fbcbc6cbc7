"""What every test of the terminal app needs: a home, a campaign, a sandbox, the app, and eyes for the screen."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import pytest_asyncio
from textual._compositor import LayoutUpdate
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

from mailtui.kit.paths import Home
from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox
from mailtui.sandbox.server import SandboxServer
from mailtui.service.facade import Service
from mailtui.service.lists import Again, Launch
from mailtui.service.samples import write_sample
from mailtui.tui.app import MailtuiApp

_seen: list[str] = []
"""The screen as it was looked at last, for whoever reads why a test failed."""

MakeApp = Callable[..., MailtuiApp]
Condition = Callable[[], object]


@pytest.fixture(autouse=True, scope="session")
def _style_sheets_are_read_once() -> Iterator[None]:
    """Textual reads all style sheets anew for each screen of each app, which was a quarter of these tests' time."""
    read = Stylesheet._parse_rules
    known: dict[object, list[RuleSet]] = {}

    def read_once(sheet: Stylesheet, *told: Any, **named: Any) -> list[RuleSet]:
        key = (told, tuple(named.items()), tuple(sheet._variables.items()))
        if key not in known:
            known[key] = read(sheet, *told, **named)
        return known[key]

    with mock.patch.object(Stylesheet, "_parse_rules", read_once):
        yield


@pytest.fixture
def service(home: Home) -> Iterator[Service]:
    """The service over the test's home. A runner that a test started and left is told to leave."""
    with Service.open(os.environ) as opened:
        yield opened
        told: int | None = None
        deadline = time.monotonic() + 10
        while (pid := opened.runner_pid()) not in (None, os.getpid()) and time.monotonic() < deadline:
            if pid and pid != told:  # one that begins or ends in this instant has no number yet, or no more
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
                told = pid
            time.sleep(0.02)


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """The sample campaign's file, in a folder of its own; its server's port has nobody listening."""
    folder = tmp_path / "spring"
    write_sample(folder)
    return folder / "campaign.yaml"


@pytest_asyncio.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxHandle]:
    """A sandbox in a process of its own."""
    handle = await start_sandbox(tmp_path / "sandbox", idle_seconds=120)
    yield handle
    await stop_sandbox(handle)


@pytest_asyncio.fixture
async def login_server(tmp_path: Path) -> AsyncIterator[SandboxServer]:
    """A sandbox that wants a login."""
    server = SandboxServer(tmp_path / "login", users={"me": "right"})
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def sendable(sample: Path, request: pytest.FixtureRequest) -> Path:
    """The sample campaign's file, with the test's own sandbox as its server, or the common one if it asks for none."""
    own = "sandbox" in request.fixturenames
    handle: SandboxHandle = request.getfixturevalue("sandbox" if own else "shared_sandbox")
    change(sample, "port: 2525", f"port: {handle.port}")
    return sample


@pytest.fixture
def app(service: Service) -> MakeApp:
    """Makes the app: `app()`, or `app(target=path)` with a campaign or list to open at the start."""

    def make(*, target: Path | None = None, colourless: bool = False) -> MailtuiApp:
        return MailtuiApp(service, target=target, colourless=colourless)

    return make


def change(path: Path, old: str, new: str) -> None:
    """Replace a text that must be there in a file."""
    text = path.read_text("utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new), "utf-8")


def stretch(campaign: Path, rows: int) -> None:
    """Give a campaign a list of so many good rows, all of whom the sample's filter lets in."""
    lines = (campaign.parent / "contacts.csv").read_text("utf-8").splitlines()
    columns = lines[0].split(",")
    fixed = {"joined": "2024-05-01", "unsubscribed": "no"}
    with (campaign.parent / "contacts.csv").open("w", encoding="utf-8") as stream:
        stream.write(lines[0] + "\n")
        for number in range(1, rows + 1):
            cells = {"email": f"person{number}@example.test", **fixed}
            stream.write(",".join(cells.get(column, f"{column}{number}") for column in columns) + "\n")


def send_with_login(home: Home, campaign: Path, port: int, *, rows: int) -> None:
    """Have a campaign of so many rows go through the account acme, whose server wants a login."""
    home.config.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text(f"accounts:\n  acme: {{host: 127.0.0.1, port: {port}, security: plain, user: me}}\n")
    stretch(campaign, rows)
    change(campaign, "smtp: {host: 127.0.0.1, port: 2525, security: plain}", "account: acme")


async def launch(service: Service, campaign: Path, **plan: object) -> Launch:
    """Freeze a campaign into the outbox; nobody sends it yet."""
    prepared = service.prepare(service.campaigns.load(campaign), plan=plan)
    return await service.launch(prepared, again=Again.ASK, progress=lambda _: None)


async def finished(service: Service, campaign_id: str, *, seconds: float = 30.0) -> None:
    """Wait until nothing of a campaign is under way any more."""
    deadline = time.monotonic() + seconds
    while (await service.view(campaign_id)).active:
        assert time.monotonic() < deadline, "the campaign does not come to rest"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def sent_to_faults(service: Service, campaign: Path, faults: str, *, rows: int) -> AsyncIterator[str]:
    """The id of a campaign that was sent to so many people through a sandbox with these faults, which still runs."""
    file = campaign.parent.parent / "faults.yaml"
    file.write_text(faults)
    sandbox = await start_sandbox(file.parent / "sandbox", faults=file, idle_seconds=120)
    change(campaign, "port: 2525", f"port: {sandbox.port}")
    change(campaign, "  rate: 100/s\n  burst: 50\n", "")
    stretch(campaign, rows)
    launched = await launch(service, campaign)
    await service.start_runner({})
    await finished(service, launched.campaign.id)
    yield launched.campaign.id
    await stop_sandbox(sandbox)


async def until(condition: Condition | Callable[[], Awaitable[object]], *, seconds: float = 30.0) -> None:
    """Wait until a condition holds; the test fails when it does not in time."""
    deadline, pause = time.monotonic() + seconds, 0.01
    while True:
        answer = condition()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return
        assert time.monotonic() < deadline, "this has not come true; seen last:\n" + "\n".join(_seen)
        await asyncio.sleep(pause)
        pause = min(pause * 1.3, 0.05)  # a look at the screen takes longer than waiting for it


def grid(app: App[Any]) -> list[str]:
    """The screen as lines of text, as a person sees it (toasts only with run_test(notifications=True)).

    Read where Textual keeps it: a picture by `export_screenshot` says the same and takes fifty times as long.
    """
    drawn = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    assert isinstance(drawn, LayoutUpdate)
    _seen[:] = ["".join(segment.text for segment in line).rstrip() for line in drawn.strips]
    return list(_seen)


def shows(app: App[Any], *texts: str) -> bool:
    """Whether all texts stand on the screen, each within one line."""
    lines = grid(app)
    return all(any(text in line for line in lines) for text in texts)
