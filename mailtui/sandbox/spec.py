"""Owns the YAML file of faults: what a person writes, checked, turned into `Faults`.

Kept apart from `faults` because pydantic costs more start-up time than the whole sandbox.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from mailtui.kit.validation import Spec, validate
from mailtui.kit.yaml_file import read_yaml
from mailtui.sandbox.faults import PAUSE, Action, FaultRule, Faults, Stage, Then, reply_line

PositiveInt = Annotated[int, Field(ge=1)]
_REPLY = re.compile(r"[2-5][0-9][0-9](?: [^\x00-\x1f\x7f]*)?")


class FaultRuleSpec(Spec):
    """One rule as written; `action` may be left out where `reply`, `raw` or `seconds` says it."""

    stage: Stage
    action: Action | None = None
    reply: str | None = None
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

    @field_validator("reply")
    @classmethod
    def _one_line(cls, value: str | None) -> str | None:
        if value is not None and not _REPLY.fullmatch(value):
            raise ValueError("a reply is one line such as 550 5.1.1 No such user; for any other bytes use the key raw")
        return value

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


class FaultsSpec(Spec):
    """The whole file."""

    seed: int = 0
    time_scale: float = Field(default=1.0, gt=0, le=1)
    rules: tuple[FaultRuleSpec, ...] = ()


def load_faults(path: Path) -> Faults:
    """Read a file of faults. Raises `ConfigError` that names every mistake with line and key."""
    spec = validate(FaultsSpec, read_yaml(path), title=f"{path} does not describe faults the sandbox knows")
    return Faults(tuple(rule.rule() for rule in spec.rules), spec.seed, spec.time_scale)
