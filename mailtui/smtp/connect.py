"""Owns the way to a session: TCP, TLS, EHLO and AUTH by aiosmtplib, handed over as a bare transport.

TLS is what the endpoint says and never less; certificates are verified; AUTH is tried once with one method.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.credential import Credential
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.replies import Reply
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Stage, Verdict

_AUTH_ORDER = ("plain", "login", "cram-md5")

NOBODY_ANSWERS = "nobody answers"
"""How the words of a verdict begin when no program listens at the server's port."""


class NotConnected(Exception):
    """There is no session to be had; `verdict` says at which stage and what was said."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


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
    make_client: Callable[..., aiosmtplib.SMTP] = aiosmtplib.SMTP,
) -> Connection:
    """Open a connection up to the point where MAIL may be said. Raises `NotConnected`.

    `make_client` makes the client that connects; one that is to be watched is of another kind.
    """
    client = make_client(
        hostname=endpoint.host.strip("[]"),
        port=endpoint.port,
        local_hostname=endpoint.helo or _own_name(),
        use_tls=endpoint.security is Security.TLS,
        start_tls=False,
        tls_context=None if endpoint.security is Security.PLAIN else _tls_context(endpoint),
        timeout=timeouts.command,
    )
    stage = [Stage.CONNECT]
    loop = asyncio.get_running_loop()

    def give_up(clock: asyncio.Timeout) -> None:
        # aiosmtplib has one limit for connecting and for the greeting, which may take longer
        if client.transport is None:
            clock.reschedule(loop.time())

    try:
        async with asyncio.timeout(timeouts.greeting) as clock:
            limit = loop.call_later(timeouts.connect, give_up, clock)
            try:
                await _prepare(client, endpoint, credential, stage, timeouts)
            finally:
                limit.cancel()
    except BaseException as error:
        if client.transport is not None:
            # abort, not close: close would go on flushing what is buffered
            cast("asyncio.Transport", client.transport).abort()
        verdict = _verdict(error, stage[0], endpoint)
        if verdict is None:
            raise
        raise NotConnected(verdict) from error
    auth = tuple(client.server_auth_methods)
    return Connection(
        cast("asyncio.Transport", client.transport), Capabilities.from_extensions(client.esmtp_extensions, auth)
    )


async def _prepare(
    client: aiosmtplib.SMTP, endpoint: Endpoint, credential: Credential | None, stage: list[Stage], timeouts: Timeouts
) -> None:
    await client.connect(timeout=timeouts.greeting)
    stage[0] = Stage.EHLO
    await _hello(client)
    if endpoint.security is Security.STARTTLS:
        stage[0] = Stage.TLS
        await client.starttls()
        stage[0] = Stage.EHLO
        await _hello(client)
    if endpoint.user:
        stage[0] = Stage.AUTH
        await _login(client, endpoint, credential.secret if credential is not None else "")


async def _hello(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError as error:
        if error.code // 100 != 5:
            raise
        await client.helo()


async def _login(client: aiosmtplib.SMTP, endpoint: Endpoint, password: str) -> None:
    offered = [method for method in _AUTH_ORDER if method in client.server_auth_methods]
    if not offered:
        raise aiosmtplib.SMTPNotSupported(
            f"{endpoint} offers no login that mailtui knows "
            f"({', '.join(client.server_auth_methods) or 'no AUTH at all'})"
        )
    if offered[0] == "plain":
        await client.auth_plain(endpoint.user, password)
    elif offered[0] == "login":
        await client.auth_login(endpoint.user, password)
    else:
        await client.auth_crammd5(endpoint.user, password)


def _verdict(error: BaseException, stage: Stage, endpoint: Endpoint) -> Verdict | None:
    """What an exception of aiosmtplib, ssl or the system says about the server; None for what is not its doing."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        if isinstance(error, aiosmtplib.SMTPConnectResponseError):
            stage = Stage.GREETING
        return Verdict.of(stage, Reply(error.code, error.message.replace("\n", " ")))
    if isinstance(error, ssl.SSLCertVerificationError):
        return Verdict.silence(Stage.TLS, f"the certificate of {endpoint} is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError):
        return Verdict.silence(Stage.TLS, f"TLS with {endpoint} failed: {error.reason or error}")
    if isinstance(error, aiosmtplib.SMTPNotSupported):
        return Verdict(stage, 504, None, str(error))
    if isinstance(error, aiosmtplib.SMTPConnectError) and isinstance(error.__cause__, Exception):
        return _verdict(error.__cause__, stage, endpoint) or Verdict.silence(stage, str(error))
    if isinstance(error, TimeoutError):
        return Verdict.silence(stage, f"{endpoint} did not answer in time")
    if isinstance(error, ConnectionRefusedError):
        return Verdict.silence(stage, f"{NOBODY_ANSWERS} at {endpoint} (connection refused)")
    if isinstance(error, socket.gaierror):
        return Verdict.silence(stage, f"the name {endpoint.host} is not known ({error.strerror})")
    if isinstance(error, UnicodeError):
        return Verdict.silence(stage, f"{endpoint.host} is no name a server can have")
    if stage is Stage.TLS and type(error) is aiosmtplib.SMTPException:
        return Verdict.silence(stage, f"{endpoint} does not offer STARTTLS, and nothing is sent unprotected")
    if isinstance(error, aiosmtplib.SMTPServerDisconnected | ConnectionError):
        return Verdict.silence(stage, f"{endpoint} closed the connection")
    if isinstance(error, aiosmtplib.SMTPException | OSError):
        return Verdict.silence(stage, f"{endpoint} cannot be reached: {error}")
    return None


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=endpoint.ca or None)
    except (OSError, ssl.SSLError) as error:
        text = f"the authorities in {endpoint.ca} cannot be read: {error}"
        raise NotConnected(Verdict.silence(Stage.TLS, text)) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _own_name() -> str:
    """What to say in EHLO: this machine's full name, else an address literal (RFC 5321 section 4.1.4)."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
