"""Owns what a rule is by which replies are judged, and the words that all rules are written with."""

from __future__ import annotations

from dataclasses import dataclass

from mailtui.smtp.outcome import Category, Kind, Outcome, Scope, SlowDown, Stage

NO_CODE = ""
"""Among a rule's enhanced codes: the reply has none, or one that contradicts its basic code."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits when everything it names fits; what is empty names nothing.

    `codes` are basic codes or their first digits; `enhanced` are whole codes, with a dot at the end the codes that
    begin so, or `NO_CODE`; of `words` (in small letters, see `reply_text.words_of`) one must be in the text.
    """

    name: str
    outcome: Outcome
    stages: tuple[Stage, ...] = ()
    codes: tuple[int, ...] = ()
    enhanced: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def is_for(self, stage: Stage, code: int) -> bool:
        """Whether it may fit a reply with this code at this stage."""
        return (not self.stages or stage in self.stages) and (
            not self.codes or code in self.codes or code // 100 in self.codes
        )

    def is_for_enhanced(self, code: str) -> bool:
        """Whether it may fit a reply with this enhanced code (`NO_CODE` for none)."""
        return not self.enhanced or any(
            code.startswith(pattern) if pattern.endswith(".") else code == pattern for pattern in self.enhanced
        )


MINUTES = 60.0
HOURS = 3600.0

OPENING = (Stage.CONNECT, Stage.GREETING, Stage.EHLO)
LOGIN = (*OPENING, Stage.TLS, Stage.AUTH)
DIALOGUE = (Stage.RSET, Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT)
SENDER = (Stage.RSET, Stage.MAIL)
TO_SOMEBODY = (Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT)

NO_DETAIL = (NO_CODE, "5.0.0", "5.1.0", "5.5.0")


def held(category: Category, advice: str, scope: Scope = Scope.ACCOUNT, *, rests_for: float | None = None) -> Outcome:
    """`rests_for`: seconds after which the account may be tried again without a person."""
    return Outcome(Kind.HELD, scope, category, rests_for, advice)


def again(category: Category, scope: Scope = Scope.SERVER) -> Outcome:
    return Outcome(Kind.REQUEUED, scope, category)


def later(category: Category, scope: Scope, seconds: float | None = None) -> Outcome:
    return Outcome(Kind.DEFERRED, scope, category, seconds)


def slower(
    scope: Scope,
    seconds: float,
    *,
    at_once: bool = False,
    rate: float | None = None,
    connections: int | None = None,
) -> Outcome:
    """The account, or the recipient's domain, is sent to too fast; see `SlowDown`."""
    kind = Kind.DEFERRED if scope is Scope.DOMAIN else Kind.REQUEUED
    return Outcome(kind, scope, Category.RATE, slow=SlowDown(seconds, at_once, rate, connections))


def refused(category: Category, scope: Scope = Scope.RECIPIENT) -> Outcome:
    return Outcome(Kind.FAILED, scope, category)
