"""Owns what a reply means for one delivery: stage × code × enhanced code × text → what to do, and for whom.

The words are in `outcome`, the rules in `verdict_rules`; who needs a judgement takes all of it from here.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from mailtui.smtp.outcome import Category, Kind, Outcome, Scope, Stage
from mailtui.smtp.replies import Reply
from mailtui.smtp.reply_text import words_of
from mailtui.smtp.rule import NO_CODE, Rule
from mailtui.smtp.rules_about_us import ACCEPTED, LOST_AFTER_DOT, LOST_BEFORE_DOT, NO_TLS, UNASKED
from mailtui.smtp.verdict_rules import RULES

__all__ = ["SAID_AT", "Category", "Kind", "Outcome", "Scope", "Stage", "Verdict", "judge"]

SAID_AT = "the server said at"
"""How the reason of a campaign that is held begins; then the stage, and what the server said there."""

_DOT = Stage.DOT  # an enum's member is looked up by a function in Python 3.11


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server said, or that it said nothing (`code` None), at a stage. `unasked`: there was nothing that it
    could be asked, such as a login by a way that it does not offer.
    """

    stage: Stage
    code: int | None
    enhanced: str | None
    text: str
    unasked: bool = False

    @classmethod
    def of(cls, stage: Stage, reply: Reply) -> Verdict:
        return cls(stage, reply.code, reply.enhanced, reply.text)

    @classmethod
    def silence(cls, stage: Stage, text: str) -> Verdict:
        """The connection failed or ended without a reply."""
        return cls(stage, None, None, text)

    def __str__(self) -> str:
        return f"{self.code} {self.text}" if self.code is not None else self.text


def judge(verdict: Verdict) -> Outcome:
    """What a verdict means for the delivery at stake."""
    stage, code = verdict.stage, verdict.code
    if verdict.unasked:
        return UNASKED
    if code is None:
        # An untrusted certificate does not mend itself, and trying on without TLS is out of the question.
        return LOST_AFTER_DOT if stage is Stage.DOT else NO_TLS if stage is Stage.TLS else LOST_BEFORE_DOT
    if stage is _DOT and 200 <= code < 300:
        return ACCEPTED  # before anything else: this is said of nearly every message
    enhanced = verdict.enhanced or NO_CODE
    if enhanced and enhanced[0] != str(code)[0]:
        enhanced = NO_CODE  # a class that contradicts the basic code's says nothing (RFC 2034 section 4)
    words: str | None = None
    for rule in _rules_for(stage, code, enhanced):
        if rule.words:
            words = words_of(verdict.text) if words is None else words
            if not any(word in words for word in rule.words):
                continue
        return rule.outcome
    # No class fits (a reply class that makes no sense at its stage): the dialogue cannot be trusted.
    return LOST_AFTER_DOT if stage is Stage.DOT else LOST_BEFORE_DOT


@functools.lru_cache(maxsize=4096)
def _rules_for(stage: Stage, code: int, enhanced: str) -> tuple[Rule, ...]:
    """The rules that fit but for their words, in their order. A server says few different codes."""
    return tuple(rule for rule in RULES if rule.is_for(stage, code) and rule.is_for_enhanced(enhanced))
