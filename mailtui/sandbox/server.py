"""Owns a running sandbox inside an event loop: its listener, its connections, its idle clock."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailtui.errors import MailtuiError, UsageError
from mailtui.sandbox.capture import Capture
from mailtui.sandbox.counters import Counters, Tally
from mailtui.sandbox.faults import Faults
from mailtui.sandbox.limits import Gate
from mailtui.sandbox.manners import EXTENSIONS, Manners
from mailtui.sandbox.plan import FaultPlan
from mailtui.sandbox.protocol import Connection
from mailtui.sandbox.tls import Tls

_BACKLOG = 1_024
_FAREWELL_SECONDS = 1.0
_SMALL_WINDOW = 4_096  # bytes; the kernel doubles it


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
        tls: Tls | None = None,
    ) -> None:
        """`port` 0 takes a free one; `sync` puts every message on the disk before its 250; `idle_seconds` is how
        long nobody may be connected before `wait_idle` returns (None: for ever). `manners` stands above those of
        `faults`, whose `time_scale` holds for both; `tls` says whose certificate it shows.
        """
        self.folder = folder
        self._host = host
        self._port = port
        self._faults = faults or Faults()
        self._plan = FaultPlan(self._faults) if self._faults.rules else None
        usual = Manners(extensions=tuple(extensions), users=users)
        self._manners = (manners or self._faults.manners or usual).scaled(self._faults.time_scale)
        self._gate: Gate | None = None
        self._tls = tls
        self._sync = sync
        self._idle_seconds = idle_seconds
        self._tally = Tally()
        self._connections: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._reopening: asyncio.TimerHandle | None = None
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
        self._capture = capture
        if self._faults.limits is not None:
            limits = self._faults.limits.scaled(self._faults.time_scale)
            self._gate = Gate(limits, asyncio.get_running_loop().time)
        try:
            await self._listen()
        except OSError as error:
            self._capture = None
            capture.close()
            raise _cannot_listen(self._host, self._port, error) from None
        self._empty.set()
        self._rest()

    async def stop(self) -> None:
        """Stop listening, take leave of every client, write what has gathered. A second call does nothing."""
        if self._server is None or self._capture is None:
            return
        server, self._server = self._server, None
        server.close()
        if self._reopening is not None:
            self._reopening.cancel()
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

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._admit, self._host, self._port, backlog=_BACKLOG)
        for listener in self._server.sockets:
            self._port = listener.getsockname()[1]
            if self._plan is not None and self._plan.holds_content_back:
                # connections inherit it; with the usual megabytes no client would notice that nobody reads
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_WINDOW)

    def _refuse(self, seconds: float) -> None:
        """Let nobody connect for so long, 0 for ever: the port is closed as if nothing ran there."""
        assert self._server is not None, "connections come while it listens"
        self._server.close()
        if seconds and self._reopening is None:
            self._reopening = asyncio.get_running_loop().call_later(seconds, self._reopen)

    def _reopen(self) -> None:
        self._reopening = None
        self._relisten = asyncio.ensure_future(self._listen())

    def _admit(self) -> Connection:
        assert self._capture is not None, "connections come while it listens"
        tally = self._tally
        tally.connections += 1
        tally.open += 1
        tally.peak = max(tally.peak, tally.open)
        connection = Connection(
            tally.connections,
            manners=self._manners,
            capture=self._capture,
            faults=self._plan,
            gate=self._gate,
            tls=self._tls,
            tally=tally,
            refuse=self._refuse,
            closed=self._part,
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
