"""Logging in at a real authorization server, and what comes to the listener that is nobody's answer."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from mailtui.accounts.oauth.device import DeviceLogin
from mailtui.accounts.oauth.listener import Listener
from mailtui.accounts.oauth.login import Asked, BrowserLogin
from mailtui.accounts.oauth.progress import LoginProgress, LoginStage
from mailtui.accounts.oauth.spec import OAuthSpec
from mailtui.errors import AccountError
from mailtui.service.browsers import NoBrowser
from tests.servers.idp.person import Page, Person
from tests.servers.idp.provider import CLIENT_SECRET, MAIL, SECRET_CLIENT, AuthorizationServer, authorization_server

USER = "news@example.com"
SCALE = 0.05  # of the pauses between questions, and of how long an answer may take


@pytest.fixture(scope="module")
def running() -> Iterator[AuthorizationServer]:
    with authorization_server() as server:
        yield server


@pytest.fixture
def idp(running: AuthorizationServer) -> AuthorizationServer:
    running.forget()
    return running


def asked_of(idp: AuthorizationServer, **changed: Any) -> Asked:
    provider = OAuthSpec.model_validate(idp.oauth()).resolved()
    return replace(Asked("acme", USER, provider, "mailtui", provider.scope()), **changed)


def led_to(way: str) -> str:
    """Where the address leads that a browser is started with."""
    parts = urlsplit(way)
    line = http.client.HTTPConnection(parts.netloc, timeout=30)
    line.request("GET", parts.path)
    with contextlib.closing(line), line.getresponse() as answer:
        assert answer.status == 302
        return answer.headers["Location"]


class Browser:
    """Opens addresses in a thread, as a system's browser does, and keeps the page that the person ends at."""

    def __init__(self, then: Callable[[str], Page]) -> None:
        self.way = self.address = ""
        self.pages: list[Page] = []
        self._then = then
        self._thread: threading.Thread | None = None

    def __call__(self, way: str) -> None:
        self.way = way
        self._thread = threading.Thread(target=self._go)
        self._thread.start()

    def _go(self) -> None:
        self.address = led_to(self.way)
        self.pages.append(self._then(self.address))

    def last(self) -> Page:
        assert self._thread is not None
        self._thread.join(30)
        return self.pages[-1]


def changed(address: str, **values: str) -> str:
    """The address with other values in its query."""
    parts = urlsplit(address)
    return parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **values})).geturl()


async def failed(login: BrowserLogin | DeviceLogin) -> AccountError:
    with pytest.raises(AccountError) as caught:
        await login.run()
    return caught.value


async def test_c09_a_person_logs_in_with_the_browser(idp: AuthorizationServer) -> None:
    told: list[LoginProgress] = []
    browser = Browser(Person(USER).agree)
    granted = await BrowserLogin(asked_of(idp), browser, told.append).run()
    assert granted.access
    assert granted.refresh
    assert set(granted.scope.split()) == {MAIL, "offline_access"}
    assert [item.stage for item in told] == [LoginStage.BROWSER, LoginStage.ANSWERED]
    assert browser.address == told[0].address
    way = urlsplit(browser.way)
    assert (way.hostname, way.query) == ("127.0.0.1", ""), "other users of this machine see it: it has no state in it"
    assert len(way.path) >= 20
    page = browser.last()
    assert page.status == 200
    assert "Your answer has arrived" in page.text
    assert not any(mark in page.text for mark in ("http:", "https:", "src=", "url(", "<script", "<link"))
    query = parse_qs(urlsplit(browser.address).query)
    redirect = urlsplit(query["redirect_uri"][0])
    assert (redirect.scheme, redirect.hostname, redirect.path) == ("http", "127.0.0.1", "/mailtui")
    assert query["code_challenge_method"] == ["S256"]
    assert len(query["code_challenge"][0]) == 43
    assert len(query["state"][0]) >= 43
    assert query["login_hint"] == [USER]
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", redirect.port or 0), 5):
        pass  # nobody listens any more


