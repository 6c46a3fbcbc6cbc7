"""Owns the client that opens connections: aiosmtplib's, that knows where on the way it is, with a stricter STARTTLS."""

from __future__ import annotations

import asyncio
import collections
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any, cast

import aiosmtplib

from mailtui.smtp.before import Before
from mailtui.smtp.outcome import Stage
from mailtui.smtp.replies import Reply


def reply_of(code: int, message: str) -> Reply:
    """A reply as the client hands it over: lines apart, and bytes that are not UTF-8 as lone surrogates."""
    raw = message.replace("\n", " ").encode("utf-8", "surrogateescape")
    return Reply(code, raw.decode("utf-8", "backslashreplace"))


_Address = tuple[int, int, int, str, tuple[Any, ...]]
"""As the system's resolver gives it: family, kind, protocol, name and place."""


class InjectedInClear(aiosmtplib.SMTPException):
    """Something was said in clear behind the leave to begin TLS (RFC 3207 section 4.2)."""


class NoStartTls(aiosmtplib.SMTPException):
    """EHLO says nothing of STARTTLS."""


class Client(aiosmtplib.SMTP):
    """Opens one connection. Who is interested in the steps overrides `looked_up`, `refused` and `opened`."""

    head_start = 2.0
    """Seconds that an address has to answer before the next one is tried, too."""
    _reached = False
    _stood = False

    @property
    def stage(self) -> Stage:
        """How far `connect` came, where it failed."""
        if not self._reached:
            return Stage.CONNECT
        return Stage.TLS if self.use_tls and not self._stood else Stage.GREETING

    def close(self) -> None:
        """Close the connection. One that failed at the greeting is closed before anybody can ask how far it came."""
        self._stood = self._stood or self.transport is not None
        super().close()

    def looked_up(self, host: str, addresses: list[str]) -> None:
        """The name was found to have these addresses."""

    def refused(self, address: str, error: OSError) -> None:
        """One of the addresses takes no connection."""

    def opened(self, address: str) -> None:
        """A connection stands."""

    async def connect(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """Look up the name, connect, and read the greeting. Raises what `aiosmtplib.SMTP.connect` raises, or what the
        system says about name and connection.
        """
        opened = await self._open(self.hostname or "localhost", self.port or 0)
        self._reached = True
        # A dot at the end is for the resolver: neither SNI nor a certificate has it (RFC 6066 section 3).
        name = (self.hostname or "").rstrip(".")
        return await super().connect(**{**options, "hostname": name, "sock": opened, "port": None})

    async def _open(self, host: str, port: int) -> socket.socket:
        """The first connection that stands. An address that does not answer has a head start before the next is tried
        too (RFC 8305): networks lead into nothing by one way, mostly IPv6, and somewhere by the other.
        """
        left = collections.deque(await self._addresses(host, port))
        refusals: list[OSError] = []
        trying: dict[asyncio.Task[socket.socket], str] = {}
        try:
            while left or trying:
                if left:
                    address = left.popleft()
                    trying[asyncio.create_task(_connected(address))] = str(address[4][0])
                patience = self.head_start if left else None
                done, _ = await asyncio.wait(trying, timeout=patience, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    error = task.exception()
                    if error is None:
                        self.opened(trying.pop(task))
                        return task.result()
                    if not isinstance(error, OSError):
                        raise error
                    self.refused(trying.pop(task), error)
                    refusals.append(error)
            raise refusals[0]
        finally:
            for task, name in trying.items():
                if task.cancel():
                    self.refused(name, TimeoutError("no answer so far"))
            for late in await asyncio.gather(*trying, return_exceptions=True):
                if isinstance(late, socket.socket):
                    late.close()

    async def _addresses(self, host: str, port: int) -> Sequence[_Address]:
        """Where a name leads, in the order in which the system would have it tried."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self.looked_up(host, list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        if host == "localhost":  # what may go in clear to this machine goes nowhere else (RFC 6761 section 6.3)
            found = [entry for entry in found if ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback]
        if not found:
            raise OSError(f"{host} has no address of this machine")
        return found

    async def starttls(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """Begin TLS. Raises `NoStartTls` where it is not offered, and `InjectedInClear` before the handshake where the
        server, or somebody who sits in between, has not waited for it.
        """
        if not self.supports_extension("starttls"):
            raise NoStartTls("STARTTLS is not offered")
        transport = cast("asyncio.Transport", self.transport)
        listener = _Listener(transport)
        transport.set_protocol(listener)
        try:
            return await super().starttls(**options)
        except aiosmtplib.SMTPServerDisconnected:
            if listener.injected:
                raise InjectedInClear("said in clear behind the leave to begin TLS") from None
            raise


async def _connected(address: _Address) -> socket.socket:
    family, kind, protocol, _, place = address
    opened = socket.socket(family, kind, protocol)
    opened.settimeout(0.0)  # what asyncio asks for
    try:
        await asyncio.get_running_loop().sock_connect(opened, place)
    except BaseException:
        opened.close()
        raise
    return opened


class _Listener(Before[asyncio.Protocol], asyncio.Protocol):
    """Stands before the client's protocol until TLS begins, and hangs up when more than one reply comes.

    The client itself would drop what is too much and go on; that a man in the middle spoke is worth telling.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__(cast("asyncio.Protocol", transport.get_protocol()))
        self.injected = False
        self._transport = transport
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if _behind_reply(self._heard):
            self.injected = self._heard.startswith(b"220")
            self._transport.abort()
        self._protocol.data_received(data)


def _behind_reply(heard: bytes) -> bytes:
    """What stands behind the first whole reply."""
    rest = heard
    while True:
        line, end, rest = rest.partition(b"\n")
        if not end or line[3:4] != b"-":
            return rest
