"""Owns an SMTP client that is looked at while it connects: step by step, with times, and every line that is spoken.

It goes the same way as any other connection of `connect`.
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import aiosmtplib

from mailtui.smtp.certificate import session_facts
from mailtui.smtp.client import Client
from mailtui.smtp.transcript import Transcript

Fact = tuple[str, str]
"""A thing that was found, and its value."""


class StepName(StrEnum):
    """What is done on the way to a mail."""

    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    GREETING = "greeting"
    EHLO = "ehlo"
    LOGIN = "login"
    GEAR = "gear"
    SENDER = "sender"
    RECIPIENT = "recipient"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: whether it was taken, in how many seconds (None where nothing was waited for), what was found, and
    what a person can do about a failure.
    """

    name: StepName
    ok: bool
    seconds: float | None
    text: str
    facts: tuple[Fact, ...] = ()
    advice: str = ""


class WatchedClient(Client):
    """Tells `tell` each step when it is done. One that fails stays `open_step`; `connect` says why it failed."""

    def __init__(self, *, transcript: Transcript, tell: Callable[[Step], None] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.open_step: StepName | None = None
        self.extensions: dict[str, str] = {}
        self.method = ""
        self.before_tls = False
        """Whether STARTTLS is still to be said."""
        self._transcript = transcript
        self._tell_step = tell
        self._began = time.monotonic()
        if self.tls_context is not None:
            _tell_handshakes(self.tls_context, self._secured)

    @property
    def spent(self) -> float:
        """Seconds since the open step began."""
        return time.monotonic() - self._began

    def begin(self, name: StepName) -> None:
        """A step is begun."""
        self.open_step, self._began = name, time.monotonic()

    def done(self, text: str, *facts: Fact) -> None:
        """The open step was taken."""
        assert self.open_step is not None
        if self._tell_step is not None:
            self._tell_step(Step(self.open_step, True, self.spent, text, facts))  # noqa: FBT003 - Step's own form
        self.open_step = None

    async def connect(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """Look up the name, connect, and read the greeting, telling each step."""
        self.begin(StepName.NAME)
        response = await super().connect(**options)
        self._transcript.heard(response.code, response.message)
        self.done(f"{response.code} {response.message}".replace("\n", " "))
        return response

    def looked_up(self, host: str, addresses: list[str]) -> None:
        self.done(f"{host} is {', '.join(addresses)}" if addresses != [host] else f"{host} is an address")
        self.begin(StepName.CONNECT)

    def refused(self, address: str, error: OSError) -> None:
        self._transcript.note(f"{address} port {self.port}: {os.strerror(error.errno) if error.errno else error}")

    def opened(self, address: str) -> None:
        self._transcript.note(f"connected to {address} port {self.port}")
        self.done(f"{address} port {self.port}")
        self.begin(StepName.TLS if self.use_tls else StepName.GREETING)

    def _secured(self, session: ssl.SSLObject) -> None:
        """The TLS handshake is done."""
        self.before_tls = False
        pinned = session.context.verify_mode is ssl.CERT_NONE
        what = "the certificate is the pinned one" if pinned else "the certificate is trusted"
        self.done(f"{session.version()}, and {what}", *session_facts(session))
        if self.use_tls:
            self._transcript.note(f"{session.version()} from here on")
            self.begin(StepName.GREETING)

    async def starttls(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """Ask for TLS, and begin it."""
        self.begin(StepName.TLS)
        if self.supports_extension("starttls"):
            self._transcript.said("STARTTLS")
        try:
            response = await super().starttls(**options)
        except aiosmtplib.SMTPResponseException as error:
            self._transcript.heard(error.code, error.message)
            raise
        self._transcript.heard(response.code, response.message)
        self._transcript.note("TLS from here on")
        return response

    async def execute_command(self, *args: bytes, **options: Any) -> aiosmtplib.SMTPResponse:
        """Say a command and hear its reply. Those of a login are hidden."""
        verb = args[0].upper() if args else b""
        if verb in (b"EHLO", b"HELO"):
            self.begin(StepName.EHLO)
        elif verb == b"AUTH" and self.open_step is None:
            self.begin(StepName.LOGIN)
            self.method = args[1].decode("ascii", "replace")
        self._transcript.said(b" ".join(args).decode("utf-8", "replace"))
        response = await super().execute_command(*args, **options)
        self._transcript.heard(response.code, response.message)
        return response

    async def ehlo(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """Say EHLO; what the server offers is kept."""
        response = await super().ehlo(**options)
        self.extensions = dict(self.esmtp_extensions)
        lines = response.message.split("\n")
        self.done(f"{lines[0]} offers {len(lines) - 1} extensions" if lines[1:] else f"{lines[0]} offers no extension")
        return response

    async def helo(self, **options: Any) -> aiosmtplib.SMTPResponse:
        """Say HELO, to a server that knows no EHLO."""
        response = await super().helo(**options)
        self.done(f"the server knows no EHLO, and took HELO: {response.message}".replace("\n", " "))
        return response


def _tell_handshakes(context: ssl.SSLContext, tell: Callable[[ssl.SSLObject], None]) -> None:
    """Have a context say when a handshake is done, which asyncio does not."""

    class Watched(context.sslobject_class):  # type: ignore[name-defined,misc]  # it may be one that compares
        def do_handshake(self) -> None:
            super().do_handshake()
            tell(self)

    context.sslobject_class = Watched
