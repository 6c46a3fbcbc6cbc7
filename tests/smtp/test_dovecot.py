"""Logins at a real server: five ways in, over TLS, and mails that go through it."""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.parse
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mailtui.sandbox.server import SandboxServer
from mailtui.smtp.connect import NotConnected, connect
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import AuthMethod, Endpoint, Security
from mailtui.smtp.job import Job
from mailtui.smtp.obstacle import Obstacle
from mailtui.smtp.probe import Envelope, Prober
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.transcript import Transcript
from mailtui.smtp.verdict import Kind, Stage, judge
from mailtui.smtp.watched import Step, StepName
from tests.servers.dovecot import Dovecot, dovecot_server
from tests.servers.programs import free_port

USER, PASSWORD = "anna@sender.example", "pä$$ wörd 1"
TOKEN = "ya29." + "x" * 1_500  # as long as those of Microsoft are
GOOD = {AuthMethod.XOAUTH2: Credential.token(TOKEN), AuthMethod.OAUTHBEARER: Credential.token(TOKEN)}
METHODS = [method for method in AuthMethod if method is not AuthMethod.AUTO]


class _Introspection(BaseHTTPRequestHandler):
    """Says whose a token is (RFC 7662)."""

    def do_POST(self) -> None:
        asked = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        known = asked.get("token") == [TOKEN]
        body = json.dumps({"active": known, "username": USER} if known else {"active": False}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing: tests print no tokens."""


@contextmanager
def introspection() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Introspection) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/introspect"
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True, slots=True)
class Office:
    """Dovecot, and the port at which it hands mails on."""

    dovecot: Dovecot
    relay_port: int

    def endpoint(self, security: Security = Security.TLS, **more: Any) -> Endpoint:
        port = self.dovecot.tls_port if security is Security.TLS else self.dovecot.port
        given = {"user": USER, "ca": str(self.dovecot.ca), "helo": "sender.example", **more}
        return Endpoint("acme", "localhost", port, security, **given)

    @asynccontextmanager
    async def relay(self, folder: Path) -> AsyncIterator[SandboxServer]:
        async with SandboxServer(folder, port=self.relay_port) as server:
            yield server


@pytest.fixture(scope="module")
def office() -> Iterator[Office]:
    relay_port = free_port()
    with introspection() as url, dovecot_server(
        users={USER: PASSWORD}, relay_port=relay_port, introspection=url
    ) as dovecot:  # fmt: skip
        yield Office(dovecot, relay_port)


async def test_every_way_in_and_a_mail_through_each(office: Office, tmp_path: Path) -> None:
    async with office.relay(tmp_path / "box") as relay:
        for number, method in enumerate(METHODS):
            security = Security.STARTTLS if number % 2 else Security.TLS
            credential = GOOD.get(method, Credential.password(PASSWORD))
            transcript, told = Transcript(), list[Step]()
            transcript.hide(credential.secret)
            to = office.endpoint(security, auth=method)
            mail = b"From: a@sender.example\r\nTo: b@x.test\r\nSubject: hi\r\n\r\nhi\r\n"
            probe = await Prober(to, Timeouts(), transcript, told.append).run(
                credential,
                envelope=Envelope(USER, "b@x.test"),
                job=lambda able, data=mail: Job(USER, "b@x.test", data, able, None),  # type: ignore[misc]
            )
            assert probe.ok, [str(step) for step in probe.steps]
            login = next(step for step in told if step.name is StepName.LOGIN)
            assert f"with {method.upper()}" in login.text
            everything = " ".join([*(line.text for line in transcript.lines), *(str(step) for step in told)])
            assert credential.secret not in everything
            assert [step.name for step in told][-3:] == [StepName.SENDER, StepName.RECIPIENT, StepName.MAIL]
        assert relay.counters.accepted == len(METHODS)
    assert f"method={METHODS[-1].upper()}" in office.dovecot.log()


async def test_what_is_wrong_is_refused_once_in_each_way(office: Office) -> None:
    async def tried(method: AuthMethod) -> None:
        wrong = Credential.token("ya29.old") if method in GOOD else Credential.password("wrong")
        with pytest.raises(NotConnected) as caught:
            await connect(office.endpoint(auth=method), wrong, timeouts=Timeouts())
        verdict = caught.value.verdict
        assert (verdict.stage, verdict.code, verdict.enhanced) == (Stage.AUTH, 535, "5.7.8")
        assert judge(verdict).kind is Kind.HELD
        assert (caught.value.obstacle is Obstacle.TOKEN_REFUSED) == (method in GOOD)
        assert ("the token is refused: status " in verdict.text) == (method in GOOD)

    before = office.dovecot.log().count("auth failed, 1 attempts")
    await asyncio.gather(*(tried(method) for method in METHODS))  # each waits half a second
    async with asyncio.timeout(10):
        while office.dovecot.log().count("auth failed, 1 attempts") < before + len(METHODS):
            await asyncio.sleep(0.02)
    assert "auth failed, 2 attempts" not in office.dovecot.log()
