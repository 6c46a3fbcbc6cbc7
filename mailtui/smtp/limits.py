"""Owns what limits are as values: how many mails a thing may carry in which time, and how they are kept as text.

A thing is an account, a campaign, or the mails of either to one domain. What counts them is `dispatch.meter`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from math import ceil
from typing import Any

_A_MAIL = 30.0  # seconds that one may take where a server is slow


@dataclass(frozen=True, slots=True)
class Batch:
    """So many mails, and then a rest of so many seconds."""

    size: int
    rest: float


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A server that nobody knows yet sends a little more each day: `start` mails on the first, `factor` times as many
    on each day that follows, `cap` at the most. `since` is the first day (ISO); empty: that of the first mail on
    record.
    """

    start: int
    factor: float
    cap: int
    since: str = ""

    def number(self, first: date, today: date) -> int:
        """Which day of the warm-up it is, from 1 on; a day before the first one is the first."""
        return max(0, (today - first).days) + 1

    def day(self, first: date, today: date) -> int:
        """How many mails the day may have. `first` is the first day where `since` says none."""
        steps = self.number(first, today) - 1
        if self.factor <= 1:
            return min(self.start, self.cap)
        wanted = float(self.start)
        for _ in range(steps):
            wanted *= self.factor
            if wanted >= self.cap:
                return self.cap
        return min(self.cap, int(wanted + 1e-9))

    def first(self, on_record: date | None, today: date) -> date:
        """The first day: as it is said, else that of the first mail on record, else today."""
        return date.fromisoformat(self.since) if self.since else on_record or today


@dataclass(frozen=True, slots=True)
class Limits:
    """What is said of a thing's pace; None and 0 for nothing.

    `rate` in mails a second, `burst` of them at once after a rest; `per_minute`, `per_hour`, `per_day`: mails in any
    60 seconds, 60 minutes, 24 hours; `min_gap` in seconds between two mails, `jitter` the share of it by which a gap
    may be longer; `per_connection`: mails before a connection is ended, `connections`: the most at a time. `warm_up` is
    for accounts alone; `per_domain`: what holds for recipients of these domains beside it.
    """

    rate: float | None = None
    burst: int = 1
    per_minute: int | None = None
    per_hour: int | None = None
    per_day: int | None = None
    min_gap: float = 0.0
    jitter: float = 0.0
    batch: Batch | None = None
    per_connection: int | None = None
    connections: int | None = None
    warm_up: WarmUp | None = None
    per_domain: tuple[tuple[str, Limits], ...] = ()

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return self != NO_LIMITS

    @property
    def is_counted(self) -> bool:
        """Whether mails of the thing itself have to be counted, be it only when the last one was."""
        windows = (self.rate, self.per_minute, self.per_hour, self.per_day, self.batch, self.warm_up)
        return bool(self.min_gap) or any(one is not None for one in windows)

    @property
    def most_connections(self) -> int | None:
        """How many connections are of use: at a slow pace a few carry everything; None for any number."""
        paced = None if self.rate is None else ceil(self.rate * _A_MAIL) + self.burst - 1
        alone = 1 if self.min_gap else None
        return min((most for most in (self.connections, paced, alone) if most is not None), default=None)

    def of_domain(self, domain: str) -> Limits:
        """What holds for recipients of a domain (in small letters), beside the rest."""
        return next((limits for name, limits in self.per_domain if name == domain), NO_LIMITS)

    def to_json(self) -> str:
        """What is said, and nothing else."""
        return json.dumps(self.as_said())

    def as_said(self) -> dict[str, Any]:
        """What is said, as JSON has it."""
        said: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value == one.default:
                continue
            if isinstance(value, Batch | WarmUp):
                said[one.name] = {part.name: getattr(value, part.name) for part in fields(value)}
            elif one.name == "per_domain":
                said[one.name] = {domain: limits.as_said() for domain, limits in value}
            else:
                said[one.name] = value
        return said

    @classmethod
    def from_json(cls, text: str) -> Limits:
        """What `to_json` wrote; no limits from an empty text. Raises ValueError for others."""
        return cls.of(json.loads(text)) if text else NO_LIMITS

    @classmethod
    def of(cls, said: Mapping[str, Any]) -> Limits:
        """From what `as_said` gives. Raises ValueError for others."""
        try:
            given = dict(said)
            if "batch" in given:
                given["batch"] = Batch(**given["batch"])
            if "warm_up" in given:
                given["warm_up"] = WarmUp(**given["warm_up"])
            if "per_domain" in given:
                given["per_domain"] = tuple((domain, cls.of(limits)) for domain, limits in given["per_domain"].items())
            return cls(**given)
        except (TypeError, AttributeError) as error:
            raise ValueError(f"these are no limits: {str(said)[:200]}") from error


NO_LIMITS = Limits()
