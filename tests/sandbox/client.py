"""A client that writes exactly what it is told to and reads replies one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

MAIL = b"MAIL FROM:<a@sender.example>\r\n"
RCPT = b"RCPT TO:<b@x.test>\r\n"
ENVELOPE = MAIL + RCPT + b"DATA\r\n"


@dataclass(frozen=True, slots=True)
class Client:
    """One connection to the server under test."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def reply(self) -> bytes:
        """The next reply, all its lines; b"" at the end of the connection."""
        lines = b""
        async with asyncio.timeout(5):
            while True:
                line = await self.reader.readline()
                lines += line
                if line[3:4] != b"-":
                    return lines

    async def replies(self, count: int) -> list[bytes]:
        """The next so many replies."""
        return [await self.reply() for _ in range(count)]

    async def codes(self, count: int) -> list[int]:
        """Only their codes."""
        return [int(reply[:3]) for reply in await self.replies(count)]

    async def say(self, data: bytes) -> bytes:
        """Write, and read one reply."""
        self.writer.write(data)
        return await self.reply()

    async def send(self, content: bytes, recipient: bytes = b"b@x.test") -> bytes:
        """One message in lockstep; the reply to the dot, or to what was refused before it."""
        for line in (MAIL, b"RCPT TO:<" + recipient + b">\r\n", b"DATA\r\n"):
            reply = await self.say(line)
            if reply[:1] not in (b"2", b"3"):
                return reply
        return await self.say(content + b".\r\n")


@asynccontextmanager
async def connected(port: int, *, hello: bool = True) -> AsyncIterator[Client]:
    """A connection, greeted and introduced unless told otherwise."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = Client(reader, writer)
    try:
        if hello:
            assert (await client.reply())[:4] == b"220 "
            assert (await client.say(b"EHLO me.test\r\n"))[:4] == b"250-"
        yield client
    finally:
        writer.close()
