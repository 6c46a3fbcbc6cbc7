"""Owns a peer that says exactly the bytes it is told to, when it is told to: coalesced, split, garbage, RST.

A script is a list of steps, or a coroutine function for anything a list cannot say:

    script = [Send(b"220 hi\\r\\n"), Expect(b"EHLO"), Send(b"250 ok\\r\\n250 extra\\r\\n"), Close()]
    async with scripted_peer(script) as peer:
        ...  # connect to 127.0.0.1:peer.port
    assert b"MAIL" not in peer.received
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

STEP_SECONDS = 10.0
_READ_AHEAD = 65_536  # bytes


class ScriptError(AssertionError):
    """The client did something else than the script expects."""


@dataclass(frozen=True, slots=True)
class Expect:
    """Read one line (up to LF) that begins with `prefix`, in any case of letters."""

    prefix: bytes = b""


@dataclass(frozen=True, slots=True)
class ExpectThrough:
    """Read until `end` has come, such as b"\\r\\n.\\r\\n"."""

    end: bytes


@dataclass(frozen=True, slots=True)
class Send:
    """Write bytes in one go, or in pieces of `chunk` bytes, `pause` seconds apart."""

    data: bytes
    chunk: int | None = None
    pause: float = 0.001


@dataclass(frozen=True, slots=True)
class Sleep:
    """Do nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Close:
    """Close with FIN."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Close with RST."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Read whatever comes until the client closes, and say nothing."""


Step = Expect | ExpectThrough | Send | Sleep | Close | Reset | Silence
Script = Sequence[Step] | Callable[["Talk"], Awaitable[None]]


@dataclass(slots=True)
class Talk:
    """One connection of a script: number from 1, and every byte that came, in order."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: bytearray = field(default_factory=bytearray)
    _ahead: bytearray = field(default_factory=bytearray)

    async def line(self) -> bytes:
        """The next line with its LF."""
        return await self.through(b"\n")

    async def through(self, end: bytes) -> bytes:
        """Everything up to and with `end`. Raises `ScriptError` when the client closes before."""
        seen = 0
        while (at := self._ahead.find(end, seen)) < 0:
            seen = max(0, len(self._ahead) - len(end) + 1)
            if not await self.more():
                raise ScriptError(f"connection {self.number} ended, expected {end!r}, got {bytes(self._ahead)!r}")
        size = at + len(end)
        data = bytes(self._ahead[:size])
        del self._ahead[:size]
        return data

    async def take(self, size: int) -> bytes:
        """The next so many bytes. Raises `ScriptError` when the client closes before."""
        while len(self._ahead) < size:
            if not await self.more():
                raise ScriptError(f"connection {self.number} ended, expected {size} bytes")
        data = bytes(self._ahead[:size])
        del self._ahead[:size]
        return data

    async def rest(self) -> bytes:
        """Everything until the client closes."""
        while await self.more():
            pass
        data = bytes(self._ahead)
        self._ahead.clear()
        return data

    async def send(self, data: bytes, *, chunk: int | None = None, pause: float = 0.001) -> None:
        """Write bytes; with `chunk` each piece is a segment of its own."""
        size = chunk or max(len(data), 1)
        for start in range(0, len(data), size):
            if start:
                await asyncio.sleep(pause)
            self.writer.write(data[start : start + size])
            await self.writer.drain()

    @property
    def ahead(self) -> bytes:
        """What has come and was not asked for yet."""
        return bytes(self._ahead)

    async def protect(self, context: ssl.SSLContext) -> None:
        """Speak TLS from here on; what came before it is dropped (RFC 3207 section 4.2)."""
        self._ahead.clear()
        await self.writer.start_tls(context)

    def reset(self) -> None:
        """End with RST."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def more(self, size: int = _READ_AHEAD) -> bool:
        """Let up to `size` more bytes come, into `ahead`; whether there were any."""
        data = await self.reader.read(size)
        self.received += data
        self._ahead += data
        return bool(data)

    async def play(self, steps: Sequence[Step]) -> None:
        """Carry out a list of steps; what the client says after the last is still taken in."""
        if await self.play_some(steps):
            await self.rest()

    async def play_some(self, steps: Sequence[Step]) -> bool:
        """Carry out a list of steps; whether the connection still stands after the last."""
        for step in steps:
            async with asyncio.timeout(STEP_SECONDS + (step.seconds if isinstance(step, Sleep) else 0)):
                match step:
                    case Expect(prefix):
                        line = await self.line()
                        if not line.upper().startswith(prefix.upper()):
                            raise ScriptError(f"connection {self.number}: expected {prefix!r}, got {line!r}")
                    case ExpectThrough(end):
                        await self.through(end)
                    case Send(data, chunk, pause):
                        await self.send(data, chunk=chunk, pause=pause)
                    case Sleep(seconds):
                        await asyncio.sleep(seconds)
                    case Close():
                        self.writer.close()
                        return False
                    case Reset():
                        self.reset()
                        return False
                    case Silence():
                        await self.rest()
        return True


class ScriptedPeer:
    """A listening script; `talks` has one entry a connection, in the order of arrival."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self.port = 0
        self.talks: list[Talk] = []
        self.problems: list[BaseException] = []
        self._scripts = scripts
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def received(self) -> bytes:
        """Every byte that came, over all connections."""
        return b"".join(bytes(talk.received) for talk in self.talks)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Play the script of this connection; the last script serves all that follow."""
        talk = Talk(len(self.talks) + 1, reader, writer)
        self.talks.append(talk)
        script = self._scripts[min(talk.number, len(self._scripts)) - 1]
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await (script(talk) if callable(script) else talk.play(script))
        except (ScriptError, TimeoutError) as problem:
            self.problems.append(problem)
        except ConnectionError:
            pass  # the client is free to reset
        except asyncio.CancelledError:
            pass  # the test is over; asyncio's server would print a traceback for it
        finally:
            self._tasks.discard(task)
            writer.close()

    async def finish(self) -> None:
        """End every connection that is still open."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def scripted_peer(
    *scripts: Script,
    strict: bool = True,
    port: int = 0,
    window: int | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[ScriptedPeer]:
    """Listen on a port of 127.0.0.1, a free one when it is 0, with one script a connection.

    With `strict`, a client that left the script fails the test when the block ends. `window`: bytes the kernel takes
    in ahead of the script; `context`: TLS from the first byte.
    """
    peer = ScriptedPeer(scripts)
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if window is not None:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    listening.bind(("127.0.0.1", port))
    # The reader takes no more than twice its limit ahead of the script.
    server = await asyncio.start_server(peer.accept, sock=listening, ssl=context, limit=window or _READ_AHEAD)
    peer.port = listening.getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        await peer.finish()
    if strict and peer.problems:
        raise peer.problems[0]
