"""Owns the line between a sender and a server: bytes are passed on both ways until the line is cut."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from collections import Counter
from types import TracebackType
from typing import Self, cast

_SOON = 30.0  # seconds in which anything that is asked of the relay is done


class Relay:
    """A port of its own in front of a server's port; `with` it. It listens from `open` on."""

    def __init__(self, server: int) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay")
        self._lines: set[_Line] = set()
        self.port = 0
        self.passed = 0
        """Bytes from the sender to the server so far."""
        self.said: Counter[bytes] = Counter()
        """How often DATA, and BDAT, was said so far."""

    def __enter__(self) -> Self:
        self._thread.start()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SOON)
        self._loop.close()

    def open(self) -> None:
        """Take connections from now on."""
        listening = self._loop.create_server(lambda: _Line(self, self._server), "127.0.0.1", self.port)
        asyncio.run_coroutine_threadsafe(listening, self._loop).result(_SOON)

    def cut(self, dice: random.Random) -> int:
        """Cut some lines or all, on each side with FIN or with RST; how many."""
        share, hard = dice.choice((0.5, 1.0)), dice.random() < 0.5

        async def cut() -> int:
            chosen = [line for line in self._lines if dice.random() < share]
            for line in chosen:
                line.cut(hard=hard)
            return len(chosen)

        return asyncio.run_coroutine_threadsafe(cut(), self._loop).result(_SOON)

    def admit(self, line: _Line) -> None:
        self._lines.add(line)

    def dismiss(self, line: _Line) -> None:
        self._lines.discard(line)

    def pass_on(self, data: bytes) -> None:
        self.passed += len(data)
        for word in (b"DATA\r\n", b"BDAT "):
            self.said[word[:4]] += data.count(word)


class _Line(asyncio.Protocol):
    """The sender's side of one connection."""

    def __init__(self, relay: Relay, server: int) -> None:
        self._relay = relay
        self._port = server
        self._far: _Far | None = None
        self._waiting = b""
        self._near: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._near = cast(asyncio.Transport, transport)
        self._relay.admit(self)
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, self._far = await loop.create_connection(lambda: _Far(self._near), "127.0.0.1", self._port)
        except OSError:  # the server is being killed
            self._near.abort()
            return
        if self._near.is_closing():
            self._far.transport.abort()
        self._far.transport.write(self._waiting)

    def data_received(self, data: bytes) -> None:
        self._relay.pass_on(data)
        if self._far is None:
            self._waiting += data
        else:
            self._far.transport.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._relay.dismiss(self)
        if self._far is not None:
            self._far.transport.close()

    def cut(self, *, hard: bool) -> None:
        for transport in (self._near, None if self._far is None else self._far.transport):
            if transport is None:
                continue
            if hard:
                line = transport.get_extra_info("socket")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()


class _Far(asyncio.Protocol):
    """The server's side of one connection."""

    def __init__(self, near: asyncio.Transport) -> None:
        self._near = near
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._near.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        self._near.close()
