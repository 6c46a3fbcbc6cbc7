"""Owns the words of a judgement: where something was said, what becomes of the delivery, whom it is about, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Stage(StrEnum):
    """Where in the dialogue something was said or went silent."""

    CONNECT = "connect"
    GREETING = "greeting"
    EHLO = "ehlo"
    TLS = "tls"
    AUTH = "auth"
    RSET = "rset"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    DOT = "dot"
    VOID = "void"  # the lone dot that ends a transaction without recipients (RFC 2920 section 3.1)
    QUIT = "quit"
    IDLE = "idle"


class Kind(StrEnum):
    """What becomes of the delivery."""

    SENT = "sent"
    FAILED = "failed"
    DEFERRED = "deferred"  # tried again after a pause, counted as an attempt
    REQUEUED = "requeued"  # tried again at once on another connection; the message's own fate was not at stake
    HELD = "held"  # goes back to the queue, and the campaign pauses until a person has looked
    UNKNOWN = "unknown"


class Scope(StrEnum):
    """Whom a verdict is about."""

    RECIPIENT = "recipient"
    DOMAIN = "domain"  # the recipient's domain, which asks for a pause
    MESSAGE = "message"
    ACCOUNT = "account"  # whatever is sent through it
    CAMPAIGN = "campaign"  # the account as this campaign uses it: its From, and to whom it relays
    SERVER = "server"


class Category(StrEnum):
    """What sort of thing was said, whatever becomes of the delivery."""

    ACCEPTED = "accepted"
    ADDRESS_GONE = "address gone"  # for good, by the address itself: nobody there, or no such domain
    MAILBOX_DISABLED = "mailbox disabled"  # there, and takes nothing now; it may come back
    MAILBOX_FULL = "mailbox full"
    GREYLISTED = "greylisted"
    RATE = "rate"
    CONNECTIONS = "connections"  # too many at once
    SYSTEM = "system"
    SIZE = "size"
    CONTENT_POLICY = "content or policy"
    MAIL_AUTHENTICATION = "mail authentication"  # SPF, DKIM, DMARC, reverse DNS: the sender's own set-up
    ACCOUNT = "account"
    TLS = "tls"
    PROTOCOL = "protocol"
    NETWORK = "network"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SlowDown:
    """What a reply asks of the pace, of everything that goes through the account or to the recipient's domain.

    `seconds`: for so long. `at_once`: nothing goes then; otherwise mails go more slowly, and rest for up to so long
    where none is taken any more. `rate`: messages a second that may go all the same; `connections`: mails that may be
    under way at once.
    """

    seconds: float
    at_once: bool = False
    rate: float | None = None
    connections: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do about a verdict.

    `retry_after` is the least pause in seconds, None for the usual back-off; with the kind `held` it is how long the
    account rests (None: until a person has looked). `advice` is what a person can do about a campaign that is held, in
    a sentence. `slow`: what is asked of the pace of the account or the domain, by the scope.
    """

    kind: Kind
    scope: Scope
    category: Category
    retry_after: float | None = None
    advice: str = ""
    slow: SlowDown | None = None

    @property
    def is_an_attempt(self) -> bool:
        """Whether it counts among the delivery's attempts: not where the message was not at stake, or came too early
        with all the others.
        """
        return self.slow is None and self.kind not in (Kind.REQUEUED, Kind.HELD)

    @property
    def address_is_gone(self) -> bool:
        """Whether the address itself is at fault for good; only such may ever go onto a suppression list."""
        return self.category is Category.ADDRESS_GONE and self.kind is Kind.FAILED

    @property
    def is_about_the_campaign(self) -> bool:
        """Whether the refusal may be meant for every recipient alike: it names nothing of this one's own."""
        return self.kind is Kind.FAILED and self.category in _ABOUT_NO_RECIPIENT


_ABOUT_NO_RECIPIENT = frozenset({Category.CONTENT_POLICY, Category.SYSTEM, Category.UNKNOWN})
