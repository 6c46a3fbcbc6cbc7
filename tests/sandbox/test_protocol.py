"""The sandbox's side of SMTP: order, pipelining, exact content, limits, logins."""

from __future__ import annotations

import asyncio
import base64
import hmac
import resource
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailtui.sandbox.capture import captured_message, read_captured
from mailtui.sandbox.manners import Manners
from mailtui.sandbox.server import SandboxServer
from tests.sandbox.client import ENVELOPE, MAIL, RCPT, connected

HELLO = b"Message-ID: <1@sender.example>\r\n\r\nhello\r\n"


async def test_announces_what_it_can_do(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port, hello=False) as client:
        assert await client.reply() == b"220 sandbox.test ESMTP mailtui sandbox\r\n"
        lines = (await client.say(b"EHLO me.test\r\n")).split(b"\r\n")
        assert lines == [
            b"250-sandbox.test",
            b"250-PIPELINING",
            b"250-SIZE 52428800",
            b"250-8BITMIME",
            b"250-SMTPUTF8",
            b"250-CHUNKING",
            b"250 ENHANCEDSTATUSCODES",
            b"",
        ]


async def test_a_coalesced_group_is_answered_in_order(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        client.writer.write(MAIL + RCPT + b"RCPT TO:<bad address>\r\n" + b"RCPT TO:<c@x.test>\r\nDATA\r\n")
        assert await client.codes(5) == [250, 250, 501, 250, 354]
        # the body and the dot ride with the next envelope, as RFC 2920 section 3.1 allows
        client.writer.write(HELLO + b".\r\n" + ENVELOPE)
        assert await client.codes(4) == [250, 250, 250, 354]
        client.writer.write(HELLO + b".\r\nQUIT\r\n")
        assert await client.codes(2) == [250, 221]
        assert await client.reply() == b""
    caught = list(read_captured(tmp_path))
    assert [message.rcpt_to for message in caught] == [("b@x.test", "c@x.test"), ("b@x.test",)]
    assert [message.number for message in caught] == [1, 2]
    assert server.counters.improper_pipelining == 0
    assert server.counters.accepted == 2
    assert server.counters.refused == 1


async def test_a_group_whose_recipients_are_all_refused_leaves_no_message(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        client.writer.write(MAIL + b"RCPT TO:<>\r\nDATA\r\nRSET\r\n" + ENVELOPE)
        replies = await client.replies(7)
        assert [int(reply[:3]) for reply in replies] == [250, 501, 554, 250, 250, 250, 354]
        assert replies[2] == b"554 5.5.1 No valid recipients\r\n"
        assert (await client.say(HELLO + b".\r\n"))[:3] == b"250"
    assert len(list(read_captured(tmp_path))) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7])
async def test_split_anywhere_it_means_the_same(tmp_path: Path, size: int) -> None:
    content = b"..one\r\n.\r\n.\n.\r\nlast\r\n"
    talk = b"EHLO me.test\r\n" + ENVELOPE
    stuffed = b"...one\r\n..\r\n..\n.\r\nlast\r\n"
    async with SandboxServer(tmp_path) as server, connected(server.port, hello=False) as client:
        await client.reply()
        for data, expected in ((talk, [250, 250, 250, 354]), (stuffed + b".\r\nQUIT\r\n", [250, 221])):
            for start in range(0, len(data), size):
                client.writer.write(data[start : start + size])
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            assert await client.codes(len(expected)) == expected
    assert captured_message(tmp_path, 1) == content


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.one_of(
            st.binary(max_size=30).map(lambda data: data.replace(b"\r\n", b"")),
            st.sampled_from([b"", b".", b"..", b"From me", b">From me", b".\n", b"\n.\n", b"\r", b".\r", b"\0"]),
        ),
        max_size=8,
    ),
    chunk=st.integers(1, 50),
)
def test_content_is_kept_to_the_byte(tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], chunk: int) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    # by the letter of RFC 5321 section 4.5.2: a line ends at CR LF and at nothing else
    stuffed = b"".join(
        (b"." + line if line.startswith(b".") else line) + b"\r\n" for line in content.split(b"\r\n")[:-1]
    )
    folder = tmp_path_factory.mktemp("content")

    async def talk() -> None:
        async with SandboxServer(folder) as server, connected(server.port) as client:
            client.writer.write(ENVELOPE)
            assert await client.codes(3) == [250, 250, 354]
            data = stuffed + b".\r\n" + ENVELOPE
            for start in range(0, len(data), chunk):
                client.writer.write(data[start : start + chunk])
                await asyncio.sleep(0)
            assert await client.codes(4) == [250, 250, 250, 354]

    asyncio.run(talk())
    [caught] = read_captured(folder)
    assert caught.size == len(content)
    assert captured_message(folder, 1) == content


