"""The way to a session: what goes wrong is told at its stage, and nothing secret is ever said unprotected."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailtui.smtp.connect import Connection, NotConnected, connect
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.gear import DATA_GEARS, Gear, best_gear
from mailtui.smtp.job import Job
from mailtui.smtp.oneshot import send_one
from mailtui.smtp.session import Session
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Kind, Stage, Verdict, judge
from tests.servers.aiosmtpd_server import PASSWORD, USER, Authority, Keeper, aiosmtpd_server
from tests.servers.aiosmtpd_server import Security as ServerSecurity
from tests.servers.programs import free_port
from tests.servers.scripted import Close, Expect, Reset, Send, Silence, Step, scripted_peer
from tests.smtp.bench import Owner, job, message

QUICK = Timeouts(connect=0.3, greeting=0.6, command=0.3, data=0.3, block=0.3, dot=2.0, quit=0.2)
HELLO: list[Step] = [Send(b"220 hi\r\n"), Expect(b"EHLO")]
KINDS = {
    Security.PLAIN: ServerSecurity.PLAIN,
    Security.TLS: ServerSecurity.TLS,
    Security.STARTTLS: ServerSecurity.STARTTLS,
}


def endpoint(port: int, security: Security = Security.PLAIN, *, host: str = "127.0.0.1", **more: Any) -> Endpoint:
    return Endpoint("acme", host, port, security, helo="sender.example", **more)


async def refused(to: Endpoint, password: str | None = None, *, timeouts: Timeouts = QUICK) -> Verdict:
    with pytest.raises(NotConnected) as caught:
        await connect(to, Credential.password(password) if password else None, timeouts=timeouts)
    return caught.value.verdict


@pytest.fixture
def ca(authority: Authority, tmp_path: Path) -> str:
    return str(authority.write_pem(tmp_path / "ca.pem"))


# before anything is said


async def test_f01_a_closed_port() -> None:
    verdict = await refused(endpoint(free_port()))
    assert verdict.stage is Stage.CONNECT
    assert "connection refused" in verdict.text
    assert judge(verdict).kind is Kind.REQUEUED


async def test_f02_silence_instead_of_a_greeting_is_waited_for_as_long_as_the_greeting_may_take() -> None:
    started = asyncio.get_running_loop().time()
    async with scripted_peer([Silence()]) as peer:
        verdict = await refused(endpoint(peer.port))
        assert peer.received == b""
    assert judge(verdict).kind is Kind.REQUEUED
    assert 0.5 < asyncio.get_running_loop().time() - started < 2.0


@pytest.mark.parametrize("step", [Close(), Reset()])
async def test_f03_closed_instead_of_a_greeting(step: Step) -> None:
    async with scripted_peer([step]) as peer:
        verdict = await refused(endpoint(peer.port))
    assert verdict.code is None
    assert judge(verdict).kind is Kind.REQUEUED


@pytest.mark.parametrize(("greeting", "kind"), [(b"554 5.7.1 no\r\n", Kind.HELD), (b"421 busy\r\n", Kind.REQUEUED)])
async def test_f04_a_greeting_that_refuses(greeting: bytes, kind: Kind) -> None:
    async with scripted_peer([Send(greeting), Silence()]) as peer:
        verdict = await refused(endpoint(peer.port))
        assert b"EHLO" not in peer.received
    assert (verdict.stage, verdict.code) == (Stage.GREETING, int(greeting[:3]))
    assert judge(verdict).kind is kind


async def test_n07_f08_ehlo_refused_then_helo_in_lockstep() -> None:
    script: list[Step] = [*HELLO, Send(b"502 what\r\n"), Expect(b"HELO sender.example"), Send(b"250 hi\r\n"), Silence()]
    async with scripted_peer(script) as peer:
        connection = await connect(endpoint(peer.port), None, timeouts=QUICK)
        assert best_gear(connection.capabilities).gear is Gear.LOCKSTEP
        connection.transport.abort()


async def test_n07_what_ehlo_offers() -> None:
    offer = (
        b"250-x.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n"
    )
    async with scripted_peer([*HELLO, Send(offer, chunk=5), Silence()]) as peer:
        connection = await connect(endpoint(peer.port), None, timeouts=QUICK)
        offered = connection.capabilities
        connection.transport.abort()
    assert best_gear(offered).gear is Gear.CROSS
    assert (offered.size_known, offered.size, offered.eight_bit, offered.smtputf8) == (True, 1000, True, True)


async def test_a_421_to_ehlo_is_the_servers_trouble() -> None:
    async with scripted_peer([*HELLO, Send(b"421 4.3.2 later\r\n"), Close()]) as peer:
        verdict = await refused(endpoint(peer.port))
    assert (verdict.stage, verdict.code) == (Stage.EHLO, 421)


# TLS


async def test_c05_n10_f51_without_starttls_not_a_byte_of_the_login_is_said() -> None:
    """What else the answer may be, and all that may be wrong with a certificate: test_tls.py."""
    script: list[Step] = [*HELLO, Send(b"250-x.test\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE\r\n"), Silence()]
    async with scripted_peer(script) as peer:
        verdict = await refused(endpoint(peer.port, Security.STARTTLS, user=USER), PASSWORD)
        await asyncio.sleep(0.02)
    assert b"AUTH" not in peer.received
    assert b"MAIL" not in peer.received
    assert verdict.stage is Stage.TLS
    assert "does not offer STARTTLS" in verdict.text
    assert judge(verdict).kind is Kind.HELD


# a whole message


async def _send(connection: Connection, size: int = 100) -> Verdict:
    data = message(1) + b"0123456789abc\r\n" * (size // 15)
    return await send_one(connection, Job("a@sender.example", "b@x.test", data, connection.capabilities, 1), Timeouts())


@pytest.mark.parametrize("security", list(Security))
@pytest.mark.parametrize("size", [100, 2_000_000])
async def test_login_and_a_message_under_each_security(
    authority: Authority, ca: str, security: Security, size: int
) -> None:
    auth = security is not Security.PLAIN
    with aiosmtpd_server(authority, security=KINDS[security], auth=auth) as server:
        to = endpoint(server.port, security, host="localhost", user=USER if auth else "", ca=ca)
        connection = await connect(to, Credential.password(PASSWORD), timeouts=Timeouts())
        async with asyncio.timeout(20):
            verdict = await _send(connection, size)
        [taken] = server.taken
    assert verdict.code == 250
    assert taken.content.startswith(message(1))
    assert len(taken.content) > size
    assert taken.secured == auth
    assert taken.user == (USER if auth else None)


@pytest.mark.parametrize("gear", DATA_GEARS)
async def test_many_messages_over_tls_in_every_gear(authority: Authority, ca: str, gear: Gear) -> None:
    """Lockstep and flight wait for the body to leave, which TLS tells in its own way."""
    with aiosmtpd_server(authority, security=ServerSecurity.TLS) as server:
        connection = await connect(
            endpoint(server.port, Security.TLS, host="localhost", ca=ca), None, timeouts=Timeouts()
        )
        owner = Owner(
            [job(number, data=message(number) + b"0123456789abc\r\n" * 4_000) for number in range(20)], finish=True
        )
        session = Session(owner, gear, Timeouts())
        owner.session = session
        session.start(connection.transport)
        await owner.wait_ended(20)
        assert [owner.outcome(number) for number in range(20)] == ["settled 250"] * 20
        assert len(server.taken) == 20


class SlowKeeper(Keeper):
    """Thinks about every message."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        await asyncio.sleep(0.4)
        return await super().handle_DATA(server, session, envelope)


