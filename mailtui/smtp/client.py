"""Owns the client that opens connections: aiosmtplib's, that knows where on the way it is, with a stricter STARTTLS."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import aiosmtplib

from mailtui.smtp.outcome import Stage
from mailtui.smtp.replies import Reply


def reply_of(code: int, message: str) -> Reply:
    """A reply as the client hands it over: lines apart, and bytes that are not UTF-8 as lone surrogates."""
    raw = message.replace("\n", " ").encode("utf-8", "surrogateescape")
    return Reply(code, raw.decode("utf-8", "backslashreplace"))


class InjectedInClear(aiosmtplib.SMTPException):
    """Something was said in clear behind the leave to begin TLS (RFC 3207 section 4.2)."""


class NoStartTls(aiosmtplib.SMTPException):
    """EHLO says nothing of STARTTLS."""


class Client(aiosmtplib.SMTP):
    """Opens one connection. Who is interested in the steps overrides `looked_up`, `refused` and `opened`."""

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
        return await super().connect(**{**options, "sock": opened, "port": None})

    async def _open(self, host: str, port: int) -> socket.socket:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        self.looked_up(host, list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        refusals: list[OSError] = []
        for family, kind, protocol, _, address in found:
            opened = socket.socket(family, kind, protocol)
            opened.settimeout(0.0)  # what asyncio asks for
            try:
                await loop.sock_connect(opened, address)
            except BaseException as error:
                opened.close()
                if not isinstance(error, OSError):
                    raise
                self.refused(str(address[0]), error)
                refusals.append(error)
            else:
                self.opened(str(address[0]))
                return opened
        raise refusals[0]

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


class _Listener(asyncio.Protocol):
    """Stands before the client's protocol until TLS begins, and hangs up when more than one reply comes.

    The client itself would drop what is too much and go on; that a man in the middle spoke is worth telling.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self.injected = False
        self._transport = transport
        self._protocol = cast("asyncio.Protocol", transport.get_protocol())
        self._heard = b""

    def data_received(self, data: bytes) -> None:
        self._heard += data
        if _behind_reply(self._heard):
            self.injected = self._heard.startswith(b"220")
            self._transport.abort()
        self._protocol.data_received(data)

    def eof_received(self) -> bool | None:
        return self._protocol.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._protocol.connection_lost(exc)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()


def _behind_reply(heard: bytes) -> bytes:
    """What stands behind the first whole reply."""
    rest = heard
    while True:
        line, end, rest = rest.partition(b"\n")
        if not end or line[3:4] != b"-":
            return rest