async def test_a_single_dot_before_text_is_taken_off(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        await client.send(b".one\r\n.two\r\n")
    assert captured_message(tmp_path, 1) == b"one\r\ntwo\r\n"


@pytest.mark.parametrize("end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n\0.\r\n"])
async def test_no_smuggled_end_of_data(tmp_path: Path, end: bytes) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        reply = await client.send(b"one" + end + MAIL + RCPT + b"DATA\r\ntwo\r\n")
        assert reply.startswith(b"250 ")
    assert len(list(read_captured(tmp_path))) == 1
    assert b"two" in captured_message(tmp_path, 1)


async def test_an_empty_message_is_a_message(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        assert (await client.send(b"")).startswith(b"250 ")
        assert (await client.send(b"\r\n")).startswith(b"250 ")
    assert [captured_message(tmp_path, number) for number in (1, 2)] == [b"", b"\r\n"]


@pytest.mark.parametrize(
    ("talk", "reply"),
    [
        (b"MAIL FROM:<a@x.test>\r\n", b"503 5.5.1 Say EHLO"),
        (b"EHLO\r\n", b"501"),
        (b"NONSENSE\r\n", b"500"),
        (b"NOOP\n", b"500 5.5.2 Lines end in CR LF"),
        (b"NOOP \0\r\n", b"500"),
        (b"NOOP " + b"x" * 3_000 + b"\r\n", b"500 5.5.2 Line too long"),
        (b"NOOP " + b"x" * 100_000 + b"\r\n", b"500 5.5.2 Line too long"),
        (b"VRFY someone\r\n", b"252"),
        (b"STARTTLS\r\n", b"502"),
        (b"AUTH PLAIN\r\n", b"502"),
    ],
)
async def test_before_the_hello(tmp_path: Path, talk: bytes, reply: bytes) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port, hello=False) as client:
        await client.reply()
        assert (await client.say(talk)).startswith(reply)
        assert (await client.say(b"NOOP\r\n")).startswith(b"250")


@pytest.mark.parametrize(
    ("talk", "reply"),
    [
        (RCPT, b"503 5.5.1 MAIL"),
        (b"DATA\r\n", b"503 5.5.1 MAIL"),
        (b"MAIL FROM: <a@x.test>\r\n", b"501 5.1.7"),
        (b"MAIL FROM:a@x.test\r\n", b"501 5.1.7"),
        (b"MAIL TO:<a@x.test>\r\n", b"501 5.5.4"),
        (b"MAIL FROM:<no-domain>\r\n", b"501 5.1.7"),
        (b"MAIL FROM:<a@x.test> RET=HDRS\r\n", b"555"),
        (b"MAIL FROM:<a@x.test> SIZE=99999999999\r\n", b"552 5.3.4"),
        (b"MAIL FROM:<a@x.test> SIZE=10 BODY=8BITMIME\r\n", b"250"),
        (b"MAIL FROM:<>\r\n", b"250"),
        (b'MAIL FROM:<"a > b"@x.test>\r\n', b"250"),
        ("MAIL FROM:<ä@x.test>\r\n".encode(), b"553 5.6.7"),
        ("MAIL FROM:<ä@x.test> SMTPUTF8\r\n".encode(), b"250"),
        (MAIL + MAIL, b"250"),
    ],
)
async def test_the_envelope_is_judged_strictly(tmp_path: Path, talk: bytes, reply: bytes) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        assert (await client.say(talk)).startswith(reply)
        if talk == MAIL + MAIL:
            assert (await client.reply()).startswith(b"503 5.5.1")