async def test_c09_an_app_with_a_secret_sends_it_and_no_error_repeats_it(idp: AuthorizationServer) -> None:
    asked = asked_of(idp, client_id=SECRET_CLIENT, client_secret=CLIENT_SECRET)
    assert CLIENT_SECRET not in repr(asked)
    assert (await BrowserLogin(asked, Browser(Person(USER).agree), lambda _: None).run()).refresh
    idp.fail({"status": 401, "body": f'{{"error":"invalid_client","error_description":"not {CLIENT_SECRET}"}}'})
    error = await failed(BrowserLogin(asked, Browser(Person(USER).agree), lambda _: None))
    assert CLIENT_SECRET not in str(error)
    assert "invalid_client: not [hidden]" in error.detail
    assert "client_id" in error.hint


async def test_c09_what_is_not_the_answer_is_turned_away_and_the_login_goes_on(idp: AuthorizationServer) -> None:
    told: list[LoginProgress] = []
    seen: list[tuple[str, int]] = []

    def attacked(address: str) -> Page:
        query = parse_qs(urlsplit(address).query)
        back, state = query["redirect_uri"][0], query["state"][0]
        port = urlsplit(back).port or 0

        def said(name: str, raw: bytes) -> None:
            with socket.create_connection(("127.0.0.1", port), 10) as line:
                line.sendall(raw)
                seen.append((name, int((line.recv(4096) or b"HTTP/1.1 0 ")[9:12])))

        def get(path: str, *, host: str = f"127.0.0.1:{port}", method: str = "GET") -> bytes:
            return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()

        good = f"/mailtui?code=x&state={state}"
        said("wrong state", get(f"/mailtui?code=stolen&state={state[:-1]}_"))
        said("no state", get("/mailtui?code=stolen"))
        said("error without state", get("/mailtui?error=access_denied"))
        said("too much", get(f"{good}&{'&'.join(map(str, range(200)))}"))
        said("two states", get(f"{good}&state=y"))
        said("neither", get(f"/mailtui?state={state}"))
        said("both", get(f"{good}&error=access_denied"))
        said("foreign path", get(f"/other?code=x&state={state}"))
        said("icon", get("/favicon.ico"))
        said("absolute", get(f"http://elsewhere.example{good}"))
        said("rebinding", get(good, host=f"evil.example:{port}"))
        said("localhost", get(good, host=f"localhost:{port}"))
        said("other port", get(good, host="127.0.0.1"))
        said("post", get(good, method="POST"))
        said("half an address", get("//["))
        said("garbage", b"\x16\x03\x01\x02\x00\r\n\r\n")
        said("huge", b"GET /" + b"a" * 60_000)
        slow = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(3)]
        slow[0].sendall(b"GET /mail")
        try:
            return Person(USER).agree(address)
        finally:
            for line in slow:
                line.close()

    browser = Browser(attacked)
    assert (await BrowserLogin(asked_of(idp), browser, told.append).run()).refresh
    assert browser.last().status == 200
    assert dict(seen) == {
        "wrong state": 400, "no state": 400, "error without state": 400, "two states": 400, "neither": 400,
        "both": 400, "foreign path": 404, "icon": 404, "absolute": 404, "rebinding": 421, "localhost": 421,
        "other port": 421, "post": 405, "garbage": 400, "huge": 431, "half an address": 404, "too much": 400,
    }  # fmt: skip
    refused = [item.text for item in told if item.stage is LoginStage.REFUSED]
    assert len(refused) == 3, "a page that asks a thousand times fills no screen"
    assert "belongs to another login" in refused[0]


async def test_c09_the_listener_takes_one_answer(idp: AuthorizationServer) -> None:
    async with Listener("the-state", lambda _: None) as listener:
        first = await asyncio.to_thread(Person(USER).open, f"{listener.address}?code=one&state=the-state")
        second = await asyncio.to_thread(Person(USER).open, f"{listener.address}?code=two&state=the-state")
        assert (first.status, second.status) == (200, 410)
        assert (await listener.answer()).code == "one"


async def test_c09_the_way_that_others_see_is_good_once(idp: AuthorizationServer) -> None:
    def somebody_else_too(way: str) -> None:
        assert led_to(way).startswith(idp.issuer)
        seen.append(Person(USER).open(way))

    seen: list[Page] = []
    error = await failed(BrowserLogin(asked_of(idp), somebody_else_too, lambda _: None, within=10))
    assert "Somebody else may have opened the login of acme" in error.title
    assert (seen[0].status, "ended the login" in seen[0].text) == (410, True)


