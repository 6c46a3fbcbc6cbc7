"""Owns the way to a session: TCP, TLS, EHLO and AUTH, handed over as a bare transport.

TLS is what the endpoint says and never less; the server proves who it is; AUTH is tried once with one method.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.client import Client, InjectedInClear, NoStartTls, reply_of
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.login import log_in
from mailtui.smtp.obstacle import NotConnected, Obstacle
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.tls import tls_context
from mailtui.smtp.tls_failures import hung_up, hung_up_behind, injected, not_offered, stalled, tls_failure
from mailtui.smtp.verdict import Stage, Verdict

__all__ = ["NOBODY_ANSWERS", "Connection", "NotConnected", "connect"]

_ABOUT_US = (Obstacle.CERTIFICATE_WANTED, Obstacle.CERTIFICATE_REFUSED)
_CODES = range(200, 600)
_ENDED = aiosmtplib.SMTPServerDisconnected | ConnectionError

NOBODY_ANSWERS = "nobody answers"
"""How the words of a verdict begin when no program listens at the server's port."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection that is greeted, protected and logged in; its transport still belongs to aiosmtplib."""

    transport: asyncio.Transport
    capabilities: Capabilities


async def connect(
    endpoint: Endpoint,
    credential: Credential | None,
    *,
    timeouts: Timeouts,
    make_client: Callable[..., Client] = Client,
    before_login: Callable[[], Awaitable[None]] | None = None,
) -> Connection:
    """Open a connection up to the point where MAIL may be said. Raises `NotConnected`.

    `credential` is what the endpoint's `user` logs in with; None where it has none. `make_client` makes the client
    that connects; one that is to be watched is of another kind. `before_login` is waited for where nothing but the
    login is left; what it raises ends the connection, and is raised as it is.
    """
    client = make_client(
        hostname=endpoint.host.strip("[]"),
        port=endpoint.port,
        local_hostname=endpoint.helo or _own_name(),
        use_tls=endpoint.security is Security.TLS,
        start_tls=False,
        tls_context=None if endpoint.security is Security.PLAIN else tls_context(endpoint),
        timeout=timeouts.command,
    )
    client.head_start = min(client.head_start, timeouts.connect / 4)
    stage: list[Stage] = []
    loop = asyncio.get_running_loop()

    def give_up(clock: asyncio.Timeout) -> None:
        # aiosmtplib has one limit for connecting and for the greeting, which may take longer
        if client.transport is None:
            clock.reschedule(loop.time())

    try:
        async with asyncio.timeout(timeouts.greeting) as clock:
            limit = loop.call_later(timeouts.connect, give_up, clock)
            try:
                greeting = await _prepare(client, endpoint, stage, timeouts)
                if endpoint.user:
                    if before_login is not None:
                        await before_login()
                    stage.append(Stage.AUTH)
                    await log_in(client, endpoint, credential)
            finally:
                limit.cancel()
    except BaseException as error:
        at = stage[-1] if stage else client.stage
        if client.transport is not None:
            # abort, not close: close would go on flushing what is buffered
            cast("asyncio.Transport", client.transport).abort()
        told = isinstance(error, NotConnected)
        failure = None if told else _failure(error, at, endpoint, after_tls=Stage.TLS in stage)
        if failure is None:
            raise
        raise failure from error
    auth = tuple(client.server_auth_methods)
    return Connection(
        cast("asyncio.Transport", client.transport),
        Capabilities.from_extensions(client.esmtp_extensions, auth, greeting=greeting),
    )


async def _prepare(client: Client, endpoint: Endpoint, stage: list[Stage], timeouts: Timeouts) -> str:
    """Everything up to the login; the greeting."""
    greeting = await client.connect(timeout=timeouts.greeting)
    stage.append(Stage.EHLO)
    await _hello(client)
    if endpoint.security is Security.STARTTLS:
        stage.append(Stage.TLS)
        await client.starttls()
        stage.append(Stage.EHLO)
        await _hello(client)
    return greeting.message


async def _hello(client: Client) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code // 100 != 5:
            raise
        await client.helo()


def _failure(error: BaseException, stage: Stage, endpoint: Endpoint, *, after_tls: bool = False) -> NotConnected | None:
    """What an exception of aiosmtplib, ssl or the system says about the server; None for what is not its doing."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        reply = reply_of(error.code, error.message)
        if error.code in _CODES:
            verdict = Verdict.of(stage, reply)
        else:
            odd = f"{endpoint} said something that is no reply of a mail server ({reply.text.strip()})"
            verdict = Verdict.silence(stage, odd)
        return NotConnected(verdict, Obstacle.STARTTLS_REFUSED if stage is Stage.TLS else None)
    # A server may say that it wants a certificate only after the handshake, when it drops the connection (TLS 1.3).
    of_tls = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLError)), None)
    if of_tls is not None:
        told = tls_failure(of_tls, endpoint)
        # Anything else that goes wrong inside TLS is the connection's trouble, not the protection's, and passes.
        return _told(Stage.TLS if stage is Stage.TLS or told[0] in _ABOUT_US else stage, told)
    if isinstance(error, NoStartTls):
        return _told(stage, not_offered(endpoint))
    if isinstance(error, InjectedInClear):
        return _told(stage, injected(endpoint))
    if stage is Stage.TLS:
        # In TLS from the first byte this may be the network's trouble as well, which passes by itself.
        where = Stage.CONNECT if endpoint.security is Security.TLS else Stage.TLS
        if isinstance(error, TimeoutError):
            return _told(where, stalled(endpoint))
        if isinstance(error, aiosmtplib.SMTPException | ConnectionError):
            return _told(where, hung_up(endpoint))
    behind_tls = stage is Stage.GREETING if endpoint.security is Security.TLS else stage is Stage.EHLO and after_tls
    if behind_tls and any(isinstance(cause, _ENDED) for cause in _causes(error)):
        return _told(stage, hung_up_behind(endpoint))
    text = _about_network(error, endpoint)
    return None if text is None else NotConnected(Verdict.silence(stage, text))


def _about_network(error: BaseException, endpoint: Endpoint) -> str | None:
    causes = list(_causes(error))
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return f"{NOBODY_ANSWERS} at {endpoint} (connection refused)"
    if isinstance(error, TimeoutError):
        return f"{endpoint} did not answer in time"
    if isinstance(error, socket.gaierror):
        return f"the name {endpoint.host} is not known ({error.strerror})"
    if isinstance(error, UnicodeError):
        return f"{endpoint.host} is no name a server can have"
    if any(isinstance(cause, _ENDED) for cause in causes):
        return f"{endpoint} closed the connection"
    if isinstance(error, aiosmtplib.SMTPException | OSError):
        return f"{endpoint} cannot be reached: {error}"
    return None


def _told(stage: Stage, told: tuple[Obstacle, str]) -> NotConnected:
    obstacle, text = told
    return NotConnected(Verdict.silence(stage, text), obstacle)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception, and those that led to it."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__


def _own_name() -> str:
    """What to say in EHLO: this machine's full name, else an address literal (RFC 5321 section 4.1.4)."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