@pytest.mark.parametrize(
    ("talk", "reply"),
    [
        (b"RCPT TO:<postmaster>\r\n", b"250"),
        (b"RCPT TO:<>\r\n", b"501 5.1.3"),
        (b"RCPT TO:<b@x.test> ORCPT=rfc822;b@x.test\r\n", b"555"),
        (b"RCPT TO:<b@x.test\r\n", b"501 5.1.3"),
        ("RCPT TO:<ä@x.test>\r\n".encode(), b"553"),
    ],
)
async def test_recipients_are_judged_strictly(tmp_path: Path, talk: bytes, reply: bytes) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        await client.say(MAIL)
        assert (await client.say(talk)).startswith(reply)


async def test_extensions_that_are_not_offered_do_not_work(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path, extensions=["DSN"]) as server, connected(server.port, hello=False) as client:
        await client.reply()
        assert await client.say(b"EHLO me.test\r\n") == b"250-sandbox.test\r\n250 DSN\r\n"
        assert await client.say(b"MAIL FROM:<a@x.test> BODY=8BITMIME\r\n") == b"555 Unsupported parameter\r\n"
        assert await client.say(b"MAIL FROM:<a@x.test> RET=HDRS ENVID=1\r\n") == b"250 Ok\r\n"
        client.writer.write(RCPT + b"DATA\r\n")
        assert await client.codes(2) == [250, 354]
        assert server.counters.improper_pipelining == 1


