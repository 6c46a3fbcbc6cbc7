"""Owns a running sandbox inside an event loop: its listener, its connections, its idle clock."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailtui.errors import MailtuiError, UsageError
from mailtui.sandbox.capture import Capture
from mailtui.sandbox.faults import FaultPlan, Faults
from mailtui.sandbox.manners import EXTENSIONS, Counters, Manners, Tally
from mailtui.sandbox.protocol import Connection

_BACKLOG = 1_024
_FAREWELL_SECONDS = 1.0


class SandboxServer:
    """A capture server for one folder. Use it as `async with`, or call `start` and `stop`."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        users: Mapping[str, str] | None = None,
        sync: bool = False,
        idle_seconds: float | None = None,
        extensions: Sequence[str] = EXTENSIONS,
        manners: Manners | None = None,
    ) -> None:
        """`port` 0 takes a free one; `sync` puts every message on the disk before its 250; `idle_seconds` is how
        long nobody may be connected before `wait_idle` returns (None: for ever). `manners` sets limits and times.
        """
        self.folder = folder
        self._host = host
        self._port = port
        self._faults = faults or Faults()
        self._manners = manners or Manners(extensions=tuple(extensions), users=users)
        self._sync = sync
        self._idle_seconds = idle_seconds
        self._tally = Tally()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._capture: Capture | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._empty = asyncio.Event()

    @property
    def port(self) -> int:
        """The port it listens on; the one asked for before `start`."""
        return self._port

    @property
    def counters(self) -> Counters:
        """What it has seen so far."""
        return self._tally.snapshot()

    @property
    def last_recipient(self) -> str:
        """To whom the last message went; empty before the first."""
        return self._capture.last_recipient if self._capture is not None else ""

    async def __aenter__(self) -> SandboxServer:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Open the folder and listen. Raises `UsageError` when the port is taken or not allowed."""
        try:
            capture = Capture(self.folder, sync=self._sync)
        except OSError as error:
            raise MailtuiError(
                "The sandbox cannot keep messages in its folder", detail=f"{self.folder}: {error.strerror or error}"
            ) from None
        plan = FaultPlan(self._faults)
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: self._admit(capture, plan), self._host, self._port, backlog=_BACKLOG
            )
        except OSError as error:
            capture.close()
            raise _cannot_listen(self._host, self._port, error) from None
        self._port = self._server.sockets[0].getsockname()[1]
        self._capture = capture
        self._empty.set()
        self._rest()

    async def stop(self) -> None:
        """Stop listening, take leave of every client, write what has gathered. A second call does nothing."""
        if self._server is None or self._capture is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._connections):
            connection.shut_down()
        try:
            async with asyncio.timeout(_FAREWELL_SECONDS):
                await self._empty.wait()
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort()
            await self._empty.wait()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._capture.close()

    async def wait_idle(self) -> None:
        """Return once nobody has been connected for `idle_seconds`."""
        await self._idle.wait()

    def _admit(self, capture: Capture, plan: FaultPlan) -> Connection:
        tally = self._tally
        tally.connections += 1
        tally.open += 1
        tally.peak = max(tally.peak, tally.open)
        connection = Connection(
            tally.connections, manners=self._manners, capture=capture, faults=plan, tally=tally, closed=self._part
        )
        self._connections.add(connection)
        self._empty.clear()
        if self._idle_timer is not None:
            self._idle_timer.cancel()
            self._idle_timer = None
        return connection

    def _part(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._tally.open -= 1
        if not self._connections:
            self._empty.set()
            self._rest()

    def _rest(self) -> None:
        if self._idle_seconds is not None and self._server is not None:
            self._idle_timer = asyncio.get_running_loop().call_later(self._idle_seconds, self._idle.set)


def _cannot_listen(host: str, port: int, error: OSError) -> UsageError:
    where = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return UsageError(
            f"Port {port} is already in use", detail=where, hint="Give another with --port, or 0 for any free one."
        )
    if error.errno == errno.EACCES:
        return UsageError(
            f"Port {port} needs administrator rights", detail=where, hint="Give one above 1023 with --port."
        )
    return UsageError("The sandbox cannot listen there", detail=f"{where}: {error.strerror or error}")