async def test_c09_whoever_says_nothing_is_left_after_a_while() -> None:
    async with Listener("the-state", lambda _: None, scale=0.01) as listener:
        reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
        writer.write(b"GET /mailtui?code=one")
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_c09_an_answer_of_another_provider_is_not_used(idp: AuthorizationServer) -> None:
    asked = asked_of(idp)
    other = replace(asked, provider=replace(asked.provider, issuer="https://elsewhere.example"))
    error = await failed(BrowserLogin(other, Browser(Person(USER).agree), lambda _: None))
    assert "somebody else" in error.title
    assert not [item for item in idp.asked() if item.path == "/token"], "the code went nowhere"


async def test_c09_no_and_silence_and_no_browser_are_told(idp: AuthorizationServer) -> None:
    error = await failed(BrowserLogin(asked_of(idp), Browser(Person(USER).refuse), lambda _: None))
    assert error.title == "127.0.0.1 does not log acme in: it was not agreed to"
    assert "mailtui accounts login acme" in error.hint

    told: list[LoginProgress] = []

    def nowhere(address: str) -> None:
        raise NoBrowser("No browser was found on this machine")

    error = await failed(BrowserLogin(asked_of(idp), nowhere, told.append, within=0.05))
    assert error.title == "Nobody logged acme in within 50 ms"
    assert told[0].stage is LoginStage.NO_BROWSER
    assert told[0].text.startswith("No browser was found on this machine. Open this address")
    assert told[0].address.startswith(idp.issuer)


async def test_c09_giving_up_closes_the_listener(idp: AuthorizationServer) -> None:
    told: list[LoginProgress] = []
    task = asyncio.create_task(BrowserLogin(asked_of(idp), lambda _: None, told.append).run())
    while not told:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    port = urlsplit(parse_qs(urlsplit(told[0].address).query)["redirect_uri"][0]).port or 0
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), 5):
        pass


async def test_c09_a_code_is_of_no_use_without_the_verifier(idp: AuthorizationServer) -> None:
    # Somebody on the way puts a challenge of their own in the place of ours.
    browser = Browser(lambda address: Person(USER).agree(changed(address, code_challenge="A" * 43)))
    error = await failed(BrowserLogin(asked_of(idp), browser, lambda _: None))
    assert "invalid_grant" in error.detail


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"body": '{"access_token":"a","token_type":"bearer"}'}, "in for 60 minutes only"),
        ({"body": '{"access_token":"a","token_type":"mac","refresh_token":"r"}'}, "of a kind"),
        ({"body": '{"access_token":"a\\u0001b","token_type":"Bearer"}'}, "no access token"),
        ({"body": '{"access_token":"a","token_type":"Bearer","refresh_token":"r","scope":"openid"}'}, MAIL),
        ({"body": "[" * 100_000}, "something else than JSON"),
        ({"fill": 1_000_000}, "larger than 128 KiB"),
        ({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}}, "not followed"),
        ({"status": 503}, "it answered 503"),
        ({"body": "x" * 200, "drip": 50}, "did not come in time"),
        ({"delay": 1_000}, "no answer in time"),
        ({"status": 400, "body": '{"error":"invalid_request"}'}, "accounts login acme --client-secret"),
        ({"status": 400, "body": '{"error":"unauthorized_client","error_description":"\\u001b[2J"}'}, "\\x1b[2J"),
    ],
)
async def test_c09_what_a_provider_may_answer_is_told_in_a_sentence(
    idp: AuthorizationServer, answer: dict[str, object], said: str
) -> None:
    idp.fail(answer)
    scale = 0.01 if "time" in said else 1.0
    error = await failed(BrowserLogin(asked_of(idp), Browser(Person(USER).agree), lambda _: None, scale=scale))
    assert said in str(error)
    assert error.hint