async def test_sending_on_behind_data_is_noticed(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server, connected(server.port) as client:
        client.writer.write(ENVELOPE + HELLO + b".\r\n")
        assert await client.codes(4) == [250, 250, 354, 250]
        assert server.counters.improper_pipelining == 1


async def test_too_large_a_message_is_refused_and_the_session_goes_on(tmp_path: Path) -> None:
    manners = Manners(size_limit=1_000)
    async with SandboxServer(tmp_path, manners=manners) as server, connected(server.port) as client:
        assert (await client.send(b"x" * 300_000 + b"\r\n")).startswith(b"552 5.3.4")
        assert (await client.send(b"x" * 999 + b"\r\n")).startswith(b"552 5.3.4")
        assert (await client.send(b"x" * 998 + b"\r\n")).startswith(b"250")
    assert [message.size for message in read_captured(tmp_path)] == [1_000]


async def test_too_many_recipients(tmp_path: Path) -> None:
    manners = Manners(recipient_limit=2)
    async with SandboxServer(tmp_path, manners=manners) as server, connected(server.port) as client:
        client.writer.write(MAIL + RCPT * 3)
        assert await client.codes(4) == [250, 250, 250, 452]


async def test_a_quiet_client_is_sent_away(tmp_path: Path) -> None:
    manners = Manners(command_seconds=0.05)
    async with SandboxServer(tmp_path, manners=manners) as server, connected(server.port) as client:
        assert (await client.reply()).startswith(b"421 4.4.2")
        assert await client.reply() == b""


def _plain(user: str, password: str) -> bytes:
    return base64.b64encode(f"\0{user}\0{password}".encode())


async def test_logins(tmp_path: Path) -> None:
    users = {"anna": "pä$$"}
    async with SandboxServer(tmp_path, users=users) as server, connected(server.port, hello=False) as client:
        await client.reply()
        assert (await client.say(b"EHLO me.test\r\n")).endswith(b"250 AUTH PLAIN LOGIN CRAM-MD5\r\n")
        assert (await client.say(MAIL)).startswith(b"530 5.7.0")
        assert (await client.say(b"AUTH XOAUTH2 abc\r\n")).startswith(b"504")
        assert (await client.say(b"AUTH PLAIN !!!\r\n")).startswith(b"501")
        assert (await client.say(b"AUTH PLAIN " + b"A" * 12_000 + b"\r\n")).startswith(b"501 5.5.2 Cannot decode")
        assert (await client.say(b"AUTH PLAIN " + b"A" * 13_000 + b"\r\n")).startswith(b"500")
        assert (await client.say(b"AUTH PLAIN " + _plain("anna", "wrong") + b"\r\n")).startswith(b"535 5.7.8")
        assert (await client.say(b"AUTH PLAIN " + _plain("otto", "pä$$") + b"\r\n")).startswith(b"535 5.7.8")
        assert await client.say(b"AUTH LOGIN\r\n") == b"334 VXNlcm5hbWU6\r\n"
        assert (await client.say(b"*\r\n")).startswith(b"501 5.7.0")
        assert (await client.say(b"AUTH LOGIN " + base64.b64encode(b"anna") + b"\r\n")) == b"334 UGFzc3dvcmQ6\r\n"
        assert (await client.say(base64.b64encode("pä$$".encode()) + b"\r\n")).startswith(b"235 2.7.0")
        assert (await client.say(b"AUTH PLAIN\r\n")).startswith(b"503")
        assert (await client.send(HELLO)).startswith(b"250")
        assert (server.counters.auth_attempts, server.counters.auth_failures) == (7, 6)


async def test_plain_without_an_initial_response(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path, users={"anna": "secret"}) as server, connected(server.port) as client:
        assert await client.say(b"AUTH PLAIN\r\n") == b"334 \r\n"
        assert (await client.say(_plain("anna", "secret") + b"\r\n")).startswith(b"235")


async def test_logins_that_prove_a_password_without_saying_it_and_logins_by_token(tmp_path: Path) -> None:
    manners = Manners(users={"anna": "pä$$"}, tokens={"a,b=c@x.test": "good"})
    bearer = b"n,a=a=2Cb=3Dc@x.test,\x01host=x.test\x01port=25\x01auth=Bearer %b\x01\x01"
    older = b"user=a,b=c@x.test\x01auth=Bearer %b\x01\x01"
    async with SandboxServer(tmp_path, manners=manners) as server:
        for name, said in ((b"OAUTHBEARER", bearer), (b"XOAUTH2", older)):
            async with connected(server.port) as client:
                coded = base64.b64encode(said % b"old")
                refusal = await client.say(b"AUTH " + name + b" " + coded + b"\r\n")
                assert b"status" in base64.b64decode(refusal.removeprefix(b"334 "))
                assert (await client.say(b"AQ==\r\n")).startswith(b"535 5.7.8")
                assert await client.say(b"AUTH " + name + b"\r\n") == b"334 \r\n"
                assert (await client.say(base64.b64encode(said % b"good") + b"\r\n")).startswith(b"235")
        async with connected(server.port) as client:
            assert (await client.say(b"AUTH CRAM-MD5 YQ==\r\n")).startswith(b"501")
            for password, code in (("wrong", b"535"), ("pä$$", b"235")):
                challenge = base64.b64decode((await client.say(b"AUTH CRAM-MD5\r\n"))[4:])
                proof = hmac.new(password.encode(), challenge, "md5").hexdigest()
                assert (await client.say(base64.b64encode(f"anna {proof}".encode()) + b"\r\n")).startswith(code)
    only = Manners(users={"anna": "x"}, auth=("LOGIN",))
    async with SandboxServer(tmp_path / "other", manners=only) as server, connected(server.port, hello=False) as client:
        await client.reply()
        assert (await client.say(b"EHLO me.test\r\n")).endswith(b"250 AUTH LOGIN\r\n")
        assert (await client.say(b"AUTH PLAIN\r\n")).startswith(b"504")


async def test_a_full_disk_is_no_acceptance(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with SandboxServer(tmp_path) as server:
        async with connected(server.port) as client:
            assert (await client.send(HELLO)).startswith(b"250")
            resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
            try:
                client.writer.write(ENVELOPE + b"x" * 30_000 + b"\r\n.\r\nNOOP\r\n")
                assert await client.codes(3) == [250, 250, 354]
                assert (await client.reply()).startswith(b"421 4.3.1")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            assert await client.reply() == b""
        async with connected(server.port) as client:
            assert (await client.send(b"again\r\n")).startswith(b"250 2.0.0 Ok: kept as 2")
    assert [message.number for message in read_captured(tmp_path)] == [1, 2]
    assert captured_message(tmp_path, 2) == b"again\r\n"


async def test_counts_connections(tmp_path: Path) -> None:
    async with SandboxServer(tmp_path) as server:
        async with connected(server.port), connected(server.port), connected(server.port):
            assert server.counters.open == 3
        while server.counters.open:
            await asyncio.sleep(0.001)
        async with connected(server.port):
            pass
        assert (server.counters.connections, server.counters.peak) == (4, 3)


async def test_stopping_leaves_nothing_open(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    server = SandboxServer(tmp_path)
    await server.start()
    async with connected(server.port) as client:
        await client.send(HELLO)
        await server.stop()
        assert (await client.reply()).startswith(b"421 4.3.2")
    await asyncio.sleep(0)
    await server.stop()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
