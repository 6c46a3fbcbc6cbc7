"""Faults beyond a reply of one's own: bytes in pieces, how a connection ends, content that is not read, idleness."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailtui.sandbox.capture import read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage, Then
from mailtui.sandbox.server import SandboxServer
from tests.sandbox.client import ENVELOPE, MAIL, RCPT, Client, connected

HELLO = b"hello\r\n"
DOT = b".\r\n"


@asynccontextmanager
async def talk(folder: Path, *rules: FaultRule, hello: bool = True) -> AsyncIterator[tuple[SandboxServer, Client]]:
    """A server with these rules, and a client of it."""
    async with (
        SandboxServer(folder, faults=Faults(rules)) as server,
        connected(server.port, hello=hello) as client,
    ):
        yield server, client


async def rest(client: Client, seconds: float = 10) -> bytes:
    """All that still comes until the connection ends, or ConnectionResetError."""
    async with asyncio.timeout(seconds):
        return await client.reader.read()


async def begin_content(client: Client) -> None:
    client.writer.write(ENVELOPE)
    assert await client.codes(3) == [250, 250, 354]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():
            await asyncio.sleep(0.005)


def kept(folder: Path) -> int:
    return len(list(read_captured(folder)))


# replies, byte by byte


async def segments(client: Client, size: int) -> list[bytes]:
    """What comes, read by read, until there are so many bytes."""
    got: list[bytes] = []
    async with asyncio.timeout(10):
        while sum(map(len, got)) < size:
            got.append(await client.reader.read(65_536))
    return got


async def test_f22_every_byte_in_a_segment_of_its_own(tmp_path: Path) -> None:
    reply = b"250-one\r\n250 two\r\n"
    rule = FaultRule(Stage.RCPT, Action.REPLY, reply=reply, split=1, pause=0.02)
    async with talk(tmp_path, rule) as (_, client):
        await client.say(MAIL)
        client.writer.write(RCPT)
        got = await segments(client, len(reply))
        assert b"".join(got) == reply
        assert len(got) > len(reply) // 2  # a busy machine may read two at once
        assert (await client.say(b"DATA\r\n")).startswith(b"354")


async def test_pieces_of_given_sizes_and_the_rest_in_one(tmp_path: Path) -> None:
    rule = FaultRule(Stage.MAIL, Action.REPLY, reply=b"250 one two\r\n", chunks=(3, 5), pause=0.2)
    async with talk(tmp_path, rule) as (_, client):
        client.writer.write(MAIL)
        assert await segments(client, 13) == [b"250", b" one ", b"two\r\n"]


def test_pieces() -> None:
    def pieces(**keys: object) -> tuple[bytes, ...]:
        return FaultRule(Stage.MAIL, Action.REPLY, reply=b"12345", **keys).pieces()  # type: ignore[arg-type]

    assert pieces() == (b"12345",)
    assert pieces(split=2) == (b"12", b"34", b"5")
    assert pieces(split=5) == pieces(split=9) == pieces(chunks=(7, 7)) == (b"12345",)
    assert pieces(chunks=(1, 3)) == (b"1", b"234", b"5")


async def test_what_was_pipelined_before_does_not_ride_with_the_first_piece(tmp_path: Path) -> None:
    rule = FaultRule(Stage.RCPT, Action.REPLY, reply=b"250 ok\r\n", chunks=(2,), pause=0.2)
    async with talk(tmp_path, rule) as (_, client):
        client.writer.write(MAIL + RCPT + b"NOOP\r\n")
        got = await segments(client, 14 + 8 + 14)
        assert b"".join(got) == b"250 2.1.0 Ok\r\n250 ok\r\n250 2.0.0 Ok\r\n"
        assert got[-1] == b" ok\r\n250 2.0.0 Ok\r\n" or got[-1] == b"250 2.0.0 Ok\r\n"


async def test_f20_two_replies_in_one_segment(tmp_path: Path) -> None:
    both = b"250 ok\r\n250 extra\r\n"
    async with talk(tmp_path, FaultRule(Stage.RCPT, Action.REPLY, reply=both)) as (_, client):
        await client.say(MAIL)
        client.writer.write(RCPT)
        assert await segments(client, len(both)) == [both]


async def test_f25_an_endless_reply(tmp_path: Path) -> None:
    rule = FaultRule(Stage.MAIL, Action.TRICKLE, reply=b"250-still here\r\n", pause=0.02)
    async with talk(tmp_path, rule) as (server, client):
        client.writer.write(MAIL)
        start = time.monotonic()
        async with asyncio.timeout(10):
            assert await client.reader.readexactly(16 * 10) == rule.reply * 10
        assert time.monotonic() - start > 0.1
        client.writer.close()
        await until(lambda: server.counters.open == 0)


@pytest.mark.parametrize("accept", [True, False])
async def test_an_endless_reply_to_the_dot_says_in_the_log_what_became_of_the_mail(
    tmp_path: Path, accept: bool
) -> None:
    rule = FaultRule(Stage.DOT, Action.TRICKLE, reply=b"250-wait\r\n", accept=accept)
    async with talk(tmp_path, rule) as (_, client):
        await begin_content(client)
        client.writer.write(HELLO + DOT)
        async with asyncio.timeout(10):
            await client.reader.readexactly(30)
    assert kept(tmp_path) == accept


@pytest.mark.parametrize(
    ("then", "reply"), [(Then.CLOSE, b"250 ok"), (Then.CLOSE, b"25"), (Then.RESET, b"250 ok\r\n"), (Then.CUT, b"2")]
)
async def test_f45_a_reply_and_then_the_end(tmp_path: Path, then: Then, reply: bytes) -> None:
    rule = FaultRule(Stage.DOT, Action.REPLY, reply=reply, then=then)
    async with talk(tmp_path, rule) as (_, client):
        await begin_content(client)
        client.writer.write(HELLO + DOT)
        assert await client.reader.readexactly(len(reply)) == reply
        if then is Then.RESET:
            with pytest.raises(ConnectionResetError):
                await rest(client)
        else:
            assert await rest(client) == b""
    assert kept(tmp_path) == 1  # it begins with 2


async def test_a_reply_in_pieces_and_then_silence(tmp_path: Path) -> None:
    rule = FaultRule(Stage.MAIL, Action.REPLY, reply=b"250 ok", split=3, then=Then.SILENCE)
    async with talk(tmp_path, rule) as (_, client):
        client.writer.write(MAIL + b"QUIT\r\n")
        async with asyncio.timeout(10):
            assert await client.reader.readexactly(6) == b"250 ok"
        with pytest.raises(TimeoutError):
            await rest(client, 0.1)


@pytest.mark.parametrize(
    ("reply", "accept", "expected"),
    [
        (b"550-no\r\n250 ok\r\n", None, 0),
        (b"550-no\r\n250 ok\r\n", True, 1),
        (b"250-ok\r\n550 no\r\n", None, 1),
        (b"250-ok\r\n550 no\r\n", False, 0),
        (b"whatever\r\n", True, 1),
    ],
)
async def test_f23_f24_whether_the_mail_was_kept_can_be_said(
    tmp_path: Path, reply: bytes, accept: bool | None, expected: int
) -> None:
    async with talk(tmp_path, FaultRule(Stage.DOT, Action.REPLY, reply=reply, accept=accept)) as (server, client):
        await begin_content(client)
        client.writer.write(HELLO + DOT)
        async with asyncio.timeout(10):
            assert await client.reader.readexactly(len(reply)) == reply
        assert (server.counters.accepted, server.counters.refused) == (expected, 1 - expected)
    assert kept(tmp_path) == expected


async def test_a_recipient_taken_in_spite_of_a_refusal(tmp_path: Path) -> None:
    rule = FaultRule(Stage.RCPT, Action.REPLY, reply=b"550 no\r\n", accept=True)
    async with talk(tmp_path, rule) as (_, client):
        client.writer.write(ENVELOPE)
        assert await client.codes(3) == [250, 550, 354]


# the content


@pytest.mark.parametrize("after", [0, 1, 500, 1_002])
async def test_f36_reset_inside_the_content(tmp_path: Path, after: int) -> None:
    content = b"x" * 1_000 + b"\r\n"  # and the dot that never comes
    async with talk(tmp_path, FaultRule(Stage.BODY, Action.RESET, after=after)) as (server, client):
        client.writer.write(ENVELOPE)
        with pytest.raises(ConnectionResetError):
            if after:
                assert await client.codes(3) == [250, 250, 354]
                client.writer.write(content[: after - 1])
                await asyncio.sleep(0.05)
                assert server.counters.open == 1
                client.writer.write(content[after - 1 :])
            await rest(client)
        assert server.counters.refused == 1
    assert kept(tmp_path) == 0


async def test_a_fault_beyond_the_end_does_not_strike_and_one_at_it_does(tmp_path: Path) -> None:
    rules = [FaultRule(Stage.BODY, Action.DROP, after=len(HELLO + DOT) + extra, nth=2 - extra) for extra in (1, 0)]
    async with talk(tmp_path, *rules) as (_, client):
        assert (await client.send(HELLO)).startswith(b"250")
        assert await client.send(HELLO) == b""
    assert kept(tmp_path) == 1


@pytest.mark.parametrize("code", [b"550 5.7.1 no\r\n", b"552 5.3.4 too much\r\n"])
async def test_f35_refused_in_the_middle_of_the_content(tmp_path: Path, code: bytes) -> None:
    async with talk(tmp_path, FaultRule(Stage.BODY, Action.REPLY, reply=code, after=10)) as (_, client):
        await begin_content(client)
        for _ in range(50):  # it goes on writing, and still reads the reply
            client.writer.write(b"x" * 60_000 + b"\r\n")
            await asyncio.sleep(0)
        assert await rest(client) == code
    assert kept(tmp_path) == 0


async def test_fin_in_the_middle_of_the_content(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.BODY, Action.DROP, after=3)) as (_, client):
        await begin_content(client)
        client.writer.write(b"abc")
        assert await rest(client) == b""


async def test_f33_stops_reading_for_ever(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.BODY, Action.STALL, after=100)) as (_, client):
        await begin_content(client)
        # more than the client's kernel takes by itself (3 MB here), less than with a server's usual buffer (12 MB)
        client.writer.write(b"x" * 6_000_000 + b"\r\n" + DOT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.writer.drain()
        client.writer.transport.abort()
    assert kept(tmp_path) == 0


async def test_stops_reading_for_a_while(tmp_path: Path) -> None:
    rule = FaultRule(Stage.BODY, Action.STALL, after=100, seconds=0.3)
    async with talk(tmp_path, rule) as (_, client):
        await begin_content(client)
        start = time.monotonic()
        assert (await client.say(b"x" * 200_000 + b"\r\n" + DOT)).startswith(b"250")
        assert time.monotonic() - start >= 0.3
    assert [caught.size for caught in read_captured(tmp_path)] == [200_002]


async def test_f34_reads_slowly_and_only_that_message(tmp_path: Path) -> None:
    rule = FaultRule(Stage.BODY, Action.SLOW, rate=20_000, nth=1)
    async with talk(tmp_path, rule) as (_, client):
        start = time.monotonic()
        assert (await client.send(b"x" * 10_000 + b"\r\n")).startswith(b"250")
        assert time.monotonic() - start >= 0.4
        assert (await client.send(b"x" * 2_000_000 + b"\r\n")).startswith(b"250")
        assert time.monotonic() - start < 60  # at the slow rate it would be 100 s
    assert kept(tmp_path) == 2


async def test_silent_after_content(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.BODY, Action.SILENCE)) as (_, client):
        client.writer.write(ENVELOPE)
        assert await client.codes(3) == [250, 250, 354]
        client.writer.write(HELLO + DOT)
        with pytest.raises(TimeoutError):
            await rest(client, 0.1)
    assert kept(tmp_path) == 0


# between messages


async def test_f30_fin_between_messages(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.IDLE, Action.DROP, message=2)) as (_, client):
        assert (await client.send(HELLO)).startswith(b"250")
        assert (await client.send(HELLO)).startswith(b"250")
        assert await rest(client) == b""
    assert kept(tmp_path) == 2


async def test_reset_between_messages(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.IDLE, Action.RESET)) as (_, client):
        assert (await client.send(HELLO)).startswith(b"250")
        with pytest.raises(ConnectionResetError):
            await rest(client)


async def test_f31_an_unsolicited_421_comes_by_itself_and_then_the_end(tmp_path: Path) -> None:
    farewell = b"421 4.4.2 idle too long\r\n"
    rule = FaultRule(Stage.IDLE, Action.REPLY, reply=farewell, pause=0.2)
    async with talk(tmp_path, rule) as (_, client):
        await begin_content(client)
        client.writer.write(HELLO + DOT)
        assert (await client.reader.read(65_536)).endswith(b"Ok: kept as 1\r\n")
        assert await rest(client) == farewell


async def test_f32_half_open_between_messages(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.IDLE, Action.SILENCE)) as (_, client):
        assert (await client.send(HELLO)).startswith(b"250")
        client.writer.write(MAIL)
        with pytest.raises(TimeoutError):
            await rest(client, 0.1)


async def test_idle_for_too_long(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.IDLE, Action.DROP, seconds=0.3, nth=2)) as (_, client):
        assert (await client.send(HELLO)).startswith(b"250")
        await asyncio.sleep(0.4)
        start = time.monotonic()
        assert (await client.send(HELLO)).startswith(b"250")
        assert await rest(client) == b""
        assert time.monotonic() - start >= 0.3


async def test_who_speaks_in_time_is_not_idle(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.IDLE, Action.DROP, seconds=0.3, nth=1)) as (_, client):
        assert (await client.send(HELLO)).startswith(b"250")
        assert (await client.say(b"NOOP\r\n")).startswith(b"250")
        await asyncio.sleep(0.4)
        assert (await client.say(b"NOOP\r\n")).startswith(b"250")


# the connection


async def test_f01_refused_for_a_while(tmp_path: Path) -> None:
    async with SandboxServer(
        tmp_path, faults=Faults((FaultRule(Stage.CONNECT, Action.REFUSE, nth=2, seconds=0.4),))
    ) as server:
        async with connected(server.port) as first:
            async with connected(server.port, hello=False) as second:
                with pytest.raises(ConnectionResetError):
                    await rest(second)
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", server.port)
            assert (await first.send(HELLO)).startswith(b"250")
        async with asyncio.timeout(10):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                    break
                except ConnectionRefusedError:
                    await asyncio.sleep(0.02)
        writer.close()
    assert kept(tmp_path) == 1


async def test_refused_for_ever_and_stopped(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.CONNECT, Action.REFUSE), hello=False) as (server, client):
        with pytest.raises(ConnectionResetError):
            await rest(client)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", server.port)


async def test_f18_a_late_go_ahead(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.DATA, Action.DELAY, seconds=0.2)) as (_, client):
        start = time.monotonic()
        await begin_content(client)
        assert time.monotonic() - start >= 0.2


async def test_the_time_scale_shortens_every_time(tmp_path: Path) -> None:
    rules = (
        FaultRule(Stage.MAIL, Action.DELAY, seconds=100),
        FaultRule(Stage.RCPT, Action.REPLY, reply=b"250 ok\r\n", split=4, pause=50),
        FaultRule(Stage.BODY, Action.STALL, seconds=100),
        FaultRule(Stage.IDLE, Action.DROP, seconds=100),
    )
    faults = Faults(rules, time_scale=0.001)
    async with SandboxServer(tmp_path, faults=faults) as server, connected(server.port) as client:
        start = time.monotonic()
        assert (await client.send(HELLO)).startswith(b"250")
        assert await rest(client) == b""
        assert 0.35 <= time.monotonic() - start < 20
