"""Owns the value that says which server to talk to and how; never a secret."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from mailtui.smtp.timeouts import Timeouts


class Security(StrEnum):
    """How the connection is protected. There is no "if available": a downgrade is never taken silently."""

    TLS = "tls"  # from the first byte (RFC 8314)
    STARTTLS = "starttls"  # mandatory upgrade (RFC 3207)
    PLAIN = "plain"


class AuthMethod(StrEnum):
    """Which way to log in (RFC 4954). `AUTO` takes the best that the server offers and the account's secret fits."""

    AUTO = "auto"
    PLAIN = "plain"  # RFC 4616
    LOGIN = "login"  # never a standard, and everywhere
    CRAM_MD5 = "cram-md5"  # RFC 2195
    XOAUTH2 = "xoauth2"  # Google's and Microsoft's, older than the standard
    OAUTHBEARER = "oauthbearer"  # RFC 7628


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """Where access tokens come from, for an account that logs in with OAuth; the secret for it is elsewhere."""

    token_url: str
    client_id: str
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server to submit mail to. `account` names it to people; `user` is the login, empty for none."""

    account: str
    host: str
    port: int
    security: Security
    user: str = ""
    ca: str = ""  # path of a PEM file with the authorities to trust instead of the system's
    helo: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)
    auth: AuthMethod = AuthMethod.AUTO
    certificate: str = ""  # path of a PEM file with our own certificate, for servers that want one
    key: str = ""  # path of its key; empty: it is in the certificate's file
    fingerprint: str = ""  # SHA-256 of the server's certificate, 64 hex digits: this one is let through, no other
    grant: TokenGrant | None = None  # None: the account has a password

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host and not self.host.startswith("[") else self.host
        return f"{host}:{self.port}"

    def to_json(self) -> str:
        """What an outbox keeps. Keys that say nothing are left out where an earlier version would not know them."""
        said: dict[str, Any] = asdict(self)
        for name in _LATER_KEYS:
            if said[name] == _LATER_KEYS[name]:
                del said[name]
        return json.dumps(said)

    @classmethod
    def from_json(cls, text: str) -> Endpoint:
        """What `to_json` wrote, now or in an earlier version."""
        raw = json.loads(text)
        timeouts = Timeouts(**raw.pop("timeouts", {}))  # an outbox of an earlier version holds none
        grant = raw.pop("grant", None)
        return cls(
            **{
                **raw,
                "security": Security(raw["security"]),
                "timeouts": timeouts,
                "auth": AuthMethod(raw.get("auth", AuthMethod.AUTO)),
                "grant": None if grant is None else TokenGrant(**grant),
            }
        )


_LATER_KEYS: dict[str, Any] = {"auth": AuthMethod.AUTO, "certificate": "", "key": "", "fingerprint": "", "grant": None}
"""Keys that came after the first outboxes, and what they are where nothing was said."""
