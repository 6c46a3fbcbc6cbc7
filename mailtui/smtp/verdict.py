"""Owns what a reply means for one delivery: stage × code × enhanced code × text → what to do, and for whom.

The rules are data, read from the first that fits; reliability.md section 5 is their source. A rule that is
too eager burns recipients: a full quota or a wrong password says nothing about the person addressed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailtui.smtp.replies import Reply


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
    MESSAGE = "message"
    ACCOUNT = "account"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server said, or that it said nothing (`code` None), at a stage."""

    stage: Stage
    code: int | None
    enhanced: str | None
    text: str

    @classmethod
    def of(cls, stage: Stage, reply: Reply) -> Verdict:
        return cls(stage, reply.code, reply.enhanced, reply.text)

    @classmethod
    def silence(cls, stage: Stage, text: str) -> Verdict:
        """The connection failed or ended without a reply."""
        return cls(stage, None, None, text)

    def __str__(self) -> str:
        return f"{self.code} {self.text}" if self.code is not None else self.text


@dataclass(frozen=True, slots=True)
class Outcome:
    """What to do about it. `retry_after` is the least pause in seconds, None for the usual back-off."""

    kind: Kind
    scope: Scope
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Fits when everything it names fits; an empty tuple or string names nothing.

    `codes` are basic codes or their first digits; `enhanced` are whole codes, or with a dot at the end the codes
    that begin so; `words` is a part of the text, in any case of letters.
    """

    outcome: Outcome
    stages: tuple[Stage, ...] = ()
    codes: tuple[int, ...] = ()
    enhanced: tuple[str, ...] = ()
    words: str = ""

    def fits(self, verdict: Verdict) -> bool:
        code = verdict.code
        if code is None or (self.stages and verdict.stage not in self.stages):
            return False
        if self.codes and code not in self.codes and code // 100 not in self.codes:
            return False
        if self.enhanced and not _is_among(verdict.enhanced or "", self.enhanced):
            return False
        return self.words.lower() in verdict.text.lower()


def _is_among(code: str, patterns: tuple[str, ...]) -> bool:
    return any(code.startswith(pattern) if pattern.endswith(".") else code == pattern for pattern in patterns)


SAID_AT = "the server said at"
"""How the reason of a campaign that is held begins; then the stage, and what the server said there."""

_BEFORE_LOGIN = (Stage.CONNECT, Stage.GREETING, Stage.EHLO, Stage.TLS)
_MINUTES = 60.0
_HOURS = 3600.0

_HOLD_ACCOUNT = Outcome(Kind.HELD, Scope.ACCOUNT)
_TRY_SERVER_AGAIN = Outcome(Kind.REQUEUED, Scope.SERVER)

RULES: tuple[Rule, ...] = (
    Rule(Outcome(Kind.SENT, Scope.RECIPIENT), (Stage.DOT,), (2,)),
    # Until somebody is logged in, no recipient can be to blame.
    Rule(_TRY_SERVER_AGAIN, _BEFORE_LOGIN, (4,)),
    Rule(Outcome(Kind.HELD, Scope.SERVER), _BEFORE_LOGIN, (5,)),
    Rule(_TRY_SERVER_AGAIN, (Stage.AUTH,), (4,)),
    Rule(_HOLD_ACCOUNT, (Stage.AUTH,)),
    # 421 ends the connection; at the dot a final 4yz still says "not accepted" (RFC 5321 section 4.2.1).
    Rule(Outcome(Kind.DEFERRED, Scope.SERVER), (Stage.DOT,), (421,)),
    Rule(_TRY_SERVER_AGAIN, (), (421,)),
    # The account: login wanted, quota spent, suspended.
    Rule(_HOLD_ACCOUNT, (), (530, 534, 535, 538)),
    Rule(_HOLD_ACCOUNT, (), (5,), ("5.4.5", "5.7.8", "5.7.9", "5.7.14", "5.7.708", "5.7.750")),
    Rule(_HOLD_ACCOUNT, (), (5,), words="SubmissionQuotaExceeded"),  # Exchange Online, with the code 5.2.0
    # The sending domain's own set-up refuses every message alike (RFC 7372; 5.7.515 is Microsoft's).
    Rule(_HOLD_ACCOUNT, (), (5,), (*(f"5.7.{detail}" for detail in range(20, 31) if detail != 28), "5.7.515")),
    # The message is too large for everybody.
    Rule(Outcome(Kind.HELD, Scope.MESSAGE), (), (5,), ("5.3.4", "5.2.3")),
    Rule(Outcome(Kind.HELD, Scope.MESSAGE), (Stage.MAIL,), (552,)),
    # A refused sender is the same for every recipient.
    Rule(_HOLD_ACCOUNT, (Stage.MAIL, Stage.RSET), (5,)),
    # A full mailbox empties again, but not soon.
    Rule(Outcome(Kind.DEFERRED, Scope.RECIPIENT, 2 * _HOURS), (), (4, 5), ("4.2.2", "5.2.2")),
    # Greylisting (RFC 6647 section 5): come back after five minutes at the least.
    Rule(Outcome(Kind.DEFERRED, Scope.RECIPIENT, 5 * _MINUTES), (), (450, 451), ("4.7.1", "4.7.0", "4.2.0")),
    Rule(Outcome(Kind.DEFERRED, Scope.SERVER), (Stage.MAIL, Stage.DATA), (4,)),
    Rule(Outcome(Kind.DEFERRED, Scope.RECIPIENT), (), (4,)),
    Rule(Outcome(Kind.FAILED, Scope.RECIPIENT), (Stage.RCPT,), (5,)),
    Rule(Outcome(Kind.FAILED, Scope.MESSAGE), (), (5,)),
)


def judge(verdict: Verdict) -> Outcome:
    """What a verdict means for the delivery at stake."""
    if verdict.code is None:
        if verdict.stage is Stage.DOT:
            return Outcome(Kind.UNKNOWN, Scope.SERVER)
        if verdict.stage is Stage.TLS:
            # An untrusted certificate does not mend itself, and trying on without TLS is out of the question.
            return Outcome(Kind.HELD, Scope.SERVER)
        return _TRY_SERVER_AGAIN
    for rule in RULES:
        if rule.fits(verdict):
            return rule.outcome
    # No class fits (a reply class that makes no sense at its stage): the dialogue cannot be trusted.
    return Outcome(Kind.UNKNOWN, Scope.SERVER) if verdict.stage is Stage.DOT else _TRY_SERVER_AGAIN
