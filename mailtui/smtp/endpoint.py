"""Owns the value that says which server to talk to and how; never a secret."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from mailtui.smtp.timeouts import Timeouts


class Security(StrEnum):
    """How the connection is protected. There is no "if available": a downgrade is never taken silently."""

    TLS = "tls"  # from the first byte (RFC 8314)
    STARTTLS = "starttls"  # mandatory upgrade (RFC 3207)
    PLAIN = "plain"


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

    @property
    def is_loopback(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Endpoint:
        raw = json.loads(text)
        timeouts = Timeouts(**raw.pop("timeouts", {}))  # an outbox of an earlier version holds none
        return cls(**{**raw, "security": Security(raw["security"]), "timeouts": timeouts})
