"""Owns the YAML file of faults: what a person writes, checked, turned into `Faults`.

Kept apart from `faults` because pydantic costs more start-up time than the whole sandbox.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from mailtui.kit.validation import Spec, validate
from mailtui.kit.yaml_file import read_yaml
from mailtui.sandbox.faults import PAUSE, Action, FaultRule, Faults, Stage, Then, reply_line
from mailtui.sandbox.limits import DAY, Greylisting, Limit, Limits, Quota, Rate
from mailtui.sandbox.manners import EXTENSIONS, Manners

_REPLY = re.compile(r"[2-5][0-9][0-9](?: [^\x00-\x1f\x7f]*)?")
_USUAL = Manners()
PositiveInt = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=30 * DAY)]


def _one_line(value: str) -> str:
    if not _REPLY.fullmatch(value):
        raise ValueError("a reply is one line such as 550 5.1.1 No such user; for any other bytes use the key raw")
    return value


Reply = Annotated[str, AfterValidator(_one_line)]


class FaultRuleSpec(Spec):
    """One rule as written; `action` may be left out where `reply`, `raw` or `seconds` says it."""

    stage: Stage
    action: Action | None = None
    reply: Reply | None = None
    raw: str | None = None
    accept: bool | None = None
    chunks: tuple[PositiveInt, ...] = ()
    split: PositiveInt | None = None
    pause: float | None = Field(default=None, ge=0, le=86_400)
    then: Then | None = None
    seconds: float | None = Field(default=None, gt=0, le=86_400)
    after: int = Field(default=0, ge=0)
    rate: PositiveInt | None = None
    recipient: str | None = Field(default=None, min_length=1)
    connection: PositiveInt | None = None
    message: PositiveInt | None = None
    nth: PositiveInt | None = None
    every: PositiveInt | None = None
    odds: float | None = Field(default=None, ge=0, le=1)
    times: PositiveInt | None = None

    @field_validator("raw")
    @classmethod
    def _bytes_as_characters(cls, value: str | None) -> str | None:
        if value is not None and any(ord(character) > 0xFF for character in value):
            raise ValueError('raw stands for bytes: write those above 7F as "\\xNN"')
        return value

    @model_validator(mode="after")
    def _consistent(self) -> FaultRuleSpec:
        if self.reply is not None and self.raw is not None:
            raise ValueError("reply and raw exclude each other")
        paused = self.chunks or self.split or self.action is Action.TRICKLE or self.stage is Stage.IDLE
        if self.pause is not None and not paused:
            raise ValueError("pause goes with chunks, split, the action trickle and the stage idle")
        self.rule()
        return self

    def rule(self) -> FaultRule:
        """The rule for the server. Raises `ValueError` when its parts contradict each other."""
        reply = b""
        if self.reply is not None:
            reply = reply_line(self.reply)
        elif self.raw is not None:
            reply = self.raw.encode("latin-1")
        action = self.action or (Action.REPLY if reply else Action.DELAY if self.seconds else None)
        if action is None:
            raise ValueError(f"say what happens: reply, raw, seconds, or action, one of {', '.join(Action)}")
        return FaultRule(
            stage=self.stage,
            action=action,
            reply=reply,
            seconds=self.seconds or 0.0,
            recipient=self.recipient,
            connection=self.connection,
            nth=self.nth,
            every=self.every,
            odds=self.odds,
            times=self.times,
            message=self.message,
            chunks=self.chunks,
            split=self.split,
            pause=PAUSE if self.pause is None else self.pause,
            then=self.then,
            accept=self.accept,
            after=self.after,
            rate=self.rate or 0.0,
        )


class LimitSpec(Spec):
    """So many, and the reply to who wants more."""

    at_most: PositiveInt
    reply: Reply = "421 4.7.0 Too many, try again later"
    close: bool = False

    def limit(self) -> Limit:
        return Limit(self.at_most, b"" if self.close else reply_line(self.reply))


class QuotaSpec(Spec):
    """So many messages in a day, or in another length of time."""

    at_most: PositiveInt
    per: Seconds = DAY
    reply: Reply = "550 5.4.5 Daily user sending limit exceeded"


class RateSpec(Spec):
    """A token bucket."""

    messages: PositiveInt
    per: Seconds = 60.0
    burst: PositiveInt = 1
    reply: Reply = "451 4.7.0 Too many messages, slow down"

    def rate(self, domain: str = "*") -> Rate:
        return Rate(self.messages, self.per, self.burst, reply_line(self.reply), domain)


class DomainRateSpec(RateSpec):
    """A token bucket for each domain that fits."""

    domain: str = Field(min_length=1)


class GreylistingSpec(Spec):
    """How long a new pair of sender and recipient waits."""

    seconds: Seconds = 300.0
    reply: Reply = "451 4.7.1 Greylisted, please try again later"


class LimitsSpec(Spec):
    """How much the server takes."""

    connections: LimitSpec | None = None
    messages_per_connection: LimitSpec | None = None
    rate: RateSpec | None = None
    domain_rates: tuple[DomainRateSpec, ...] = ()
    quota: QuotaSpec | None = None
    greylisting: GreylistingSpec | None = None

    def limits(self) -> Limits:
        each, grey, quota = self.messages_per_connection, self.greylisting, self.quota
        return Limits(
            connections=self.connections.limit() if self.connections else None,
            messages_per_connection=each.limit() if each else None,
            rate=self.rate.rate() if self.rate else None,
            domain_rates=tuple(item.rate(item.domain) for item in self.domain_rates),
            quota=Quota(quota.at_most, reply_line(quota.reply), quota.per) if quota else None,
            greylisting=Greylisting(grey.seconds, reply_line(grey.reply)) if grey else None,
        )


Mechanism = Literal["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2", "OAUTHBEARER"]


class ServerSpec(Spec):
    """How the server presents itself and what it asks of everybody."""

    hostname: str = Field(default=_USUAL.hostname, min_length=1)
    extensions: tuple[str, ...] = EXTENSIONS
    users: dict[str, str] | None = None
    tokens: dict[str, str] | None = None
    auth: tuple[Mechanism, ...] = ()
    size: PositiveInt = _USUAL.size_limit
    recipients: PositiveInt = _USUAL.recipient_limit
    quiet: Seconds = _USUAL.command_seconds
    starttls: bool = True
    require_tls: bool = False

    @model_validator(mode="after")
    def _somebody_can_log_in(self) -> Self:
        if self.auth and not self.users and not self.tokens:
            raise ValueError("auth: says how to log in; who can is said with users or tokens")
        return self

    def manners(self) -> Manners:
        return Manners(
            hostname=self.hostname,
            extensions=self.extensions,
            users=self.users,
            tokens=self.tokens,
            auth=self.auth,
            size_limit=self.size,
            recipient_limit=self.recipients,
            command_seconds=self.quiet,
            starttls=self.starttls,
            require_tls=self.require_tls,
        )


class FaultsSpec(Spec):
    """The whole file."""

    seed: int = 0
    time_scale: float = Field(default=1.0, gt=0, le=1)
    server: ServerSpec | None = None
    limits: LimitsSpec | None = None
    rules: tuple[FaultRuleSpec, ...] = ()


def load_faults(path: Path) -> Faults:
    """Read a file of faults. Raises `ConfigError` that names every mistake with line and key."""
    spec = validate(FaultsSpec, read_yaml(path), title=f"{path} does not describe faults the sandbox knows")
    return Faults(
        tuple(rule.rule() for rule in spec.rules),
        spec.seed,
        spec.time_scale,
        spec.limits.limits() if spec.limits else None,
        spec.server.manners() if spec.server else None,
    )
