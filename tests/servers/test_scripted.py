"""The scripted peer: exact bytes, split and coalesced, RST, and a client that leaves the script is told on."""

from __future__ import annotations

import asyncio

import pytest

from tests.servers.scripted import (
    Close,
    Expect,
    ExpectThrough,
    Reset,
    ScriptError,
    Send,
    Silence,
    Step,
    Talk,
    scripted_peer,
)


async def test_sends_exactly_its_bytes_and_keeps_what_comes() -> None:
    script: list[Step] = [
        Send(b"220 hi\r\n"),
        Expect(b"EHLO"),
        Send(b"250 a\r\n250 b\r\n"),
        ExpectThrough(b"\r\n.\r\n"),
        Close(),
    ]
    async with scripted_peer(script) as peer:
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
        assert await reader.readline() == b"220 hi\r\n"
        writer.write(b"ehlo me\r\nMAIL and more\r\n.\r\n")
        assert await reader.read() == b"250 a\r\n250 b\r\n"
        writer.close()
    assert peer.received == b"ehlo me\r\nMAIL and more\r\n.\r\n"


async def test_split_replies_arrive_in_pieces() -> None:
    async with scripted_peer([Send(b"220 ready\r\n", chunk=1), Silence()]) as peer:
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
        pieces: list[bytes] = []
        while not b"".join(pieces).endswith(b"\r\n"):
            pieces.append(await reader.read(100))
        assert b"".join(pieces) == b"220 ready\r\n"
        assert len(pieces) > 3
        writer.close()


async def test_reset_is_a_reset() -> None:
    async with scripted_peer([Expect(b"EHLO"), Reset()]) as peer:
        reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
        writer.write(b"EHLO me\r\n")
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()


async def test_each_connection_has_its_script_and_the_last_serves_the_rest() -> None:
    async def count(talk: Talk) -> None:
        await talk.send(b"%d\r\n" % talk.number)

    async with scripted_peer([Close()], count) as peer:
        said = []
        for _ in range(3):
            reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
            said.append(await reader.read())
            writer.close()
    assert said == [b"", b"2\r\n", b"3\r\n"]


async def test_a_client_that_leaves_the_script_fails_the_test() -> None:
    with pytest.raises(ScriptError, match="expected b'EHLO', got b'HELO"):
        async with scripted_peer([Expect(b"EHLO")]) as peer:
            reader, writer = await asyncio.open_connection("127.0.0.1", peer.port)
            writer.write(b"HELO me\r\n")
            await reader.read()
            writer.close()
