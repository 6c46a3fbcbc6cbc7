"""Owns how a sandbox presents itself and what it allows, and what it counts while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from mailtui.sandbox.auth import MECHANISMS
from mailtui.sandbox.envelope import Offer

EXTENSIONS = ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")


@dataclass(frozen=True, slots=True)
class Manners:
    """The same for all connections of a server. Sizes in bytes, times in seconds.

    `users` maps names to passwords; when there are any, AUTH is offered and MAIL needs it. `command_seconds` is how
    long a client may say nothing (RFC 5321 section 4.5.3.2.7 asks for at least five minutes).
    """

    hostname: str = "sandbox.test"
    extensions: tuple[str, ...] = EXTENSIONS
    users: Mapping[str, str] | None = None
    size_limit: int = 50 * 1024 * 1024
    recipient_limit: int = 1_000
    command_seconds: float = 300.0

    def offer(self) -> Offer:
        """What was announced, for judging the envelope."""
        words = {extension.split()[0].upper() for extension in self.extensions}
        return Offer(frozenset(words | {"AUTH"} if self.users else words), self.size_limit)

    def ehlo_reply(self) -> bytes:
        """The whole reply to EHLO."""
        size = f"SIZE {self.size_limit}"
        lines = [self.hostname, *(size if word.upper() == "SIZE" else word for word in self.extensions)]
        if self.users:
            lines.append("AUTH " + " ".join(MECHANISMS))
        return "".join([*(f"250-{line}\r\n" for line in lines[:-1]), f"250 {lines[-1]}\r\n"]).encode()


@dataclass(frozen=True, slots=True)
class Counters:
    """What a server has seen so far. `peak` is the most connections open at once.

    `refused` counts every MAIL, RCPT, DATA and dot that did not succeed; `improper_pipelining` the times a client
    sent on where RFC 2920 makes it wait for the reply.
    """

    connections: int = 0
    open: int = 0
    peak: int = 0
    accepted: int = 0
    refused: int = 0
    auth_attempts: int = 0
    auth_failures: int = 0
    improper_pipelining: int = 0


@dataclass(slots=True)
class Tally:
    """The running server's own copy of the counters."""

    connections: int = 0
    open: int = 0
    peak: int = 0
    accepted: int = 0
    refused: int = 0
    auth_attempts: int = 0
    auth_failures: int = 0
    improper_pipelining: int = 0

    def snapshot(self) -> Counters:
        """The counters as they stand."""
        return Counters(**dataclasses.asdict(self))
