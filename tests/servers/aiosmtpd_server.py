"""Owns running aiosmtpd with STARTTLS, implicit TLS and AUTH, with certificates made for the test run.

The server runs in a thread of its own; what it took is read after the client has its reply.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from tests.servers.programs import free_port

USER = "anna@sender.example"
PASSWORD = "pä$$ wörd"


class Security(Enum):
    """How the connection is protected; names as in the campaign file."""

    PLAIN = "plain"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of our own: server contexts by host name, and what a client must trust."""

    ca: trustme.CA

    def server_context(self, *names: str) -> ssl.SSLContext:
        """A server's TLS context with a certificate for these names, else for localhost and 127.0.0.1."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.ca.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
        return context

    def client_context(self) -> ssl.SSLContext:
        """A client's TLS context that trusts this authority and nothing else."""
        return ssl.create_default_context(cadata=self.pem().decode("ascii"))

    def pem(self) -> bytes:
        """The authority's certificate, for settings that name a file."""
        return self.ca.cert_pem.bytes()

    def write_pem(self, path: Path) -> Path:
        """The same, in a file."""
        self.ca.cert_pem.write_to_path(str(path))
        return path


@dataclass(frozen=True, slots=True)
class Taken:
    """One accepted message: envelope, MAIL parameters, exact content after dot-unstuffing."""

    mail_from: str
    rcpt_to: tuple[str, ...]
    options: tuple[str, ...]
    content: bytes
    secured: bool
    user: str | None


@dataclass  # no slots: aiosmtpd looks at every member, which fails on __weakref__ before Python 3.11.3
class Keeper:
    """The handler: keeps what it gets; `refuse` maps globs of recipients to replies, `dot` answers the message."""

    refuse: Mapping[str, str] = field(default_factory=dict)
    dot: str = "250 2.0.0 Ok"
    taken: list[Taken] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]) -> str:
        for glob, reply in self.refuse.items():
            if fnmatchcase(address, glob):
                return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:
        if self.dot.startswith("2"):
            user, transport = session.auth_data, server.transport
            secured = transport is not None and transport.get_extra_info("ssl_object") is not None
            self.taken.append(
                Taken(
                    envelope.mail_from or "",
                    tuple(envelope.rcpt_tos),
                    tuple(envelope.mail_options),
                    envelope.original_content,
                    secured,
                    user if isinstance(user, str) else None,
                )
            )
        return self.dot

    def authenticate(self, server: SMTP, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        """PLAIN and LOGIN with the one known user."""
        if not isinstance(data, LoginPassword):
            return AuthResult(success=False, handled=False)
        self.logins.append(mechanism)
        known = data.login == USER.encode() and data.password == PASSWORD.encode()
        # aiosmtpd keeps `auth_data` on the session; only the name, so that no test can print a password
        return AuthResult(success=known, handled=False, auth_data=data.login.decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class AiosmtpdServer:
    """A running server."""

    port: int
    keeper: Keeper

    @property
    def taken(self) -> list[Taken]:
        """The accepted messages, oldest first."""
        return self.keeper.taken


@contextmanager
def aiosmtpd_server(
    authority: Authority,
    *,
    security: Security = Security.PLAIN,
    auth: bool = False,
    keeper: Keeper | None = None,
    certificate_names: tuple[str, ...] = (),
    **options: Any,
) -> Iterator[AiosmtpdServer]:
    """Run aiosmtpd on 127.0.0.1. With `auth` a login as `USER` is required; `options` go to `aiosmtpd.smtp.SMTP`."""
    keeper = keeper or Keeper()
    if security is not Security.PLAIN:
        options["require_starttls"] = security is Security.STARTTLS
        context = authority.server_context(*certificate_names)
    if security is Security.STARTTLS:
        options["tls_context"] = context
    controller = Controller(
        keeper,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=context if security is Security.TLS else None,
        authenticator=keeper.authenticate,
        auth_required=auth,
        auth_require_tls=security is Security.STARTTLS,
        enable_SMTPUTF8=True,
        **options,
    )
    controller.start()
    try:
        yield AiosmtpdServer(controller.port, keeper)
    finally:
        controller.stop()


def pytest_configure(config: pytest.Config) -> None:
    """Implicit TLS is invisible to aiosmtpd, which then warns that a login would be in clear."""
    config.addinivalue_line("filterwarnings", "ignore:Requiring AUTH while not requiring TLS:UserWarning")


@pytest.fixture(scope="session")
def authority() -> Authority:
    """A certificate authority made for this test run."""
    return Authority(trustme.CA())
