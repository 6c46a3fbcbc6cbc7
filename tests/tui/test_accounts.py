"""The accounts screen: adding, passwords in a real keyring, one that hangs, logins at a provider, testing, removing."""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input
from textual.worker import WorkerState

from mailtui.accounts.keyring_store import login_entry
from mailtui.errors import LoginEnded
from mailtui.kit.paths import Home
from mailtui.sandbox.server import SandboxServer
from mailtui.service.facade import Service
from mailtui.tui.app import MailtuiApp
from mailtui.tui.dialogs.account_form import AccountForm
from mailtui.tui.dialogs.account_secret import SecretDialog
from mailtui.tui.dialogs.choose import ChooseDialog
from mailtui.tui.dialogs.choose_preset import PresetDialog
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.dialogs.oauth_login import LoginDialog
from mailtui.tui.dialogs.password import asking_password
from mailtui.tui.dialogs.try_account import TryAccountDialog
from mailtui.tui.screens.accounts import AccountsScreen
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.form_field import FormField
from mailtui.tui.widgets.table import KeyedTable
from tests.servers.idp.person import Person
from tests.servers.idp.provider import authorization_server
from tests.servers.secret_service import UNLOCKED, needs_secret_service, session
from tests.tui.conftest import MakeApp, grid, shows, until

SMALL, NARROW = (80, 24), (60, 20)


@pytest.fixture(scope="module")
def secret_service() -> Iterator[dict[str, str]]:
    """The variables of a session with an unlocked keyring."""
    with session(UNLOCKED) as environ:
        yield environ


