"""Owns how a sandbox presents itself and what it asks of everybody, whatever the rules of its faults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from mailtui.sandbox.auth import WITH_PASSWORD, WITH_TOKEN, Logins
from mailtui.sandbox.envelope import Offer

EXTENSIONS = ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True, slots=True)
class Manners:
    """The same for all connections of a server. Sizes in bytes, times in seconds.

    `users` maps names to passwords, `tokens` to access tokens; when there are any, AUTH is offered and MAIL needs it,
    with the mechanisms that fit, or those of `auth` alone. `command_seconds` is how
    long a client may say nothing (RFC 5321 section 4.5.3.2.7 asks for at least five minutes). `starttls` offers
    STARTTLS where the server has a certificate for it, `require_tls` takes no login and no mail without TLS.
    """

    hostname: str = "sandbox.test"
    extensions: tuple[str, ...] = EXTENSIONS
    users: Mapping[str, str] | None = None
    tokens: Mapping[str, str] | None = None
    auth: tuple[str, ...] = ()
    size_limit: int = 50 * 1024 * 1024
    recipient_limit: int = 1_000
    command_seconds: float = 300.0
    starttls: bool = True
    require_tls: bool = False

    @property
    def logins(self) -> Logins | None:
        """Who may log in, None where nobody has to."""
        if not self.users and not self.tokens:
            return None
        fitting = (*(WITH_PASSWORD if self.users else ()), *(WITH_TOKEN if self.tokens else ()))
        return Logins(self.users or {}, self.tokens or {}, self.auth or fitting)

    def scaled(self, factor: float) -> Manners:
        """The same with all times multiplied."""
        return dataclasses.replace(self, command_seconds=self.command_seconds * factor) if factor != 1 else self

    def offer(self) -> Offer:
        """What was announced, for judging the envelope."""
        words = {extension.split()[0].upper() for extension in self.extensions}
        return Offer(frozenset(words | {"AUTH"} if self.logins else words), self.size_limit)

    def ehlo_reply(self, *, secured: bool, starttls: bool) -> bytes:
        """The whole reply to EHLO; `secured`: inside TLS, `starttls`: the server could begin it."""
        size = f"SIZE {self.size_limit}"
        lines = [self.hostname, *(size if word.upper() == "SIZE" else word for word in self.extensions)]
        if starttls and not secured and self.starttls:
            lines.append("STARTTLS")
        logins = self.logins
        if logins is not None and (secured or not self.require_tls):
            lines.append("AUTH " + " ".join(logins.mechanisms))
        return "".join([*(f"250-{line}\r\n" for line in lines[:-1]), f"250 {lines[-1]}\r\n"]).encode()
