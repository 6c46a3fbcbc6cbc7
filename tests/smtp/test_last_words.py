"""What a server said before it hung up on us is read, although a write found the connection gone first (F-35)."""

from __future__ import annotations

import asyncio
from typing import cast

from mailtui.smtp.last_words import how_it_ended, last_words
from tests.servers.scripted import Reset, Send, Sleep, scripted_peer


class Deaf(asyncio.Protocol):
    """Writes, and reads nothing until the connection is lost."""

    def __init__(self) -> None:
        self.words = b""
        self.over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        assert exc is not None
        self.words = last_words(self.transport)
        self.over.set()


async def test_f35_a_refusal_is_read_when_a_write_has_failed_already() -> None:
    async with scripted_peer([Send(b"550 no more\r\n"), Sleep(0.05), Reset()]) as peer:
        _, client = await asyncio.get_running_loop().create_connection(Deaf, "127.0.0.1", peer.port)
        async with asyncio.timeout(10):
            while not client.over.is_set():
                client.transport.write(b"x")
                await asyncio.sleep(0.01)
    assert client.words == b"550 no more\r\n"


async def test_f35_where_nothing_was_said_there_is_nothing() -> None:
    async with scripted_peer([Reset()]) as peer:
        _, client = await asyncio.get_running_loop().create_connection(Deaf, "127.0.0.1", peer.port)
        async with asyncio.timeout(10):
            while not client.over.is_set():
                client.transport.write(b"x")
                await asyncio.sleep(0.01)
    assert client.words == b""


def test_the_end_of_a_connection_is_told_without_numbers_of_the_system() -> None:
    assert how_it_ended(None) == "the connection was lost"
    assert how_it_ended(ConnectionResetError(104, "Connection reset by peer")) == "the server reset the connection"
    assert how_it_ended(OSError(110, "Connection timed out")) == "the connection was lost (Connection timed out)"
