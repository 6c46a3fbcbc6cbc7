"""TLS of the sandbox: STARTTLS and implicit, old versions, bad certificates, and what goes wrong on purpose there."""

from __future__ import annotations

import asyncio
import ssl
import sys
import warnings
from pathlib import Path

import pytest

from mailtui.errors import UsageError
from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage, Then
from mailtui.sandbox.manners import Manners
from mailtui.sandbox.server import SandboxServer
from mailtui.sandbox.tls import load_tls
from tests.sandbox.client import MAIL, Client, connected
from tests.servers.certificates import OTHER_NAMES, Authority

HELLO = b"hello\r\n"
LOGIN = b"AUTH PLAIN AHUAcA==\r\n"  # u, p
USERS = {"u": "p"}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


async def secured(client: Client, context: ssl.SSLContext) -> None:
    """STARTTLS, up to the end of the handshake."""
    assert (await client.say(b"STARTTLS\r\n")).startswith(b"220")
    async with asyncio.timeout(10):
        await client.writer.start_tls(context, server_hostname="localhost")


async def test_starttls_then_a_mail(tmp_path: Path, authority: Authority) -> None:
    async with (
        SandboxServer(tmp_path, tls=authority.server(), users=USERS) as server,
        connected(server.port) as client,
    ):
        assert b"STARTTLS" in await client.say(b"EHLO me.test\r\n")
        await secured(client, authority.client())
        assert (await client.say(MAIL)).startswith(b"503 5.5.1 Say EHLO")  # RFC 3207 section 4.2
        assert b"STARTTLS" not in await client.say(b"EHLO me.test\r\n")
        assert (await client.say(b"STARTTLS\r\n")).startswith(b"503")
        assert (await client.say(LOGIN)).startswith(b"235")
        assert (await client.send(b"x" * 300_000 + b"\r\n")).startswith(b"250")
        assert (await client.say(b"QUIT\r\n")).startswith(b"221")
        assert await client.reply() == b""
    counters = server.counters
    assert (counters.handshakes, counters.auth_attempts, counters.auth_clear_bytes) == (1, 1, 0)
    assert counters.commands["STARTTLS"] == 2
    assert [caught.size for caught in read_captured(tmp_path)] == [300_002]


async def test_implicit_tls(tmp_path: Path, authority: Authority) -> None:
    async with SandboxServer(tmp_path, tls=authority.server(implicit=True)) as server:
        context = authority.client()
        reader, writer = await asyncio.open_connection("localhost", server.port, ssl=context, family=2)
        client = Client(reader, writer)
        assert (await client.reply()).startswith(b"220 ")
        assert b"STARTTLS" not in await client.say(b"EHLO me.test\r\n")
        assert (await client.send(HELLO)).startswith(b"250")
        writer.close()
    assert server.counters.handshakes == 1
    assert len(list(read_captured(tmp_path))) == 1


async def test_a_login_in_clear_is_counted(tmp_path: Path, authority: Authority) -> None:
    async with (
        SandboxServer(tmp_path, tls=authority.server(), users=USERS) as server,
        connected(server.port) as client,
    ):
        assert (await client.say(b"AUTH LOGIN\r\n")).startswith(b"334")
        assert (await client.say(b"dQ==\r\n")).startswith(b"334")
        assert (await client.say(b"cA==\r\n")).startswith(b"235")
        assert server.counters.auth_clear_bytes == 12 + 6 + 6


async def test_nothing_goes_without_tls_where_it_is_asked_for(tmp_path: Path, authority: Authority) -> None:
    manners = Manners(users=USERS, require_tls=True)
    async with (
        SandboxServer(tmp_path, tls=authority.server(), manners=manners) as server,
        connected(server.port) as client,
    ):
        assert b"AUTH" not in await client.say(b"EHLO me.test\r\n")
        assert (await client.say(LOGIN)).startswith(b"530 5.7.0 Must issue")
        assert (await client.say(MAIL)).startswith(b"530 5.7.0 Must issue")
        await secured(client, authority.client())
        assert b"AUTH" in await client.say(b"EHLO me.test\r\n")
        assert (await client.say(LOGIN)).startswith(b"235")


