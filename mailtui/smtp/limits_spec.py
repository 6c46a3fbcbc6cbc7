"""Owns how limits are written: `limits:` of an account in the settings, and of `dispatch:` in a campaign file."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Annotated, Any, Self

import pydantic

from mailtui.kit.durations import parse_duration
from mailtui.kit.rates import parse_rate
from mailtui.kit.validation import Duration, Spec, shown
from mailtui.smtp.limits import Batch, Limits, WarmUp


def is_rate(text: str) -> str:
    """A text such as 10/s, as it is. Raises ValueError with a sentence."""
    parse_rate(text)
    return text


Rate = Annotated[str, pydantic.AfterValidator(is_rate)]


class BatchSpec(Spec):
    """So many mails, and then a rest."""

    size: int = pydantic.Field(ge=1, le=10_000_000, description="Mails in a batch.")
    rest: Duration = pydantic.Field(description="How long nothing is sent after it, such as 10m.")

    def batch(self) -> Batch:
        return Batch(self.size, parse_duration(self.rest))


class WarmUpSpec(Spec):
    """A little more each day, for a server or domain that nobody knows yet."""

    start: int = pydantic.Field(ge=1, le=10_000_000, description="Mails on the first day.")
    factor: float = pydantic.Field(ge=1, le=10, description="How many times as many each day has as the one before.")
    cap: int = pydantic.Field(ge=1, le=100_000_000, description="Mails a day at the most.")
    since: date | None = pydantic.Field(
        default=None, description="The first day; left out: that of the first mail that mailtui has counted."
    )

    @pydantic.model_validator(mode="after")
    def _rises(self) -> Self:
        if self.cap < self.start:
            raise ValueError(f"cap: {self.cap:,} is less than the {self.start:,} of the first day")
        return self

    def warm_up(self) -> WarmUp:
        return WarmUp(self.start, self.factor, self.cap, "" if self.since is None else self.since.isoformat())


class _CountSpec(Spec):
    """What may be said of everything that has a pace."""

    per_minute: int | None = pydantic.Field(default=None, ge=1, le=1_000_000, description="Mails in any 60 seconds.")
    per_hour: int | None = pydantic.Field(default=None, ge=1, le=10_000_000, description="Mails in any 60 minutes.")
    per_day: int | None = pydantic.Field(default=None, ge=1, le=100_000_000, description="Mails in any 24 hours.")
    min_gap: Duration | None = pydantic.Field(default=None, description="The least time between two mails, as 30s.")
    jitter: float | None = pydantic.Field(
        default=None, ge=0, le=10, description="By what share of it a gap may be longer, by chance; with min_gap."
    )
    batch: BatchSpec | None = pydantic.Field(default=None, description="So many mails, and then a rest.")

    @pydantic.model_validator(mode="after")
    def _jitter_of_a_gap(self) -> Self:
        if self.jitter is not None and self.min_gap is None:
            raise ValueError("jitter: it makes a gap longer; write min_gap:, too")
        return self

    def limits(self) -> Limits:
        """The values that a runner works with."""
        return Limits(
            per_minute=self.per_minute,
            per_hour=self.per_hour,
            per_day=self.per_day,
            min_gap=parse_duration(self.min_gap) if self.min_gap else 0.0,
            jitter=self.jitter or 0.0,
            batch=None if self.batch is None else self.batch.batch(),
        )


class _RateSpec(_CountSpec):
    """And what has a rate of its own."""

    rate: Rate | None = pydantic.Field(default=None, description="The most mails in a time, such as 10/s or 600/m.")
    burst: int | None = pydantic.Field(
        default=None, ge=1, le=100_000, description="How many may go at once after a rest; with rate."
    )

    @pydantic.model_validator(mode="after")
    def _burst_of_a_rate(self) -> Self:
        if self.burst is not None and self.rate is None:
            raise ValueError("burst: how many may go at once is part of a rate; write rate:, too")
        return self

    def limits(self) -> Limits:
        rate = None if self.rate is None else parse_rate(self.rate)
        return replace(super().limits(), rate=rate, burst=self.burst or 1)


class DomainLimitsSpec(_RateSpec):
    """What holds for the recipients of one domain."""

    connections: int | None = pydantic.Field(
        default=None, ge=1, le=1_000, description="Mails to the domain that are under way at the same time."
    )

    def limits(self) -> Limits:
        return replace(super().limits(), connections=self.connections)


def _or_rate(given: Any) -> Any:
    """A domain's limits may be a rate alone."""
    return {"rate": given} if isinstance(given, str) else given


_OfDomain = Annotated[
    DomainLimitsSpec, pydantic.BeforeValidator(_or_rate, json_schema_input_type=Rate | DomainLimitsSpec)
]


def _by_domain(given: dict[str, DomainLimitsSpec]) -> dict[str, DomainLimitsSpec]:
    plain = {name.strip().lower().removeprefix("@"): limits for name, limits in given.items()}
    for name in plain:
        if "." not in name or not name.isascii() or any(sign in name for sign in " @/:*"):
            raise ValueError(f"{shown(name)} is no domain; write one such as gmail.com")
    return plain


class _WholeSpec(_CountSpec):
    """And what has connections, and mails to many domains."""

    per_connection: int | None = pydantic.Field(
        default=None, ge=1, le=1_000_000, description="Mails before a connection is ended and another one begun."
    )
    per_domain: Annotated[dict[str, _OfDomain], pydantic.AfterValidator(_by_domain)] = pydantic.Field(
        default={}, description="What holds for recipients of a domain: a rate, or limits of its own."
    )

    def limits(self) -> Limits:
        domains = tuple((name, spec.limits()) for name, spec in sorted(self.per_domain.items()))
        return replace(super().limits(), per_connection=self.per_connection, per_domain=domains)


class AccountLimitsSpec(_WholeSpec, _RateSpec):
    """How many mails an account may send, and how fast, all campaigns together."""

    warm_up: WarmUpSpec | None = pydantic.Field(
        default=None, description="A little more each day, for a server or domain that nobody knows yet."
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _not_here(cls, data: Any) -> Any:
        if isinstance(data, dict) and "connections" in data:
            raise ValueError("connections: that is said of the account itself, beside limits: and not within")
        return data

    def limits(self) -> Limits:
        limits = super().limits()
        return limits if self.warm_up is None else replace(limits, warm_up=self.warm_up.warm_up())


class CampaignLimitsSpec(_WholeSpec):
    """More limits of one campaign; those of its accounts hold as well."""

    connections: int | None = pydantic.Field(
        default=None, ge=1, le=1_000, description="Connections at the same time, all accounts together."
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _not_here(cls, data: Any) -> Any:
        for name in ("rate", "burst"):
            if isinstance(data, dict) and name in data:
                raise ValueError(f"{name}: that is said in dispatch: itself, beside limits: and not within")
        return data

    def limits(self) -> Limits:
        return replace(super().limits(), connections=self.connections)
