"""Owns the rules about the pace: who asks for less, for how long, and how much may go all the same.

What is said when connecting or to MAIL is about the account, what is said to a recipient or to the message about the
recipient's domain, for the server there has read the words of the domain's own servers. Large providers document some
of their replies with a time; what others say has none, and is answered by sending more slowly.
"""

from __future__ import annotations

from mailtui.smtp.outcome import Scope, Stage
from mailtui.smtp.rule import DIALOGUE, HOURS, MINUTES, OPENING, SENDER, TO_SOMEBODY, Rule, slower

_BEGINNING = (*OPENING, *SENDER)
_ACCOUNT, _DOMAIN = Scope.ACCOUNT, Scope.DOMAIN

_BUSY = ("4.7.500",)
_UNUSUAL = ("4.7.28",)
_UNPROVEN = ("4.7.26", "4.7.27", "4.7.29", "4.7.30", *(f"4.7.{n}" for n in range(650, 660)))
_SUSPICIOUS = ("detected that this message", "this message is suspicious", "reputation of the sending")
_TEN_A_MINUTE = 10 / 60

_TOO_FAST = (
    "too fast",
    "too quickly",
    "too much mail",
    "too many messages",
    "too many emails",
    "too many mails",
    "rate limit",
    "rate exceeded",
    "sending rate",
    "message rate",
    "throttl",
    "slow down",
)
_TO_THE_DOMAIN = (*_TOO_FAST, "too many connections", "too many concurrent", "user complaints")
_FOR_NOW = (421, 450, 451, 452)


def _with_a_time(scope: Scope, stages: tuple[Stage, ...], *, busy: float) -> tuple[Rule, ...]:
    """What providers say and document, about an account or a domain. `busy`: seconds, of a server that says it is."""
    who = str(scope)
    half_an_hour = 30 * MINUTES
    some_a_minute = slower(scope, half_an_hour, rate=_TEN_A_MINUTE)
    return (
        Rule(f"{who}: pause of four hours", slower(scope, 4 * HOURS, at_once=True), stages, (4,), words=("tss05",)),
        Rule(
            f"{who}: pause of two hours", slower(scope, 2 * HOURS, at_once=True), stages, (4,), words=("tss04", "ipts0")
        ),
        Rule(f"{who}: one at a time", slower(scope, half_an_hour, connections=1), stages, (4,), words=("ib007",)),
        Rule(f"{who}: ten a minute", some_a_minute, stages, (4,), _UNUSUAL),
        Rule(f"{who}: ten a minute, by text", some_a_minute, stages, (4,), words=("unusual rate",)),
        Rule(f"{who}: busy", slower(scope, busy, at_once=True), stages, (4,), _BUSY),
        Rule(f"{who}: busy, by text", slower(scope, busy, at_once=True), stages, (4,), words=("server busy",)),
        Rule(f"{who}: pause of half an hour", slower(scope, half_an_hour, at_once=True), stages, (4,), _UNPROVEN),
    )


ACCOUNT_ASKS = (
    *_with_a_time(_ACCOUNT, _BEGINNING, busy=15 * MINUTES),
    Rule("account: too fast, when connecting", slower(_ACCOUNT, 5 * MINUTES), OPENING, (4,), ("4.7.0",)),
    Rule("account: too fast, when connecting, by text", slower(_ACCOUNT, 5 * MINUTES), OPENING, (4,), words=_TOO_FAST),
)

ACCOUNT_SLOWS = (
    Rule("account: too fast, by text", slower(_ACCOUNT, 5 * MINUTES), SENDER, (4,), words=_TOO_FAST),
    Rule("account: too fast", slower(_ACCOUNT, 5 * MINUTES), SENDER, _FOR_NOW, ("4.7.0",)),
    # 454 is what servers say to whoever submits, wherever it comes to them
    Rule("account: too fast, to anything", slower(_ACCOUNT, 5 * MINUTES), DIALOGUE, (454,), words=_TOO_FAST),
)

DOMAIN_ASKS = _with_a_time(_DOMAIN, TO_SOMEBODY, busy=30 * MINUTES)

DOMAIN_SLOWS = (
    Rule("domain: suspicious", slower(_DOMAIN, 1 * HOURS), TO_SOMEBODY, (4,), words=_SUSPICIOUS),
    Rule("domain: too fast, by text", slower(_DOMAIN, 10 * MINUTES), TO_SOMEBODY, _FOR_NOW, words=_TO_THE_DOMAIN),
    Rule("domain: too fast", slower(_DOMAIN, 5 * MINUTES), TO_SOMEBODY, (421, 450, 451), ("4.7.0",)),
)
