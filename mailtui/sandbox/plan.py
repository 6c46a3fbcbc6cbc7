"""Owns when faults strike: the rules of a running server with their counts, and the dice of its seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from mailtui.sandbox.faults import READING, Action, FaultRule, Faults, Stage


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
            self._rules.setdefault(rule.stage, []).append(_Counted(rule.scaled(faults.time_scale)))

    @property
    def holds_content_back(self) -> bool:
        """Whether content is ever read slowly, or not at all."""
        return any(entry.rule.action in READING for entry in self._rules.get(Stage.BODY, ()))

    def strike(self, stage: Stage, connection: int, recipients: Sequence[str] = (), message: int = 0) -> Strike | None:
        """Count this event, and say what befalls it: delays add up, then the first other rule that is due acts."""
        counted = self._rules.get(stage)
        if counted is None:
            return None
        delay = 0.0
        acting: FaultRule | None = None
        for entry in counted:
            rule = entry.rule
            if not rule.concerns(connection, recipients, message):
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

    def strike_any(
        self, stages: Sequence[Stage], connection: int, recipients: Sequence[str], message: int
    ) -> Strike | None:
        """The same for an event that is several stages at once: the first rule among them acts, delays add up."""
        delay = 0.0
        for stage in stages:
            strike = self.strike(stage, connection, recipients, message)
            if strike is not None:
                delay += strike.delay
                if strike.rule is not None:
                    return Strike(delay, strike.rule)
        return Strike(delay, None) if delay else None


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