async def test_c09_a_person_logs_in_by_a_code(idp: AuthorizationServer) -> None:
    told: list[LoginProgress] = []
    people: list[threading.Thread] = []

    def tell(progress: LoginProgress, *, agree: bool = True) -> None:
        told.append(progress)
        if progress.stage is LoginStage.CODE:
            person = threading.Thread(
                target=lambda: Person(USER).type_in(progress.address, progress.code, agree=agree), daemon=True
            )
            people.append(person)
            person.start()

    # RFC 8628 section 3.5: asked before the person is there.
    idp.fail({"status": 400, "body": '{"error":"authorization_pending"}'})
    granted = await DeviceLogin(asked_of(idp), tell, scale=SCALE).run()
    assert granted.refresh
    assert [item.stage for item in told] == [LoginStage.CODE, LoginStage.ANSWERED]
    assert told[0].code in told[0].text
    assert told[0].seconds == 600

    error = await failed(DeviceLogin(asked_of(idp), lambda progress: tell(progress, agree=False), scale=SCALE))
    assert "it was not agreed to" in error.title
    for person in people:
        person.join(30)

    idp.fail({"status": 400, "body": '{"error":"expired_token"}'})
    error = await failed(DeviceLogin(asked_of(idp), lambda _: None, scale=SCALE))
    assert "nobody typed in the code in time" in error.title


async def test_c09_a_code_runs_out_here_too_and_whoever_is_told_asks_less_often(idp: AuthorizationServer) -> None:
    code = '{"device_code":"d","user_code":"AB-CD","verification_uri":"%s","expires_in":14,"interval":1}'
    # Asked after 1 and after 6 more, which makes 7 of 14 seconds; without an answer after 1, 2 and 4.
    slower: dict[str, object] = {"status": 400, "body": '{"error":"slow_down"}'}
    silent: dict[str, object] = {"status": 503}
    for answer, times in ((slower, 2), (silent, 3)):
        idp.forget()
        idp.fail({"body": code % "https://x.example/d"}, path="/device/auth")
        idp.fail(answer, answer, answer, answer)
        error = await failed(DeviceLogin(asked_of(idp), lambda _: None, scale=SCALE))
        assert "nobody typed in the code in time" in error.title
        assert len([item for item in idp.asked() if item.path == "/token"]) == times
    idp.fail({"body": code % "http://x.example/d"}, path="/device/auth")
    assert "no address" in (await failed(DeviceLogin(asked_of(idp), lambda _: None, scale=SCALE))).detail


async def test_c10_each_provider_is_asked_for_exactly_what_is_wanted() -> None:
    def address(spec: dict[str, object], *, sheets: bool = False) -> dict[str, list[str]]:
        found = OAuthSpec.model_validate({"client_id": "mine", **spec})
        provider = found.resolved()
        asked = Asked("acme", USER, provider, found.client_id, provider.scope(sheets=sheets))
        return parse_qs(urlsplit(BrowserLogin(asked, lambda _: None, lambda _: None)._address("http://x/")).query)

    google = address({"provider": "google"})
    assert google["scope"] == ["https://mail.google.com/"]
    assert (google["access_type"], google["prompt"]) == (["offline"], ["consent"])
    sheets = address({"provider": "google"}, sheets=True)
    assert sheets["scope"] == ["https://mail.google.com/ https://www.googleapis.com/auth/spreadsheets.readonly"]
    microsoft = OAuthSpec.model_validate({"provider": "microsoft", "client_id": "mine", "tenant": "acme.example"})
    assert microsoft.resolved().token_url == "https://login.microsoftonline.com/acme.example/oauth2/v2.0/token"
    found = address({"provider": "microsoft"})
    assert found["scope"] == ["https://outlook.office.com/SMTP.Send offline_access"]
    assert "access_type" not in found


async def test_c09_google_lets_nobody_send_who_logs_in_by_a_code() -> None:
    provider = OAuthSpec.model_validate({"provider": "google", "client_id": "mine"}).resolved()
    error = await failed(DeviceLogin(Asked("acme", USER, provider, "mine", provider.scope()), lambda _: None))
    assert "leave --device out" in error.hint


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"provider": "google"}, "Credentials, Create OAuth client ID, Desktop app"),
        ({"provider": "microsoft"}, "App registrations"),
        ({"provider": "google", "client_id": "two words"}, "that is no client id"),
        ({"provider": "google", "client_id": "x", "client_secret": "s"}, "accounts login"),
        ({"provider": "custom", "client_id": "x"}, "needs authorization_url and token_url and scopes"),
        ({"provider": "google", "client_id": "x", "token_url": "http://elsewhere.example/"}, "this machine only"),
        ({"provider": "google", "client_id": "x", "scopes": ["a b"]}, "is no scope"),
    ],
)
def test_c10_a_login_that_is_written_down_wrongly_is_told(spec: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        OAuthSpec.model_validate(spec)