@pytest.mark.parametrize(
    ("names", "expired", "foreign", "said"),
    [
        ((), True, False, "certificate has expired"),
        (OTHER_NAMES, False, False, "Hostname mismatch"),
        ((), False, True, "unable to get local issuer|self-signed"),
    ],
)
async def test_f54_bad_certificates(
    tmp_path: Path, authority: Authority, names: tuple[str, ...], expired: bool, foreign: bool, said: str
) -> None:
    issuer = Authority() if foreign else authority
    async with SandboxServer(tmp_path, tls=issuer.server(*names, expired=expired)) as server:
        async with connected(server.port) as client:
            with pytest.raises(ssl.SSLCertVerificationError, match=said):
                await secured(client, authority.client())
        async with asyncio.timeout(10):
            while server.counters.open:
                await asyncio.sleep(0.01)
    assert server.counters.handshakes == 0


def only_tls11(context: ssl.SSLContext) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    return context


async def test_f54_only_an_old_version(tmp_path: Path, authority: Authority) -> None:
    certificate, key, _ = authority.write(tmp_path)
    tls = load_tls(certificate, key, version="1.1")
    async with SandboxServer(tmp_path / "box", tls=tls) as server:
        async with connected(server.port) as client:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await secured(client, authority.client())
        async with connected(server.port) as client:
            await secured(client, only_tls11(authority.client()))
            assert client.writer.get_extra_info("ssl_object").version() == "TLSv1.1"


async def test_f54_a_handshake_that_stalls(tmp_path: Path, authority: Authority) -> None:
    rule = FaultRule(Stage.STARTTLS, Action.REPLY, reply=b"220 go\r\n", then=Then.SILENCE)
    async with (
        SandboxServer(tmp_path, tls=authority.server(), faults=Faults((rule,))) as server,
        connected(server.port) as client,
    ):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await secured(client, authority.client())
    assert server.counters.handshakes == 0


async def test_stopping_during_a_handshake(tmp_path: Path, authority: Authority) -> None:
    server = SandboxServer(tmp_path, tls=authority.server(implicit=True))
    await server.start()
    async with connected(server.port, hello=False) as client:
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await server.stop()
        assert await client.reply() == b""
    assert server.counters.open == 0


async def test_a_client_that_leaves_in_the_handshake(tmp_path: Path, authority: Authority) -> None:
    async with SandboxServer(tmp_path, tls=authority.server(implicit=True)) as server:
        for farewell in (b"", b"EHLO me.test\r\n"):
            async with connected(server.port, hello=False) as client:
                client.writer.write(farewell)
            async with asyncio.timeout(5):
                while server.counters.connections == 0 or server.counters.open:
                    await asyncio.sleep(0.01)
    assert server.counters.handshakes == 0


@pytest.mark.parametrize("reply", [b"454 4.7.0 no\r\n", b"502 5.5.1 no\r\n", b"354 go on\r\n", b"220 go\r\ngarbage"])
async def test_f52_other_replies_to_starttls(tmp_path: Path, authority: Authority, reply: bytes) -> None:
    rule = FaultRule(Stage.STARTTLS, Action.REPLY, reply=reply, accept=False)
    async with (
        SandboxServer(tmp_path, tls=authority.server(), faults=Faults((rule,))) as server,
        connected(server.port) as client,
    ):
        client.writer.write(b"STARTTLS\r\n")
        assert await client.reader.readexactly(len(reply)) == reply
        assert (await client.say(b"NOOP\r\n")).startswith(b"250")  # no TLS has begun
    assert server.counters.handshakes == 0


