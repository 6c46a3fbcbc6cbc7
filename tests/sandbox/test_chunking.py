"""The sandbox's side of CHUNKING (RFC 3030): octets that are counted, in order, drained when refused, and faults."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailtui.sandbox.capture import captured_message, read_captured
from mailtui.sandbox.faults import Action, FaultRule, Faults, Stage, reply_line
from mailtui.sandbox.manners import EXTENSIONS, Manners
from mailtui.sandbox.server import SandboxServer
from tests.sandbox.client import ENVELOPE, MAIL, RCPT, Client, connected

HELLO = b"Message-ID: <1@sender.example>\r\n\r\nhello\r\n"


def bdat(content: bytes, *, last: bool = True) -> bytes:
    return b"BDAT %d%b\r\n" % (len(content), b" LAST" if last else b"") + content


@asynccontextmanager
async def talk(folder: Path, *rules: FaultRule, **more: object) -> AsyncIterator[tuple[SandboxServer, Client]]:
    manners = Manners(**more) if more else None  # type: ignore[arg-type]
    async with (
        SandboxServer(folder, faults=Faults(rules), manners=manners) as server,
        connected(server.port) as client,
    ):
        yield server, client


async def test_a_message_in_one_chunk_and_the_next_behind_it(tmp_path: Path) -> None:
    async with talk(tmp_path) as (server, client):
        client.writer.write(MAIL + RCPT + bdat(HELLO) + MAIL + RCPT + bdat(HELLO) + b"QUIT\r\n")
        replies = await client.replies(7)
    assert [int(reply[:3]) for reply in replies] == [250, 250, 250, 250, 250, 250, 221]
    assert (replies[2], replies[5]) == (b"250 2.0.0 Ok: kept as 1\r\n", b"250 2.0.0 Ok: kept as 2\r\n")
    assert [captured_message(tmp_path, number) for number in (1, 2)] == [HELLO, HELLO]
    assert [item.message_id for item in read_captured(tmp_path)] == ["<1@sender.example>"] * 2
    counters = server.counters
    assert (counters.accepted, counters.refused, counters.improper_pipelining) == (2, 0, 0)
    assert counters.commands == {"EHLO": 1, "MAIL": 2, "RCPT": 2, "BDAT": 2, "QUIT": 1}


@pytest.mark.parametrize("size", [1, 2, 5, 300])
async def test_every_octet_is_kept_however_it_is_cut(tmp_path: Path, size: int) -> None:
    content = bytes(range(256)) + b"\r\n.\r\nQUIT\r\n..\r\nFrom me\n\0.\r"
    chunks = bdat(content[:100], last=False) + bdat(b"", last=False) + bdat(content[100:270], last=False)
    data = MAIL + RCPT + chunks + bdat(content[270:], last=False) + b"bdat 0 last\r\nQUIT\r\n"
    async with talk(tmp_path) as (_, client):
        for start in range(0, len(data), size):
            client.writer.write(data[start : start + size])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        replies = await client.replies(8)
    assert [int(reply[:3]) for reply in replies] == [250] * 7 + [221]
    assert replies[2] == b"250 2.0.0 100 octets\r\n"
    assert captured_message(tmp_path, 1) == content


@pytest.mark.parametrize(
    ("before", "codes", "refusal"),
    [
        (b"", [], b"503 5.5.1 MAIL comes first\r\n"),
        (MAIL, [250], b"554 5.5.1 No valid recipients\r\n"),
        (MAIL + b"RCPT TO:<>\r\n", [250, 501], b"554 5.5.1 No valid recipients\r\n"),
        (b"MAIL FROM:<>\0\r\n" + RCPT, [500, 503], b"503 5.5.1 MAIL comes first\r\n"),
    ],
)
async def test_a_chunk_that_cannot_be_is_drained(
    tmp_path: Path, before: bytes, codes: list[int], refusal: bytes
) -> None:
    smuggled = b"MAIL FROM:<evil@x.test>\r\nRCPT TO:<b@x.test>\r\nBDAT 2 LAST\r\nhi"
    async with talk(tmp_path) as (_, client):
        client.writer.write(before + bdat(smuggled) + b"RSET\r\n" + MAIL + RCPT + bdat(HELLO))
        assert await client.codes(len(codes)) == codes
        assert await client.reply() == refusal
        assert await client.codes(4) == [250] * 4
    assert [item.mail_from for item in read_captured(tmp_path)] == ["a@sender.example"]


async def test_after_a_refused_chunk_only_rset_helps(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.BDAT, Action.REPLY, reply=reply_line("451 Later"), nth=1)) as (_, client):
        client.writer.write(MAIL + RCPT + bdat(HELLO, last=False) + bdat(HELLO, last=False) + bdat(HELLO) + MAIL + RCPT)
        client.writer.write(b"DATA\r\nRSET\r\n" + MAIL + RCPT + bdat(HELLO))
        assert await client.codes(12) == [250, 250, 451, 503, 503, 503, 503, 503, 250, 250, 250, 250]
    assert len(list(read_captured(tmp_path))) == 1


async def test_data_and_bdat_do_not_mix_in_one_message(tmp_path: Path) -> None:
    async with talk(tmp_path) as (_, client):
        client.writer.write(MAIL + RCPT + bdat(HELLO, last=False) + RCPT + b"DATA\r\n")
        assert await client.codes(5) == [250, 250, 250, 503, 503]
        client.writer.write(bdat(HELLO) + b"RSET\r\n" + ENVELOPE)
        assert await client.codes(5) == [503, 250, 250, 250, 354]
        client.writer.write(HELLO + b".\r\n" + bdat(HELLO) + MAIL + RCPT + bdat(HELLO))
        assert await client.codes(5) == [250, 503, 250, 250, 250]
    assert [captured_message(tmp_path, number) for number in (1, 2)] == [HELLO, HELLO]


@pytest.mark.parametrize("word", [b"RSET", b"EHLO me.test"])
async def test_rset_forgets_the_chunks(tmp_path: Path, word: bytes) -> None:
    async with talk(tmp_path) as (_, client):
        client.writer.write(MAIL + RCPT + bdat(b"old", last=False) + word + b"\r\n" + MAIL + RCPT + bdat(HELLO))
        assert await client.codes(7) == [250] * 7
    assert captured_message(tmp_path, 1) == HELLO


async def test_too_large_is_said_at_the_end_and_nothing_is_held(tmp_path: Path) -> None:
    async with talk(tmp_path, size_limit=100) as (_, client):
        client.writer.write(MAIL + RCPT + bdat(b"a" * 60, last=False) + bdat(b"b" * 41) + b"RSET\r\n")
        assert await client.codes(5) == [250, 250, 250, 552, 250]
        client.writer.write(MAIL + RCPT + bdat(b"a" * 60, last=False) + bdat(b"b" * 40))
        assert await client.codes(4) == [250] * 4
        client.writer.write(MAIL + RCPT + b"BDAT 99999999\r\n")
        assert await client.codes(2) == [250, 250]
        for _ in range(20):
            client.writer.write(b"x" * 1_000_000)
            await client.writer.drain()
    assert captured_message(tmp_path, 1) == b"a" * 60 + b"b" * 40


@pytest.mark.parametrize("argument", [b"", b"x", b"-1", b"10 FIRST", b"LAST", b"1" * 30, b"10LAST"])
async def test_a_chunk_without_a_size_ends_the_connection(tmp_path: Path, argument: bytes) -> None:
    """Its content would else be taken for commands."""
    async with talk(tmp_path) as (_, client):
        client.writer.write(MAIL + RCPT + b"BDAT " + argument + b"\r\n" + ENVELOPE)
        assert await client.codes(3) == [250, 250, 501]
        assert await client.reply() == b""


async def test_not_announced_it_is_not_known(tmp_path: Path) -> None:
    words = tuple(word for word in EXTENSIONS if word != "CHUNKING")
    async with SandboxServer(tmp_path, extensions=words) as server, connected(server.port, hello=False) as client:
        await client.reply()
        assert b"CHUNKING" not in await client.say(b"EHLO me.test\r\n")
        assert (await client.say(b"BDAT 0 LAST\r\n")).startswith(b"502")


async def test_pipelining_counts_as_improper_without_the_extension(tmp_path: Path) -> None:
    async with talk(tmp_path, extensions=("CHUNKING",)) as (server, client):
        for line in (MAIL, RCPT, bdat(HELLO)):
            assert (await client.say(line)).startswith(b"250")
        assert server.counters.improper_pipelining == 0
        client.writer.write(bdat(HELLO) + b"NOOP\r\n")
        assert await client.codes(2) == [503, 250]
        assert server.counters.improper_pipelining == 1


async def test_the_log_is_written_before_the_250(tmp_path: Path) -> None:
    async with talk(tmp_path) as (_, client):
        for number in range(1, 20):
            client.writer.write(MAIL + RCPT + bdat(HELLO))
            assert await client.codes(3) == [250] * 3
            assert len(list(read_captured(tmp_path))) == number


@pytest.mark.parametrize("stage", [Stage.BDAT, Stage.DOT])
@pytest.mark.parametrize(
    ("action", "kept"),
    [(Action.DROP, 0), (Action.RESET, 0), (Action.ACCEPT_THEN_DROP, 1), (Action.ACCEPT_THEN_RESET, 1)],
)
async def test_hung_up_at_the_last_chunk(tmp_path: Path, stage: Stage, action: Action, kept: int) -> None:
    async with talk(tmp_path, FaultRule(stage, action, nth=1)) as (_, client):
        client.writer.write(MAIL + RCPT)
        assert await client.codes(2) == [250, 250]
        client.writer.write(bdat(HELLO) + MAIL)
        if action in (Action.RESET, Action.ACCEPT_THEN_RESET):
            with pytest.raises(ConnectionResetError):
                await client.reply()
        else:
            assert await client.reply() == b""
    assert len(list(read_captured(tmp_path))) == kept


@pytest.mark.parametrize("stage", [Stage.BDAT, Stage.DOT])
async def test_replies_of_ones_own_at_the_last_chunk(tmp_path: Path, stage: Stage) -> None:
    rules = [
        FaultRule(stage, Action.REPLY, reply=reply_line("452 4.3.1 Full"), nth=1),
        FaultRule(stage, Action.REPLY, reply=b"550-no\r\n250 ok\r\n", accept=True, nth=2),
        FaultRule(stage, Action.REPLY, reply=b"250 ok\r\n250 extra\r\n", split=3, pause=0.001, nth=3),
        FaultRule(stage, Action.DELAY, seconds=0.05),
    ]
    async with talk(tmp_path, *rules) as (server, client):
        start = time.monotonic()
        for code in (452, 550, 250):
            client.writer.write(MAIL + RCPT + bdat(HELLO))
            assert (await client.codes(3))[2] == code
        assert await client.reply() == b"250 extra\r\n"
        assert time.monotonic() - start >= 0.15
        assert server.counters.refused == 1
    assert len(list(read_captured(tmp_path))) == 2


async def test_a_chunk_that_is_not_the_last_is_no_end_of_a_message(tmp_path: Path) -> None:
    async with talk(tmp_path, FaultRule(Stage.DOT, Action.REPLY, reply=reply_line("554 No"))) as (_, client):
        client.writer.write(MAIL + RCPT + bdat(HELLO, last=False) + bdat(b""))
        assert await client.codes(4) == [250, 250, 250, 554]


@pytest.mark.parametrize("after", [0, 10_000])
async def test_a_stall_inside_the_chunks(tmp_path: Path, after: int) -> None:
    rule = FaultRule(Stage.BODY, Action.STALL, seconds=0.2, after=after)
    async with talk(tmp_path, rule) as (_, client):
        start = time.monotonic()
        client.writer.write(MAIL + RCPT + bdat(b"a" * 6_000, last=False) + bdat(b"b" * 60_000))
        assert await client.codes(4) == [250] * 4
        assert time.monotonic() - start >= 0.2
    assert captured_message(tmp_path, 1) == b"a" * 6_000 + b"b" * 60_000


async def test_read_slowly_to_the_end_of_the_message_and_no_longer(tmp_path: Path) -> None:
    rule = FaultRule(Stage.BODY, Action.SLOW, rate=50_000, message=1)
    async with talk(tmp_path, rule) as (_, client):
        start = time.monotonic()
        client.writer.write(MAIL + RCPT + bdat(b"a" * 20_000))
        assert await client.codes(3) == [250] * 3
        assert time.monotonic() - start >= 0.2
        client.writer.write(MAIL + RCPT + bdat(b"a" * 20_000_000))
        assert await client.codes(3) == [250] * 3
    assert [item.size for item in read_captured(tmp_path)] == [20_000, 20_000_000]


async def test_refused_in_the_middle_of_a_chunk(tmp_path: Path) -> None:
    rule = FaultRule(Stage.BODY, Action.REPLY, reply=reply_line("552 5.3.4 Too large"), after=5_000)
    async with talk(tmp_path, rule) as (_, client):
        client.writer.write(MAIL + RCPT + b"BDAT 10000 LAST\r\n" + b"a" * 6_000)
        assert await client.codes(3) == [250, 250, 552]
        assert await client.reply() == b""
