"""A login by OAuth from end to end: a real authorization server, a real keyring, a real submission server."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import keyring
import pytest
from keyring.backends import SecretService
from keyring.errors import KeyringLocked

from mailtui.dispatch.members import Member
from mailtui.sandbox.process import SandboxHandle, start_sandbox, stop_sandbox
from mailtui.service.facade import Service
from tests.cli.program import Ended, Mailtui, Oracle, wait_until
from tests.servers.dovecot import Dovecot, dovecot_server
from tests.servers.google import Grid, Spreadsheet, google_server
from tests.servers.idp.person import Person
from tests.servers.idp.provider import MAIL, SHEETS, AuthorizationServer, authorization_server
from tests.servers.secret_service import UNLOCKED, needs_secret_service, session

USER = "news@acme.test"
ROWS, EACH, TOKENS = 12, 2, 3
"""Recipients; how many mails the server takes in one session; and how many times tokens are given out for them."""
A_MOMENT = 0.01
"""Seconds that a token is said to be good for: less than a session takes."""
REAL_KEYRING = "keyring.backends.SecretService.Keyring"
pytestmark = needs_secret_service


@dataclass(frozen=True, slots=True)
class World:
    """The servers that run for all tests of this module."""

    idp: AuthorizationServer
    dovecot: Dovecot
    sandbox: SandboxHandle
    keyring: dict[str, str]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("relay")
    # Nobody sends more than a few mails before they have to log in again.
    limit = f"{{at_most: {EACH}, reply: 421 4.7.0 Enough}}"
    (folder / "faults.yaml").write_text(f"limits: {{messages_per_connection: {limit}}}\n")
    sandbox = asyncio.run(start_sandbox(folder, faults=folder / "faults.yaml", idle_seconds=600))
    try:
        with (
            authorization_server() as idp,
            dovecot_server(
                users={}, relay_port=sandbox.port, introspection=idp.introspection_url, name_in_token="sub"
            ) as dovecot,
            session(UNLOCKED) as found,
        ):
            yield World(idp, dovecot, sandbox, found)
    finally:
        asyncio.run(stop_sandbox(sandbox))


@pytest.fixture
def mine(mailtui: Mailtui, world: World, tmp_path: Path) -> Iterator[Mailtui]:
    """A person with an account that logs in there, and a browser in which they agree to everything."""
    server = {"host": "127.0.0.1", "port": world.dovecot.tls_port, "security": "tls", "ca": str(world.dovecot.ca)}
    account = {**server, "user": USER, "oauth": world.idp.oauth()}
    mailtui.home.settings_file.parent.mkdir(parents=True)
    mailtui.home.settings_file.write_text(json.dumps({"accounts": {"acme": account}}))
    mailtui.home.settings_file.chmod(0o600)
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\nprintf %s "$1" >"{tmp_path}/address.new"; mv "{tmp_path}/address.new" "{tmp_path}/address"\n'
    )
    browser.chmod(0o700)
    mailtui.environ.update(
        DBUS_SESSION_BUS_ADDRESS=world.keyring["DBUS_SESSION_BUS_ADDRESS"],
        PYTHON_KEYRING_BACKEND=REAL_KEYRING,
        BROWSER=str(browser),
        MAILTUI_TIME_SCALE="0.1",
    )
    world.idp.forget()
    # What is called in this process asks the same keyring; which one there is, is found out once a process.
    before = keyring.get_keyring()
    keyring.set_keyring(SecretService.Keyring())  # type: ignore[no-untyped-call]
    yield mailtui
    keyring.set_keyring(before)


def log_in(mine: Mailtui) -> Ended:
    """`mailtui accounts login`, while the person is at the browser."""
    opened = mine.folder / "address"
    opened.unlink(missing_ok=True)

    def go() -> None:
        wait_until(opened.exists, 30)
        Person(USER).agree(opened.read_text())

    person = threading.Thread(target=go, daemon=True)
    person.start()
    done = mine.call("accounts", "login", "acme")
    person.join(30)
    return done


def scope_asked_for(login: Ended) -> str:
    """What the address asked for that was shown to a person, of a login that came to a good end."""
    assert login.code == 0, login
    shown = next(line for line in login.err.splitlines() if "/auth?" in line)
    return parse_qs(shown)["scope"][0]


def campaign(mine: Mailtui, name: str) -> Path:
    """One that has to log in again and again."""
    return mine.campaign(ROWS, port=0, name=name, smtp=None, account="acme", dispatch={"workers": 1})


def test_c08_a_campaign_outlives_its_tokens_and_goes_on_after_the_next_login(mine: Mailtui, world: World) -> None:
    done = log_in(mine)
    assert done.code == 0, done
    assert "acme is logged in. The login is kept in the keyring (SecretService).\n" in done.err
    tried = mine.call("accounts", "test", "acme", "--transcript")
    assert "XOAUTH2" in tried.out, tried
    assert "AUTH XOAUTH2 (hidden)" in tried.out
    assert "flight: servers such as Dovecot break off" in tried.out
    oracle = Oracle(world.sandbox).from_here()
    world.idp.forget()
    world.idp.say_life(A_MOMENT)
    world.idp.end_at(TOKENS + 1)
    paused = mine.call("run", campaign(mine, "c"), "--yes")
    assert paused.code == 6, paused
    assert [item.status for item in world.idp.asked()] == [*[200] * TOKENS, 400], "tokens ran out, and were renewed"
    assert "The login of acme has ended" in paused.out
    assert "mailtui accounts login acme" in paused.out
    assert "failed" not in paused.out
    assert "unknown" not in paused.out
    assert len(oracle.accepted) == TOKENS * EACH

    world.idp.forget()
    with mine.start("runner", "--json") as runner:
        try:
            assert runner.stdout is not None
            assert json.loads(runner.stdout.readline())["pid"] == runner.pid
            again = log_in(mine)
            assert again.err.endswith(f"c ({mine.call('status', '--json').json['campaign']}) goes on.\n"), again
            wait_until(lambda: len(oracle.accepted) == ROWS, 30)
            assert set(oracle.accepted.values()) == {1}
            wait_until(lambda: mine.call("status", "--json").json["state"] == "finished", 30)
        finally:
            runner.terminate()


@pytest.mark.long
def test_c08_two_processes_send_on_while_tokens_run_out(mine: Mailtui, world: World) -> None:
    assert log_in(mine).code == 0
    oracle = Oracle(world.sandbox).from_here()
    world.idp.forget()
    world.idp.say_life(A_MOMENT)
    both = []
    for name in ("one", "two"):
        path, outbox = campaign(mine, name), f"sqlite:///{mine.folder}/{name}.db"
        both.append(mine.start("run", path, "--yes", env={"MAILTUI_OUTBOX": outbox}))
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, out + err
    assert set(oracle.accepted.values()) == {2}
    assert len(oracle.accepted) == ROWS
    assert world.idp.most_at_once() == 1
    asked = world.idp.asked()
    assert {item.status for item in asked} == {200}
    assert len(asked) >= 4


def test_d3_logging_out_tells_the_provider(mine: Mailtui, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    assert log_in(mine).code == 0
    assert mine.call("accounts", "logout", "acme").err == "acme is logged out.\n"
    assert [item.path for item in world.idp.asked()][-1] == "/token/revocation"
    refused = mine.call("accounts", "test", "acme")
    assert "mailtui accounts login acme" in refused.err
    assert mine.call("accounts", "logout", "acme").err == "Nobody was logged in for acme.\n"
    told = mine.call("accounts", "logout", "acme", env={"MAILTUI_PASSWORD_ACME": "a refresh token"}).err
    assert told == "Nobody was logged in for acme. It still has a login from elsewhere: variable.\n"
    monkeypatch.setattr(os, "environ", mine.environment())
    keyring.set_password("mailtui", "acme login", "nobody's")
    world.idp.fail({"status": 503}, path="/token/revocation")
    told = mine.call("accounts", "logout", "acme").err
    assert "could not be told: it answered 503. There, take" in told


def test_d3_a_login_that_cannot_be_kept_says_so(mine: Mailtui, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(*_: object) -> None:
        raise KeyringLocked

    monkeypatch.setattr(SecretService.Keyring, "set_password", locked)
    lost = log_in(mine)
    assert lost.code == 3
    assert "The keyring is locked" in lost.err
    assert "127.0.0.1 logged acme in, and it was not kept" in lost.err
    assert "Then log in again: mailtui accounts login acme" in lost.err
    assert "is logged in" not in lost.err


def test_c08_whoever_gives_up_does_not_lose_the_login(
    mine: Mailtui, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert log_in(mine).code == 0
    monkeypatch.setattr(os, "environ", mine.environment())

    async def give_up() -> None:
        service = Service.open(os.environ)
        asking = asyncio.create_task(service.credential(service.settings.endpoint("acme")))
        while not world.idp.asked():
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    world.idp.forget()
    world.idp.fail({"late": 100})
    asyncio.run(give_up())
    wait_until(lambda: all(item.status for item in world.idp.asked()))
    service = Service.open(os.environ)
    assert asyncio.run(service.credential(service.settings.endpoint("acme"))), "the server takes no token twice"


def test_c08_a_runner_is_handed_what_it_renews_a_login_with(mine: Mailtui, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", mine.environment())
    kept = {"acme login": "refresh", "acme client": "secret"}
    for entry, text in kept.items():
        keyring.set_password("mailtui", entry, text)
    service = Service.open(os.environ)
    assert asyncio.run(service.secrets_of([Member(service.settings.endpoint("acme"))])) == kept
    for entry in kept:
        keyring.delete_password("mailtui", entry)


def test_a3_a_private_sheet_is_read_with_the_same_login(mine: Mailtui, world: World) -> None:
    with google_server() as google:
        rows = [["email", "name"], ["ann@example.com", "Ann"], ["bob@example.com", "Bob"]]
        google.books["s" * 44] = Spreadsheet("Members", [Grid(0, "List", rows)], readers={USER})
        spent: list[str] = []

        def whose(token: str) -> str | None:
            """The first token has run out meanwhile."""
            if not spent:
                spent.append(token)
            return None if token in spent else world.idp.reader_of(token)

        google.whose = whose
        account = json.loads(mine.home.settings_file.read_text())["accounts"]["acme"]
        oauth = {**account["oauth"], "provider": "google", "scopes": None}
        accounts = {"acme": {**account, "oauth": {name: value for name, value in oauth.items() if value}}}
        services = {"docs_url": google.url, "sheets_url": google.url}
        link = f"https://docs.google.com/spreadsheets/d/{'s' * 44}/edit#gid=0"
        mine.home.settings_file.write_text(json.dumps({"accounts": accounts, "google": services}))
        assert scope_asked_for(log_in(mine)) == MAIL
        settings = {"accounts": accounts, "google": {**services, "account": "acme"}}
        mine.home.settings_file.write_text(json.dumps(settings))
        unasked = mine.call("audience", link)
        assert "does not give the leave" in unasked.err, "sheets were not agreed to yet"
        assert "mailtui accounts login acme" in unasked.err
        assert scope_asked_for(log_in(mine)) == f"{MAIL} {SHEETS}"
        shown = mine.call("audience", link)
        assert "ann@example.com" in shown.out, shown
        sent = [headers.get("authorization", "") for path, headers in google.asked if "/v4/" in path]
        assert len(set(sent)) == 2
        assert all(world.idp.scope_of(text.removeprefix("Bearer ")) == SHEETS for text in sent)