async def test_c06_replies_in_clear_ride_with_the_go_ahead_of_tls(tmp_path: Path, authority: Authority) -> None:
    injected = b"220 ready\r\n250-injected.test\r\n250 AUTH PLAIN\r\n"
    rule = FaultRule(Stage.STARTTLS, Action.REPLY, reply=injected)
    async with (
        SandboxServer(tmp_path, tls=authority.server(), faults=Faults((rule,))) as server,
        connected(server.port) as client,
    ):
        client.writer.write(b"STARTTLS\r\n")
        assert await client.reader.read(65_536) == injected
        async with asyncio.timeout(10):
            await client.writer.start_tls(authority.client(), server_hostname="localhost")
        assert b"injected" not in await client.say(b"EHLO me.test\r\n")
    assert server.counters.handshakes == 1


@pytest.mark.parametrize("manners", [Manners(starttls=False), Manners(extensions=("PIPELINING",), starttls=False)])
async def test_f51_starttls_is_not_offered(tmp_path: Path, authority: Authority, manners: Manners) -> None:
    async with (
        SandboxServer(tmp_path, tls=authority.server(), manners=manners) as server,
        connected(server.port) as client,
    ):
        assert b"STARTTLS" not in await client.say(b"EHLO me.test\r\n")
        assert (await client.say(b"STARTTLS\r\n")).startswith(b"502")


async def test_offered_without_a_certificate(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path, extensions=["STARTTLS"]) as server, connected(server.port) as client:
        assert await client.say(b"STARTTLS\r\n") == b"454 TLS not available\r\n"


@pytest.mark.parametrize("cut", [True, False])
async def test_f55_cut_inside_tls_after_the_dot(tmp_path: Path, authority: Authority, cut: bool) -> None:
    action = Action.ACCEPT_THEN_CUT if cut else Action.ACCEPT_THEN_DROP
    faults = Faults((FaultRule(Stage.DOT, action),))
    async with (
        SandboxServer(tmp_path, tls=authority.server(), faults=faults) as server,
        connected(server.port) as client,
    ):
        await secured(client, authority.client())
        await client.say(b"EHLO me.test\r\n")
        assert await _closes_properly(client, HELLO) is not cut
    assert len(list(read_captured(tmp_path))) == 1


async def _closes_properly(client: Client, content: bytes) -> bool:
    """Send a mail that is answered by the end of the connection; whether close_notify came before it."""
    protocol = client.writer.transport._ssl_protocol  # type: ignore[attr-defined]
    records = bytearray()
    updated = protocol.buffer_updated

    def watch(count: int) -> None:
        records.extend(protocol._ssl_buffer_view[:count])
        updated(count)

    protocol.buffer_updated = watch
    for line in (MAIL, b"RCPT TO:<b@x.test>\r\n", b"DATA\r\n"):
        assert (await client.say(line))[:1] in (b"2", b"3")
    records.clear()
    client.writer.write(content + b".\r\n")
    async with asyncio.timeout(10):
        assert await client.reader.read() == b""
    return bool(records)  # an alert is the only record that can come


def test_files_that_cannot_be_used(tmp_path: Path, authority: Authority) -> None:
    certificate, key, trusted = authority.write(tmp_path)
    load_tls(certificate, key)
    with pytest.raises(UsageError, match="cannot be used") as caught:
        load_tls(trusted, key)
    assert "PEM" in caught.value.hint
    with pytest.raises(UsageError, match="cannot be read") as caught:
        load_tls(tmp_path / "none.pem", key)
    assert "none.pem" in caught.value.detail


async def test_the_program_with_a_certificate(tmp_path: Path, authority: Authority) -> None:
    certificate, key, _ = authority.write(tmp_path)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "mailtui.sandbox",
        "--folder",
        str(tmp_path / "box"),
        "--tls-cert",
        str(certificate),
        "--tls-key",
        str(key),
        "--implicit-tls",
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert child.stderr is not None
        line = (await child.stderr.readline()).decode()
        port = int(line.partition("127.0.0.1:")[2].split()[0])
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=authority.client())
        assert (await reader.readline()).startswith(b"220 ")
        writer.close()
    finally:
        child.terminate()
        _, said = await child.communicate()
    assert b"1 connection, 1 at once; 0 logins, 0 bytes of them in clear" in said