@pytest.mark.parametrize("gear", DATA_GEARS)
async def test_f44_over_tls_too_the_dot_has_its_own_patience(authority: Authority, ca: str, gear: Gear) -> None:
    with aiosmtpd_server(authority, security=ServerSecurity.TLS, keeper=SlowKeeper()) as server:
        to = endpoint(server.port, Security.TLS, host="localhost", ca=ca)
        connection = await connect(to, None, timeouts=Timeouts())
        owner = Owner([job(number) for number in range(2)], finish=True)
        session = Session(owner, gear, Timeouts(block=0.2, data=0.3))
        owner.session = session
        session.start(connection.transport)
        await owner.wait_ended(20)
    assert [owner.outcome(number) for number in range(2)] == ["settled 250"] * 2


# logging in


async def test_r05_a_wrong_password_is_said_once(authority: Authority) -> None:
    script: list[Step] = [
        *HELLO,
        Send(b"250-x.test\r\n250 AUTH PLAIN LOGIN\r\n"),
        Expect(b"AUTH PLAIN"),
        Send(b"535 5.7.8 wrong\r\n"),
        Silence(),
    ]
    async with scripted_peer(script) as peer:
        verdict = await refused(endpoint(peer.port, user=USER), "wrong")
    assert peer.received.count(b"AUTH") == 1
    assert len(peer.talks) == 1
    assert (verdict.stage, verdict.code, verdict.enhanced) == (Stage.AUTH, 535, "5.7.8")
    assert judge(verdict).kind is Kind.HELD


