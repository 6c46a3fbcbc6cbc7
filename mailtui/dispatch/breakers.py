"""Owns when an account, or its campaign, is stopped because refusals say that going on would burn recipients.

The account or the server: at once, by the rules (`smtp/verdict_rules.py`). What a rule alone cannot know is counted
here: a dialogue that goes wrong twice, the same refusal for everybody, and messages that get no answer at all. A login
that is put off is counted for all campaigns of the account together (`dispatch/standing.py`).
"""

from __future__ import annotations

from collections.abc import Callable

from mailtui.kit.safe_text import safe_text
from mailtui.smtp.reply_text import fingerprint
from mailtui.smtp.verdict import SAID_AT, Category, Kind, Outcome, Scope, Verdict

SAME_REFUSALS = 12
"""So many refusals of one wording in a row, for at least `SAME_DOMAINS` domains, and nothing accepted in between. With
32 connections at most 32 more are under way by then, so that no more than 50 recipients are touched."""

SAME_DOMAINS = 5
_WORDINGS_KEPT = 50
_PROTOCOL_ERRORS = 2
_SHOWN = 300  # characters of the server's words in a reason

_SAME_ADVICE = (
    "See the content and the sender's standing with that in mind. Those refused are listed as failed; the others wait"
)
_PROTOCOL_ADVICE = "The server and mailtui do not understand each other; see that host and port are a mail server's"


class Breakers:
    """Those of one account in one campaign.

    `hold` stops what a scope says (`message`: the whole campaign; `campaign`: the account, in this campaign), for a
    reason in words that a person can act on, and for so many seconds where that is known.
    """

    def __init__(self, hold: Callable[[str, Scope, float | None], None]) -> None:
        self._hold = hold
        self._same: dict[str, tuple[int, set[str]]] = {}
        self._protocol_errors = 0
        self._misunderstood: set[int] = set()  # deliveries that met a protocol error, for each is sent once more only
        self._doubts = 0
        self._losses = 0  # connections that ended with such in flight

    def accepted(self) -> None:
        """A message was taken."""
        self._doubts = self._losses = 0
        self._protocol_errors = 0
        if self._same:
            self._same.clear()

    def refused(self, verdict: Verdict, outcome: Outcome, *, delivery: int, domain: str) -> None:
        """A message, or its recipient, was refused for now or for good."""
        self._doubts = self._losses = 0
        if outcome.kind is Kind.HELD:
            self.held(verdict, outcome)
        elif outcome.category is Category.PROTOCOL:
            self._protocol_errors += 1
            if self._protocol_errors >= _PROTOCOL_ERRORS or delivery in self._misunderstood:
                self._hold(reason(verdict, _PROTOCOL_ADVICE), Scope.CAMPAIGN, None)
            self._misunderstood.add(delivery)
        elif outcome.is_about_the_campaign:
            self._refused_alike(verdict, domain)

    def _refused_alike(self, verdict: Verdict, domain: str) -> None:
        wording = f"{verdict.stage} {verdict.code} {fingerprint(verdict.text)}"
        if len(self._same) >= _WORDINGS_KEPT:
            self._same.clear()
        count, domains = self._same.get(wording, (0, set()))
        domains.add(domain)
        self._same[wording] = count + 1, domains
        if count + 1 >= SAME_REFUSALS and len(domains) >= SAME_DOMAINS:
            said = f"the last {count + 1} messages, to {len(domains)} domains, were all refused in the same words"
            self._hold(f"{said}: {_said(verdict)}. {_SAME_ADVICE}", Scope.MESSAGE, None)

    def held(self, verdict: Verdict, outcome: Outcome) -> None:
        """A reply that stops by itself, by the rules."""
        self._hold(reason(verdict, outcome.advice), outcome.scope, outcome.retry_after)

    def unanswered(self, workers: int, *, first: bool) -> None:
        """A message was written to its end and got no answer; a list must not go that way row by row.

        `first`: of its connection. A window that is lost at once is one loss, for it is no more of a pattern.
        """
        self._doubts += 1
        self._losses += first
        if self._losses > 2 * workers + 2:
            said = f"the server answered none of the last {self._doubts} messages that were sent"
            self._hold(said, Scope.CAMPAIGN, None)


def reason(verdict: Verdict, advice: str) -> str:
    """Why a campaign is held: where the server said what, and what can be done about it."""
    said = _said(verdict) if verdict.unasked else f"{SAID_AT} {verdict.stage}: {_said(verdict)}"
    return f"{said}. {advice}" if advice else said


def _said(verdict: Verdict) -> str:
    return safe_text(str(verdict), limit=_SHOWN).rstrip(". ")
