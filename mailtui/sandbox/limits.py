"""Owns how much a sandbox takes, as a provider limits it: connections, messages, rates, quotas, greylisting.

`Limits` is data (read from a file by `spec`); `Gate` counts one server's mail against it. Times are in seconds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import inf

DAY = 86_400.0
Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many of something; who wants more gets `reply`, exact bytes. Empty: closed without a word."""

    at_most: int
    reply: bytes


@dataclass(frozen=True, slots=True)
class Quota:
    """At most so many messages from the first one on until `per` seconds later, then anew."""

    at_most: int
    reply: bytes = b"550 5.4.5 Daily user sending limit exceeded\r\n"
    per: float = DAY


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `messages` in `per` seconds, `burst` at once after a rest; for the domains of a glob."""

    messages: int
    per: float = 60.0
    burst: int = 1
    reply: bytes = b"451 4.7.0 Too many messages, slow down\r\n"
    domain: str = "*"


@dataclass(frozen=True, slots=True)
class Greylisting:
    """A sender that wants to write to a recipient for the first time waits for `seconds` (RFC 6647)."""

    seconds: float = 300.0
    reply: bytes = b"451 4.7.1 Greylisted, please try again later\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """All the limits of a server; what is None or empty is not limited.

    `messages_per_connection` counts accepted messages; without a reply the connection is closed right after the last
    one, else the reply comes to the next MAIL. `rate` is asked at MAIL, `domain_rates` at RCPT: the first whose glob
    fits the domain counts.
    """

    connections: Limit | None = None
    messages_per_connection: Limit | None = None
    rate: Rate | None = None
    domain_rates: tuple[Rate, ...] = ()
    quota: Quota | None = None
    greylisting: Greylisting | None = None

    def scaled(self, factor: float) -> Limits:
        """The same with all times multiplied."""
        if factor == 1:
            return self
        replace = dataclasses.replace
        grey, quota = self.greylisting, self.quota
        return replace(
            self,
            rate=self.rate and replace(self.rate, per=self.rate.per * factor),
            domain_rates=tuple(replace(rate, per=rate.per * factor) for rate in self.domain_rates),
            quota=quota and replace(quota, per=quota.per * factor),
            greylisting=grey and replace(grey, seconds=grey.seconds * factor),
        )


class Gate:
    """The limits of a running server with what was counted against them; `None` as an answer lets in."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        self.limits = limits
        self._clock = clock
        self._rate = _Bucket(limits.rate, clock) if limits.rate is not None else None
        self._domains: dict[tuple[Rate, str], _Bucket] = {}
        self._begun = 0  # messages of this day that were accepted or are under way
        self._day_ends = -inf
        self._first_seen: dict[tuple[str, str], float] = {}

    def connect(self, open_now: int) -> bytes | None:
        """A connection came, with which so many are open."""
        limit = self.limits.connections
        return limit.reply if limit is not None and open_now > limit.at_most else None

    def mail(self, accepted: int) -> bytes | None:
        """A transaction is to begin on a connection that brought so many messages. Count it when it may."""
        each, quota = self.limits.messages_per_connection, self.limits.quota
        if each is not None and accepted >= each.at_most:
            return each.reply
        if quota is not None:
            now = self._clock()
            if now >= self._day_ends:
                self._begun, self._day_ends = 0, now + quota.per
            if self._begun >= quota.at_most:
                return quota.reply
        if self._rate is not None and not self._rate.take():
            return self._rate.rate.reply
        self._begun += 1
        return None

    def give_back(self) -> None:
        """A transaction that `mail` let in brought no message after all."""
        self._begun = max(0, self._begun - 1)

    def rcpt(self, sender: str, recipient: str) -> bytes | None:
        """A recipient was named; senders and recipients are told apart whatever their letters' case."""
        grey = self.limits.greylisting
        if grey is not None:
            now = self._clock()
            first = self._first_seen.setdefault((sender.lower(), recipient.lower()), now)
            if now - first < grey.seconds:
                return grey.reply
        domain = recipient.rpartition("@")[2].lower()
        for rate in self.limits.domain_rates:
            if fnmatchcase(domain, rate.domain.lower()):
                bucket = self._domains.setdefault((rate, domain), _Bucket(rate, self._clock))
                return None if bucket.take() else rate.reply
        return None

    def closes_after(self, accepted: int) -> bool:
        """Whether a connection ends right after it brought so many messages."""
        each = self.limits.messages_per_connection
        return each is not None and not each.reply and accepted >= each.at_most


class _Bucket:
    """The tokens of one rate."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self.rate = rate
        self._clock = clock
        self._tokens = float(rate.burst)
        self._at = clock()

    def take(self) -> bool:
        now = self._clock()
        rate = self.rate
        self._tokens = min(float(rate.burst), self._tokens + (now - self._at) * rate.messages / rate.per)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