@pytest.mark.parametrize("offer", [b"250 x.test\r\n", b"250-x.test\r\n250 AUTH GSSAPI\r\n"])
async def test_no_login_that_we_know_is_offered(offer: bytes) -> None:
    async with scripted_peer([*HELLO, Send(offer), Silence()]) as peer:
        verdict = await refused(endpoint(peer.port, user=USER), PASSWORD)
    assert b"AUTH" not in peer.received
    assert verdict.stage is Stage.AUTH
    assert judge(verdict).kind is Kind.HELD


@pytest.mark.parametrize("answer", [b"334 eyJzdGF0dXMiOiI0MDEifQ==\r\n", b"250 hm\r\n", b"garbage\r\n"])
async def test_f10_an_answer_to_auth_that_is_none(answer: bytes) -> None:
    script: list[Step] = [*HELLO, Send(b"250-x.test\r\n250 AUTH PLAIN\r\n"), Expect(b"AUTH"), Send(answer), Silence()]
    async with scripted_peer(script, strict=False) as peer:
        verdict = await refused(endpoint(peer.port, user=USER), PASSWORD)
    assert judge(verdict).kind is Kind.HELD
    assert peer.received.count(b"AUTH") == 1


async def test_a_password_is_in_no_error() -> None:
    script: list[Step] = [*HELLO, Send(b"250-x.test\r\n250 AUTH PLAIN\r\n"), Expect(b"AUTH"), Close()]
    async with scripted_peer(script) as peer:
        verdict = await refused(endpoint(peer.port, user=USER), "hunter2-hunter2")
    assert "hunter2" not in repr(verdict)


async def test_a_name_that_no_server_can_have() -> None:
    verdict = await refused(endpoint(25, host="mail..acme.test"))
    assert (verdict.stage, "no name a server can have" in verdict.text) == (Stage.CONNECT, True)


async def test_an_ipv6_address_may_stand_in_brackets() -> None:
    assert {str(endpoint(25, host=host)) for host in ("::1", "[::1]")} == {"[::1]:25"}
    verdict = await refused(endpoint(free_port(), host="[::1]"))
    assert "not known" not in verdict.text


@contextlib.contextmanager
def deaf() -> Iterator[int]:
    """A port that takes no connection and does not refuse one either, as behind a firewall."""
    with contextlib.ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):  # more than it lets wait
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0.0)
            with contextlib.suppress(BlockingIOError):
                waiting.connect(listening.getsockname())
        yield listening.getsockname()[1]


def named(monkeypatch: pytest.MonkeyPatch, *places: tuple[str, int]) -> None:
    """Have every name lead to these places, one after the other."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


async def test_n04_an_address_that_does_not_answer_does_not_cost_the_whole_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hello = [*HELLO, Send(b"250 x.test\r\n"), Silence()]
    with deaf() as nobody:
        async with scripted_peer(hello) as peer:
            named(monkeypatch, ("127.0.0.1", nobody), ("127.0.0.1", free_port()), ("127.0.0.1", peer.port))
            patient = Timeouts(connect=2.0)
            connection = await connect(endpoint(25, host="smtp.acme.test"), None, timeouts=patient)
            connection.transport.abort()
        named(monkeypatch, ("127.0.0.1", nobody), ("127.0.0.1", nobody))
        verdict = await refused(endpoint(25, host="smtp.acme.test"))
    assert (verdict.stage, "did not answer in time" in verdict.text) == (Stage.CONNECT, True)


async def test_c05_what_is_for_this_machine_goes_to_no_other_however_its_name_is_resolved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named(monkeypatch, ("192.0.2.1", 25))
    verdict = await refused(endpoint(25, host="localhost", user=USER), PASSWORD)
    assert (verdict.stage, verdict.text) == (
        Stage.CONNECT,
        "localhost:25 cannot be reached: localhost has no address of this machine",
    )
    async with scripted_peer([*HELLO, Send(b"250 x.test\r\n"), Silence()]) as peer:
        named(monkeypatch, ("192.0.2.1", peer.port), ("127.0.0.1", peer.port))
        connection = await connect(endpoint(peer.port, host="localhost"), None, timeouts=QUICK)
        assert connection.transport.get_extra_info("peername")[0] == "127.0.0.1"
        connection.transport.abort()
