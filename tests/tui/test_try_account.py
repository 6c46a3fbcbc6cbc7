"""Trying a server out from the review, the window, and the gear on the board."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Input

from mailtui.kit.paths import Home
from mailtui.sandbox.process import SandboxHandle
from mailtui.sandbox.server import SandboxServer
from mailtui.service.facade import Service
from mailtui.service.pace import plan_of
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.password import PasswordDialog
from mailtui.tui.dialogs.rate import RateDialog
from mailtui.tui.dialogs.try_account import TryAccountDialog
from mailtui.tui.screens.review import ReviewScreen
from tests.tui.conftest import MakeApp, change, launch, send_with_login, shows, stretch, until

SIZES = [(80, 24), (120, 40), (60, 20)]


async def trying(app: MailtuiApp, pilot: Pilot[Any]) -> None:
    """The dialog, over the review of the open campaign."""
    await until(lambda: app.bench.campaign is not None)
    await pilot.press("6")
    await until(lambda: isinstance(app.screen, ReviewScreen) and shows(app, "tried:"))
    await pilot.press("t")
    await until(lambda: isinstance(app.screen, TryAccountDialog))


async def test_the_steps_and_what_was_said(app: MakeApp, sendable: Path, sandbox: SandboxHandle) -> None:
    running = app(target=sendable)
    async with running.run_test(size=(80, 24)) as pilot:
        await trying(running, pilot)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await until(lambda: shows(running, "+ It works; nothing was sent.", "esc closes   r again   t transcript"))
            await pilot.press("end")
            await until(lambda: shows(running, "+ gear", "cross: the server offers"))
            await pilot.press("home")
            await until(lambda: shows(running, f"Trying out 127.0.0.1:{sandbox.port}", "+ name", "+ connect"))
        await pilot.press("t")
        await until(lambda: shows(running, "> EHLO", "< 250-PIPELINING", "t steps"))
        await pilot.press("escape")
        await until(lambda: isinstance(running.screen, ReviewScreen))
    assert not list(sandbox.folder.glob("accepted.jsonl")) or not (sandbox.folder / "accepted.jsonl").read_text()


async def test_nobody_there_is_told_with_what_to_do(app: MakeApp, sample: Path) -> None:
    change(sample, "port: 2525", "port: 1")
    running = app(target=sample)
    async with running.run_test(size=(80, 24)) as pilot:
        await trying(running, pilot)
        await until(lambda: shows(running, "× connect", "nobody answers at 127.0.0.1:1", "No program listens"))
        assert shows(running, "× Nothing can be sent through 127.0.0.1:1 as it is.")
        await pilot.press("q")
        await until(lambda: isinstance(running.screen, ReviewScreen))


async def test_a_server_that_says_nothing_blocks_nobody_and_is_left_with_escape(app: MakeApp, sample: Path) -> None:
    met, gone = asyncio.Event(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.set()
        await reader.read()
        gone.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    change(sample, "port: 2525", f"port: {port}")
    running = app(target=sample)
    async with server, running.run_test(size=(80, 24)) as pilot:
        await trying(running, pilot)
        await until(met.is_set)
        await until(lambda: shows(running, "+ connect", "Trying …", "esc stops it and closes"))
        await pilot.press("escape")
        await until(lambda: isinstance(running.screen, ReviewScreen))
        await until(gone.is_set)  # and the connection with it


async def test_a_password_is_asked_for_and_after_a_refusal_asked_for_again(
    app: MakeApp, home: Home, sample: Path, login_server: SandboxServer
) -> None:
    send_with_login(home, sample, login_server.port, rows=3)
    with Service.open(os.environ) as service:
        running = MailtuiApp(service, target=sample, colourless=False)
        async with running.run_test(size=(80, 24)) as pilot:
            await until(lambda: running.bench.campaign is not None)
            await pilot.press("6")
            await until(lambda: isinstance(running.screen, ReviewScreen) and shows(running, "tried:"))
            await pilot.press("t")
            await until(lambda: isinstance(running.screen, PasswordDialog))
            running.screen.query_one(Input).value = "wrong"
            await pilot.press("enter")
            await until(lambda: shows(running, "× login", "Nothing can be sent through acme as it is."))
            await pilot.press("r")
            await until(lambda: isinstance(running.screen, PasswordDialog))
            running.screen.query_one(Input).value = "right"
            await pilot.press("enter")
            await until(lambda: shows(running, "+ login", "+ It works; nothing was sent."))
            await pilot.press("t")
            await until(lambda: shows(running, "> AUTH CRAM-MD5", "> (hidden)"))
            await pilot.press("escape")
            await until(lambda: isinstance(running.screen, ReviewScreen))
            await pilot.press("t")
            await until(lambda: shows(running, "+ It works; nothing was sent."))  # it is known now
            await pilot.press("escape")
            await pilot.press("escape")
    assert login_server.counters.accepted == 0


async def test_a_window_is_typed_in_the_review_with_what_it_means(
    app: MakeApp, service: Service, sendable: Path
) -> None:
    running = app(target=sendable)
    async with running.run_test(size=(60, 20)) as pilot:
        await until(lambda: running.bench.campaign is not None)
        await pilot.press("6")
        await until(lambda: shows(running, "tried:", "window  1"))
        window = running.screen.query_one("#pace-window", Input)
        window.value = "65"
        await until(lambda: shows(running, "window is a number from 1 to 64"))
        window.value = "8"
        await until(lambda: shows(running, "Faster to a server that is far away"))
        await pilot.resize_terminal(80, 24)
        await pilot.press("t")  # what is typed is what is tried
        await until(lambda: shows(running, "chunked: window 8 asked for", "8 under way on each connection"))
        await pilot.press("escape")
        await until(lambda: isinstance(running.screen, ReviewScreen))
        await pilot.press("s")
        await until(lambda: shows(running, "Type 34 to send", "window       8. Faster to a server that is far away"))
        running.screen.query_one("#count", Input).value = "34"
        await pilot.press("enter", "enter")
        await until(lambda: shows(running, "» sending") or shows(running, "+ finished"), seconds=30)
    [view] = await service.views()
    assert plan_of(view).window == 8


async def test_the_board_shows_gear_and_why_and_changes_the_window(
    app: MakeApp, service: Service, sendable: Path
) -> None:
    stretch(sendable, 2_000)
    launched = await launch(service, sendable, window=8, workers=3, rate=40.0, burst=1)
    await service.start_runner({})
    running = app()
    async with running.run_test(size=(80, 24)) as pilot:
        await pilot.press("f8")
        await until(lambda: shows(running, "Gear chunked: window 8 asked for, and the server offers"))
        await pilot.resize_terminal(130, 40)
        await until(lambda: shows(running, "chunked, window 8", "Last reply"))
        await pilot.resize_terminal(60, 20)
        await until(lambda: shows(running, "Gear chunked: window 8 asked"))
        await pilot.press("l")
        await until(lambda: isinstance(running.screen, RateDialog))
        await until(lambda: shows(running, "up to 8 mails a", "enter sets both"))
        window = running.screen.query_one("#window", Input)
        window.value = "0"
        window.focus()
        await pilot.press("enter")
        await until(lambda: shows(running, "The window is a number from 1 to 64."))
        window.value = "1"
        await pilot.press("enter")
        await until(lambda: shows(running, "Gear cross: the server offers PIPELINING"), seconds=30)
    plan = plan_of(await service.view(launched.campaign.id))
    assert (plan.window, plan.rate) == (1, 40.0)
