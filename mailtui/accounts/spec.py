"""Owns how a server is written down: an account in the settings, or inline in a campaign file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import pydantic

from mailtui.kit.durations import parse_duration
from mailtui.kit.validation import Duration, Spec
from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.timeouts import Timeouts

_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.PLAIN: 25}
_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?"
SELECTOR = rf"^{_LABEL}(?:\.{_LABEL})*$"
"""A DKIM selector (RFC 6376 section 3.1); `._domainkey` and the domain, which follow it in the DNS, are none of it."""


class TimeoutsSpec(Spec):
    """How long a reply may take, such as `90s` or `5m`. The defaults are the minimums of RFC 5321 section 4.5.3.2."""

    connect: Duration = pydantic.Field(default="1m", description="Until the connection stands, TLS included.")
    greeting: Duration = pydantic.Field(default="5m", description="The server's first word.")
    command: Duration = pydantic.Field(default="5m", description="The reply to a command.")
    data: Duration = pydantic.Field(default="2m", description="The reply to DATA.")
    block: Duration = pydantic.Field(default="3m", description="Without a byte of the message taken.")
    dot: Duration = pydantic.Field(
        default="10m", description="The reply to the message. Too short a time makes deliveries unknown that arrived."
    )

    @pydantic.model_validator(mode="after")
    def _long_enough(self) -> Self:
        for name in type(self).model_fields:
            if parse_duration(getattr(self, name)) < 1:
                raise ValueError(f"{name}: less than a second is no time for a mail server")
        return self

    def timeouts(self) -> Timeouts:
        """The values that the wire works with."""
        return Timeouts(**{name: parse_duration(getattr(self, name)) for name in type(self).model_fields})


class ServerSpec(Spec):
    """A mail server that takes submissions."""

    host: str = pydantic.Field(min_length=1, pattern=r"^[A-Za-z0-9.:\[\]_-]+$", description="Its name or address.")
    port: int | None = pydantic.Field(
        default=None, ge=1, le=65_535, description="Left out: 465 for tls, 587 for starttls, 25 for plain."
    )
    security: Security = pydantic.Field(
        default=Security.TLS, description="tls, starttls (never without it), or plain (this machine only)."
    )
    ca: str | None = pydantic.Field(default=None, description="A PEM file with the authorities to trust.")
    helo: str | None = pydantic.Field(
        default=None, pattern=r"^[A-Za-z0-9.:\[\]-]+$", description="The name to give in EHLO."
    )
    allow_plain: bool = pydantic.Field(
        default=False, description="Let plain reach a host that is not this machine. Everybody on the way can read it."
    )

    dkim_selector: str | None = pydantic.Field(
        default=None,
        pattern=SELECTOR,
        description="The name of the key that it signs with (s= in DKIM-Signature), for check --dns.",
    )
    timeouts: TimeoutsSpec | None = pydantic.Field(
        default=None, description="How long replies may take. Left out: as RFC 5321 asks."
    )

    @pydantic.model_validator(mode="after")
    def _plain_stays_here(self) -> Self:
        if self.security is Security.PLAIN and not self.allow_plain and not self.endpoint("").is_loopback:
            raise ValueError(
                f"security: plain to {self.host} would send everything readable; "
                "use tls or starttls, or say allow_plain: true"
            )
        return self

    def endpoint(self, account: str, *, folder: Path | None = None) -> Endpoint:
        """The value that the wire works with; a relative `ca` is looked for in `folder`."""
        ca = "" if self.ca is None else str((folder or Path()) / Path(self.ca).expanduser())
        port = self.port or _PORTS[self.security]
        timeouts = (self.timeouts or TimeoutsSpec()).timeouts()
        return Endpoint(account, self.host, port, self.security, self._user(), ca, self.helo or "", timeouts)

    def _user(self) -> str:
        return ""


class InlineServerSpec(ServerSpec):
    """`smtp:` in a campaign file: a relay without a login, so that no password ever stands in a campaign."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _no_login_here(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in ("user", "username", "password"):
                if key in data:
                    raise ValueError(
                        f"a login does not belong in a campaign file ({key}). Make an account of it in the settings "
                        "file, and name it here: account: NAME"
                    )
        return data

    def inline_endpoint(self, folder: Path) -> Endpoint:
        endpoint = self.endpoint("", folder=folder)
        return self.endpoint(f"inline:{endpoint.host}:{endpoint.port}", folder=folder)


class AccountSpec(ServerSpec):
    """One account of the settings. Its password is never here: keyring or environment."""

    user: str | None = pydantic.Field(default=None, min_length=1, description="The login name; left out: no login.")

    @pydantic.model_validator(mode="before")
    @classmethod
    def _no_password_here(cls, data: Any) -> Any:
        if isinstance(data, dict) and "password" in data:
            raise ValueError(
                "a password does not belong in the settings. Store it in the keyring: keyring set mailtui ACCOUNT"
            )
        return data

    def _user(self) -> str:
        return self.user or ""
