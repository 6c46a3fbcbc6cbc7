"""Owns which fault to inject where: rules by stage, recipient, connection and count, drawn with a seed.

Rules are data (`FaultRule`, read from a file by `spec`); `FaultPlan` counts one server's events against them.
What a fault does to the wire is the business of `protocol`.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase


class Stage(StrEnum):
    """The moments at which a fault can strike; `DOT` is the reply to the end of the message."""

    CONNECT = "connect"
    EHLO = "ehlo"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    DOT = "dot"
    QUIT = "quit"


RECIPIENT_STAGES = frozenset({Stage.RCPT, Stage.DATA, Stage.DOT})


class Action(StrEnum):
    """What happens instead of the usual reply; a delay happens before it."""

    REPLY = "reply"
    DELAY = "delay"
    DROP = "drop"
    RESET = "reset"
    SILENCE = "silence"
    ACCEPT_THEN_DROP = "accept_then_drop"
    ACCEPT_THEN_RESET = "accept_then_reset"
    ACCEPT_THEN_SILENCE = "accept_then_silence"


ACCEPTING = frozenset({Action.ACCEPT_THEN_DROP, Action.ACCEPT_THEN_RESET, Action.ACCEPT_THEN_SILENCE})


def reply_line(text: str) -> bytes:
    """A reply such as "550 5.1.1 No such user" as wire bytes."""
    return text.encode("utf-8") + b"\r\n"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault and when it strikes. All the conditions that are given must hold.

    `recipient` is a glob over addresses, for the stages rcpt, data and dot; `connection` a connection's number
    from 1. Events that pass these two are counted: `nth` strikes at that one, `every` at each k-th, `odds` with
    that probability, `times` at most so often. `reply` is exact bytes, `seconds` the length of a delay.
    A reply that begins with 2 (3 at the stage data) lets the command succeed, one with 421 closes the connection.
    """

    stage: Stage
    action: Action
    reply: bytes = b""
    seconds: float = 0.0
    recipient: str | None = None
    connection: int | None = None
    nth: int | None = None
    every: int | None = None
    odds: float | None = None
    times: int | None = None

    def __post_init__(self) -> None:
        wrong = self._contradiction()
        if wrong:
            raise ValueError(wrong)

    def _contradiction(self) -> str:
        if (self.action is Action.REPLY) != bool(self.reply):
            return "the action reply needs the text of a reply, and no other action takes one"
        if (self.action is Action.DELAY) != (self.seconds > 0):
            return "the action delay needs seconds above 0, and no other action takes them"
        if self.action in ACCEPTING and self.stage is not Stage.DOT:
            return f"{self.action} is only possible at the stage dot, where a message is accepted"
        if self.recipient is not None and self.stage not in RECIPIENT_STAGES:
            return f"at the stage {self.stage} no recipient is known; use rcpt, data or dot"
        if self.nth is not None and self.every is not None:
            return "nth and every exclude each other"
        return ""

    @property
    def succeeds(self) -> bool:
        """Whether the command takes effect in spite of the fault."""
        if self.action is Action.REPLY:
            return self.reply.startswith(b"3" if self.stage is Stage.DATA else b"2")
        return self.action in ACCEPTING

    def concerns(self, connection: int, recipients: Sequence[str]) -> bool:
        """Whether an event is one that this rule counts."""
        if self.connection is not None and self.connection != connection:
            return False
        glob = self.recipient
        return glob is None or any(fnmatchcase(address.lower(), glob.lower()) for address in recipients)


@dataclass(frozen=True, slots=True)
class Faults:
    """The rules of one sandbox, in order, and the seed that `odds` are drawn with."""

    rules: tuple[FaultRule, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Strike:
    """What befalls one event: first a delay in seconds, then the rule, or the usual reply when that is None."""

    delay: float
    rule: FaultRule | None


class FaultPlan:
    """The rules of a running server with their counts."""

    def __init__(self, faults: Faults) -> None:
        self._random = random.Random(faults.seed)  # noqa: S311 - a test's dice, not a secret's
        self._rules: dict[Stage, list[_Counted]] = {}
        for rule in faults.rules:
            self._rules.setdefault(rule.stage, []).append(_Counted(rule))

    def strike(self, stage: Stage, connection: int, recipients: Sequence[str] = ()) -> Strike | None:
        """Count this event, and say what befalls it: delays add up, then the first other rule that is due acts."""
        counted = self._rules.get(stage)
        if counted is None:
            return None
        delay = 0.0
        acting: FaultRule | None = None
        for entry in counted:
            rule = entry.rule
            if not rule.concerns(connection, recipients):
                continue
            entry.seen += 1
            if (acting is not None and rule.action is not Action.DELAY) or not entry.due(self._random):
                continue
            entry.struck += 1
            if rule.action is Action.DELAY:
                delay += rule.seconds
            else:
                acting = rule
        return Strike(delay, acting) if delay or acting is not None else None


class _Counted:
    """A rule with how often its events were seen and how often it struck."""

    __slots__ = ("rule", "seen", "struck")

    def __init__(self, rule: FaultRule) -> None:
        self.rule = rule
        self.seen = 0
        self.struck = 0

    def due(self, dice: random.Random) -> bool:
        rule = self.rule
        if rule.times is not None and self.struck >= rule.times:
            return False
        if rule.nth is not None and self.seen != rule.nth:
            return False
        if rule.every is not None and self.seen % rule.every:
            return False
        return rule.odds is None or dice.random() < rule.odds