@pytest.fixture
def keyring(secret_service: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The real keyring of that session, which this process uses for as long."""
    import keyring as library

    for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, secret_service[name])
    before = library.get_keyring()
    library.set_keyring(importlib.import_module("keyring.backends.SecretService").Keyring())
    yield library
    library.set_keyring(before)


@pytest.fixture
def no_keyring() -> Iterator[None]:
    """A machine without one."""
    import keyring as library

    before = library.get_keyring()
    library.set_keyring(importlib.import_module("keyring.backends.fail").Keyring())
    yield
    library.set_keyring(before)


def written(home: Home, accounts: dict[str, dict[str, object]]) -> None:
    """Have these accounts in the settings."""
    home.config.mkdir(parents=True, exist_ok=True)
    home.settings_file.write_text(json.dumps({"accounts": accounts}), "utf-8")


def daemon_of(environ: dict[str, str]) -> int:
    """The process that holds the session's keyring."""
    from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
    from jeepney.io.blocking import open_dbus_connection  # type: ignore[import-untyped]

    with open_dbus_connection(environ["DBUS_SESSION_BUS_ADDRESS"]) as connection:
        reply = connection.send_and_get_reply(message_bus.GetConnectionUnixProcessID("org.freedesktop.secrets"))
        return int(reply.body[0])


def field(app: MailtuiApp, key: str) -> Input:
    """A field of the form."""
    return app.screen.query_one(f"#field-{key.replace('_', '-')}", FormField).query_one(Input)


async def entered(app: MailtuiApp, pilot: Pilot[Any]) -> None:
    """The accounts, by their key."""
    await until(lambda: shows(app, "Nothing has been sent"))
    await pilot.press("0")
    await until(lambda: isinstance(app.screen, AccountsScreen))


async def on(app: MailtuiApp, kind: type) -> None:
    """Wait for a dialog."""
    await until(lambda: isinstance(app.screen, kind))


@needs_secret_service
async def test_d1_from_nothing_to_a_login_that_works_and_back(
    app: MakeApp, home: Home, keyring: Any, login_server: SandboxServer
) -> None:
    running = app()
    async with running.run_test(size=SMALL, notifications=True) as pilot:
        await entered(running, pilot)
        await until(lambda: shows(running, "There is no account yet.", "Press a to add one"))
        await pilot.press("a")
        await on(running, PresetDialog)
        await until(lambda: shows(running, "Gmail", "500 a day", "App passwords are made at"))
        await pilot.press("end", "enter")
        await on(running, AccountForm)
        await pilot.press("enter")  # it is asked for where it is missing
        await until(lambda: shows(running, "× Give it a name, which campaign files say."))
        field(running, "name").value = "acme"
        field(running, "host").value = "127.0.0.1"
        field(running, "security").value = "plain"
        await until(lambda: field(running, "port").value == "25")  # the two go together
        field(running, "port").value = str(login_server.port)
        field(running, "user").value = "me"
        await pilot.press("enter")
        await on(running, SecretDialog)  # it has none yet
        await until(lambda: shows(running, "× missing, looked in: the keyring (no entry mailtui acme)"))
        running.screen.query_one(Input).value = "right"
        await pilot.press("enter")
        await until(lambda: shows(running, "acme is in the keyring, and was read back.", "secret    + in the keyring"))
        assert keyring.get_password("mailtui", "acme") == "right"
        assert "right" not in home.settings_file.read_text("utf-8")

        await pilot.press("t")
        await on(running, TryAccountDialog)
        await until(lambda: shows(running, "+ login", "+ It works; nothing was sent.", "m mail to yourself"))
        await pilot.press("m")
        running.screen.query_one("#to", Input).value = "you@example.test"
        await pilot.press("enter")
        await until(lambda: shows(running, "+ mail", "a mail to you@example.test is on its way."))
        await pilot.press("escape")
        await until(lambda: shows(running, "tested    + today", "it works"))
        for size in (NARROW, SMALL):
            await pilot.resize_terminal(*size)
            await until(lambda: shows(running, "acme", "+ keyring", f"127.0.0.1:{login_server.port}"))

        await pilot.press("d")
        await until(lambda: shows(running, "Its mails are not signed here"))
        await pilot.press("m", *"acme.test", "enter")
        await until(lambda: shows(running, "Signs for acme.test by rsa", "Put this into the DNS before", "n asks"))
        assert "PRIVATE KEY" in keyring.get_password("mailtui", "acme dkim")
        await pilot.press("y", "escape")
        await until(lambda: shows(running, "DKIM      acme.test, m"))
        assert "._domainkey.acme.test. IN TXT" in running.clipboard

        await pilot.press("e")
        await on(running, AccountForm)
        field(running, "name").value = "news"
        await pilot.press("enter")
        await until(lambda: shows(running, "news ", "secret    + in the keyring"))
        assert keyring.get_password("mailtui", "news") == "right"
        assert keyring.get_password("mailtui", "acme") is None

        await pilot.press("D")
        await on(running, ConfirmDialog)
        await pilot.press("escape", "delete")
        await on(running, ConfirmDialog)
        await pilot.press("shift+tab", "enter")
        await until(lambda: shows(running, "news is removed, and its secrets", "There is no account yet."))
    assert keyring.get_password("mailtui", "news") is None
    assert keyring.get_password("mailtui", "news dkim") is None
    assert "news" not in home.settings_file.read_text("utf-8")
    assert login_server.counters.accepted == 1


@needs_secret_service
async def test_d1_a_keyring_that_hangs_keeps_nobody_waiting(
    home: Home, keyring: Any, secret_service: dict[str, str]
) -> None:
    written(home, {f"acme{number}": {"host": "smtp.acme.test", "user": "me"} for number in range(1, 61)})
    keyring.set_password("mailtui", "acme1", "old")
    daemon = daemon_of(secret_service)
    os.kill(daemon, signal.SIGSTOP)
    end = threading.Timer(20, os.kill, (daemon, signal.SIGCONT))  # who waits for it fails, and does not wait for ever
    end.start()
    try:
        with Service.open(os.environ) as service:
            running = MailtuiApp(service)
            async with running.run_test(size=SMALL, notifications=True) as pilot:
                began = time.monotonic()
                await entered(running, pilot)
                await until(lambda: shows(running, "acme1", "· looking …"))
                await pilot.press("end")  # the keyring is being waited for, and the screen goes on
                await until(lambda: shows(running, "acme9 ", "server    smtp.acme.test:465"))
                await pilot.press("home", "p")
                await on(running, SecretDialog)
                running.screen.query_one(Input).value = "new"
                await pilot.press("enter")
                await until(lambda: shows(running, "Asking the keyring …"))
                await pilot.press("escape")
                await on(running, AccountsScreen)
                await pilot.press("p")
                await on(running, SecretDialog)
                running.screen.query_one(Input).value = "typed"
                await pilot.press("tab", "enter")  # forgetting takes a keyring, so the next is: this run only
                await until(lambda: shows(running, "is known until the app is closed", "+ kept in memory until"))
                assert time.monotonic() - began < 20
                assert await service.secrets.password("acme1") == "typed"
                assert running.screen.query_one(KeyedTable).row_count == 60
    finally:
        end.cancel()
        os.kill(daemon, signal.SIGCONT)


async def test_d1_without_a_keyring_that_is_said_and_the_password_stays_for_this_run(
    home: Home, no_keyring: None
) -> None:
    written(home, {"acme": {"host": "smtp.acme.test", "user": "me"}})
    with Service.open(os.environ) as service:
        running = MailtuiApp(service)
        async with running.run_test(size=NARROW) as pilot:
            await entered(running, pilot)
            await until(lambda: shows(running, "× missing", "the keyring (none on this machine)"))
            await pilot.press("p")
            await on(running, SecretDialog)
            running.screen.query_one(Input).value = "typed"
            await pilot.press("enter")
            await until(lambda: shows(running, "× There is no keyring on this machine.", "It was not kept."))
            await until(lambda: running.focused is not None and running.focused.id == "run")
            await pilot.press("enter")
            await until(lambda: shows(running, "+ this run"))
            assert await service.secrets.password("acme") == "typed"


async def test_the_form_says_what_is_wrong_at_its_field_and_loses_nothing(home: Home, no_keyring: None) -> None:
    written(home, {"acme": {"host": "smtp.acme.test", "user": "me"}, "other": {"host": "mail.acme.test"}})
    with Service.open(os.environ) as service:
        running = MailtuiApp(service)
        async with running.run_test(size=NARROW) as pilot:
            await entered(running, pilot)
            await until(lambda: shows(running, "smtp.acme.test:465"))
            await pilot.press("enter")
            await on(running, AccountForm)
            form = running.screen
            assert isinstance(form, AccountForm)
            await until(lambda: running.focused is field(running, "name"))
            fields = [one for one in form.query(FormField) if one.display]
            assert form.focus_chain[: len(fields)] == [one.query_one(Input) for one in fields]  # then the buttons
            for one in (fields[len(fields) // 2], fields[-1]):  # in sight with its name, however small the terminal
                one.take_focus()
                await until(lambda one=one: any(line.strip("│ ").startswith(one.entry.name) for line in grid(running)))
            field(running, "name").value = "other"
            field(running, "port").focus()
            await pilot.press(*"99999", "x")  # no letter can be typed
            field(running, "name").focus()
            await until(lambda: shows(running, "× There is an account other already", "× Should be 65,535 or less"))
            await pilot.press("end", "ctrl+u", *"acme", "down")
            field(running, "port").value = "587"
            await until(lambda: field(running, "security").value == "starttls")
            field(running, "security").focus()
            await pilot.press("up")
            await until(lambda: shows(running, "TLS from the first"))
            await until(lambda: field(running, "port").value == "465")
            await until(lambda: not shows(running, "× "))
            await pilot.press("tab", *"2465")  # a number is typed in place of the one that stands there
            await until(lambda: field(running, "port").value == "2465")
            field(running, "senders").value = "news@acme.test"
            await pilot.press("escape")
            await until(lambda: shows(running, "What was typed is not saved."))
            await pilot.press("enter")  # goes on typing
            await on(running, AccountForm)
            for _ in range(2):
                form.action_leave()  # a second esc that was on its way to the form asks no second time
                await on(running, ChooseDialog)
            await pilot.press("escape")  # and esc is no throwing away either
            await on(running, AccountForm)
            await pilot.press("escape")
            await until(lambda: shows(running, "What was typed is not saved."))
            await until(lambda: isinstance(running.focused, Button))
            for by in (1, -1, -1):  # from "Go on typing", the last one, to "Save"; however quickly
                running.screen.query_one(Buttons).action_go(by)
            await pilot.press("enter")
            await until(lambda: shows(running, "sends as  news@acme.test"))
    assert "news@acme.test" in home.settings_file.read_text("utf-8")


async def test_foreign_words_in_a_test_and_a_settings_file_are_harmless(home: Home, no_keyring: None) -> None:
    written(home, {"acme": {"host": "smtp.acme.test", "from": ['"[@click=app.quit]Ann[/]" <a@acme.test>']}})
    home.state.mkdir(parents=True, exist_ok=True)
    said = "535 [/foo] \x1b[31mno\u202e[@click=app.quit]x[/]"
    note = {"at": time.time(), "ok": False, "step": "login", "text": said, "size": None, "server": "smtp.acme.test:465"}
    (home.state / "account-tests.json").write_text(json.dumps({"acme": note}), "utf-8")
    with Service.open(os.environ) as service:
        running = MailtuiApp(service)
        async with running.run_test(size=(120, 40)) as pilot:
            await entered(running, pilot)
            await until(lambda: shows(running, "[@click=app.quit]Ann[/]", "× login", "- none needed", "[/foo]"))
            assert "\x1b" not in "".join(grid(running))
            home.settings_file.write_text("accounts: {acme: {host: 7, prot: 1}}", "utf-8")  # by another program
            await pilot.press("ctrl+r")
            await until(lambda: shows(running, "× The settings have mistakes.", "prot", "acme"))
            written(home, {"later": {"host": "smtp.acme.test"}})
            await pilot.press("escape", "ctrl+r")
            await until(lambda: shows(running, "later") and not shows(running, "mistakes"))
            written(home, {"later": {"host": "smtp.acme.test"}, "soon": {"host": "mx.backup.test", "user": "ann"}})
            await pilot.press("ctrl+r", "slash", *"MX", "space", *"ann")
            await until(lambda: shows(running, "soon", "mx.backup.test:465") and not shows(running, "later"))
            await pilot.press("x")
            await until(lambda: shows(running, "No account has these words.") and not shows(running, "soon"))
            await pilot.press("escape")
            await until(lambda: shows(running, "later", "soon"))


def listens(port: int | None) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port or 0)) == 0


async def ended() -> None:
    raise LoginEnded("club", "has ended", said="")


@needs_secret_service
async def test_d3_logging_in_by_a_code_and_out_again(home: Home, keyring: Any) -> None:
    with authorization_server() as provider:
        oauth = provider.oauth()
        written(home, {"club": {"host": "smtp.acme.test", "user": "ann@acme.test", "oauth": oauth}})
        environ = {**os.environ, "BROWSER": "/nonexistent/browser", "MAILTUI_TIME_SCALE": "0.2"}
        with Service.open(environ) as service:
            running = MailtuiApp(service)
            async with running.run_test(size=SMALL, notifications=True) as pilot:
                await entered(running, pilot)
                await until(lambda: shows(running, "× missing", "l logs in"))
                await pilot.press("l")
                await on(running, LoginDialog)
                await until(lambda: shows(running, "address  http://127.0.0.1:", "time     0:", "esc gives up"))
                await pilot.press("y")
                back = urlsplit(parse_qs(running.clipboard)["redirect_uri"][0]).port
                assert listens(back)
                await pilot.press("escape")
                await until(lambda: not listens(back))
                await pilot.press("l")
                await on(running, LoginDialog)
                await pilot.press("c")
                await until(lambda: shows(running, "code     ", "y copies"))
                await pilot.press("y")
                line = next(line for line in grid(running) if "address  " in line)
                address = line.partition("address")[2].split()[0]
                await asyncio.to_thread(Person("ann").type_in, address, running.clipboard)
                await until(lambda: shows(running, "club is logged in.", "o logs out"), seconds=30)
                assert keyring.get_password("mailtui", login_entry("club"))
                await pilot.press("escape")
                await until(lambda: shows(running, "+ logged in"))
                asking = running.run_worker(asking_password(running, service, ended), exit_on_error=False)
                await on(running, LoginDialog)
                await pilot.press("escape")  # whoever does not log in anew is let go
                await until(lambda: asking.state is WorkerState.ERROR)
                await pilot.press("l")
                await until(lambda: shows(running, "logged in; the token is in the keyring"))  # and nothing is opened
                await pilot.press("o")
                await until(lambda: shows(running, "club is logged out"))
                await pilot.press("escape")
                await until(lambda: shows(running, "× missing"))
                assert keyring.get_password("mailtui", login_entry("club")) is None


async def test_c3_every_limit_of_an_account_is_a_field_and_wrong_ones_are_told_there(app: MakeApp, home: Home) -> None:
    written(home, {"acme": {"host": "127.0.0.1", "port": 2525, "security": "plain"}})
    running = app()
    async with running.run_test(size=SMALL) as pilot:
        await entered(running, pilot)
        await until(lambda: shows(running, "acme"))
        await pilot.press("e")
        await on(running, AccountForm)
        assert not running.screen.query_one("#field-burst").display, "without a rate it means nothing"
        wrong = {"rate": "fast", "min_gap": "a bit", "batch": "100", "per_domain": "gmail", "warm_up": "50"}
        for key, text in wrong.items():
            field(running, key).value = text
        await pilot.press("ctrl+s")
        problems = {one.entry.key for one in running.screen.query(FormField) if one.has_class("-wrong")}
        assert problems == set(wrong)
        typed = {"rate": "10/s", "min_gap": "", "batch": "100, 10m", "per_domain": "gmail.com 5/s"}
        for key, text in {**typed, "warm_up": "50, 1.5, 5000, 2026-12-01", "per_hour": "500", "burst": "5"}.items():
            field(running, key).value = text
        await pilot.press("ctrl+s")
        await until(lambda: isinstance(running.screen, AccountsScreen) and shows(running, "10/s, 5 at once, 500/h"))
    limits = running.service.settings.spec.accounts["acme"].limits.limits()
    assert (limits.rate, limits.burst, limits.per_hour) == (10.0, 5, 500)
    assert limits.batch is not None and (limits.batch.size, limits.batch.rest) == (100, 600.0)
    assert limits.of_domain("gmail.com").rate == 5.0
    assert limits.warm_up is not None and limits.warm_up.since == "2026-12-01"
