"""Owns what a fault does to a connection: the reply of its own, in pieces or without end, and how it ends.

It stands between the bytes (`wire`) and the dialogue (`protocol`), which says what would happen without a fault.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from mailtui.sandbox.counters import Tally
from mailtui.sandbox.faults import Action, FaultRule, Stage, Then
from mailtui.sandbox.plan import FaultPlan
from mailtui.sandbox.wire import Ending, Wire

Refuse = Callable[[float], None]

_ENDINGS = {
    Then.CLOSE: Ending.CLOSE,
    Then.RESET: Ending.RESET,
    Then.CUT: Ending.CUT,
    Action.DROP: Ending.CLOSE,
    Action.RESET: Ending.RESET,
    Action.CUT: Ending.CUT,
    Action.REFUSE: Ending.RESET,
    Action.ACCEPT_THEN_DROP: Ending.CLOSE,
    Action.ACCEPT_THEN_RESET: Ending.RESET,
    Action.ACCEPT_THEN_CUT: Ending.CUT,
}
_REFUSABLE = frozenset({Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BDAT, Stage.BODY, Stage.DOT})


class Misconduct(Wire):
    """The base of a session on which faults may strike; `faults` None where there are no rules at all."""

    def __init__(
        self, number: int, *, faults: FaultPlan | None, tally: Tally, refuse: Refuse, quiet_seconds: float
    ) -> None:
        super().__init__(quiet_seconds=quiet_seconds)
        self.number = number
        self.transaction = 0  # the number of the transaction on this connection, from 1
        self._faults = faults
        self._tally = tally
        self._refuse_others = refuse
        self._body_rule: FaultRule | None = None
        self._resting: asyncio.TimerHandle | None = None

    def settle(
        self,
        stages: Stage | Sequence[Stage],
        apply: Callable[[], bytes],
        recipients: Sequence[str] = (),
        after: Callable[[], None] | None = None,
    ) -> None:
        """Carry a command out and answer it, unless a fault strikes at one of its stages.

        `apply` takes effect and gives the reply; `after` follows the reply of a command that took effect. It takes
        effect before a delay, so that a message is in the log although its client may give up waiting.
        """
        strike = None
        if self._faults is not None:
            stages = (stages,) if isinstance(stages, Stage) else stages
            strike = self._faults.strike_any(stages, self.number, recipients, self.transaction)
        if strike is None:
            self.out += apply()
            if after is not None:
                after()
            return
        rule = strike.rule
        reply = b""
        if rule is None or rule.succeeds:
            reply = apply()
        else:
            after = None
            self._count_refusal(rule.stage)
        if strike.delay:
            self.hold(strike.delay, lambda: self._answer(rule, reply, after))
        else:
            self._answer(rule, reply, after)

    def unless_struck(self, stage: Stage, go_on: Callable[[], None]) -> None:
        """Go on after the delays of this stage, unless a fault strikes there and stands for all that would follow."""
        strike = None if self._faults is None else self._faults.strike(stage, self.number)
        if strike is None:
            go_on()
            return
        rule = strike.rule
        act = go_on if rule is None else lambda: self._act(rule, None)
        if strike.delay:
            self.hold(strike.delay, act)
        else:
            act()

    # between messages

    def rest(self, recipients: Sequence[str]) -> None:
        """A message was accepted and answered; what strikes between messages strikes now, or after some idleness."""
        strike = None
        if self._faults is not None:
            strike = self._faults.strike(Stage.IDLE, self.number, recipients, self.transaction)
        if strike is None or strike.rule is None:
            return
        rule = strike.rule
        if rule.seconds:
            self._resting = self._loop.call_later(rule.seconds, self._end_rest, rule)
        else:  # behind the pause, so that the reply to the message goes out by itself
            self.hold(rule.pause, lambda: self._act(rule, None))

    def rouse(self) -> None:
        """The client said something; it is idle no longer."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None

    def _end_rest(self, rule: FaultRule) -> None:
        self._resting = None
        self._act(rule, None)
        self.flush()

    # inside the content

    def begin_body(self, recipients: Sequence[str]) -> None:
        """Content begins; find out what will befall it."""
        strike = None
        if self._faults is not None:
            strike = self._faults.strike(Stage.BODY, self.number, recipients, self.transaction)
        self._body_rule = None if strike is None else strike.rule

    def strike_body(self, received: int) -> bool:
        """Let the fault strike when enough of the content has come (bytes on the wire); whether it did."""
        rule = self._body_rule
        if rule is None or received < rule.after:
            return False
        self._body_rule = None
        if rule.action is Action.STALL:
            self.stall(rule.seconds)
        elif rule.action is Action.SLOW:
            self.read_slowly(rule.rate)
        else:
            self._count_refusal(Stage.BODY)
            self._act(rule, None)
        return True

    def end_body(self) -> None:
        """The content is over."""
        if self._body_rule is not None or self.slow:
            self._body_rule = None
            self.read_slowly(0)

    # what a rule does

    def _answer(self, rule: FaultRule | None, reply: bytes, after: Callable[[], None] | None) -> None:
        if rule is not None:
            self._act(rule, after)
            return
        self.out += reply
        if after is not None:
            after()

    def _act(self, rule: FaultRule, after: Callable[[], None] | None) -> None:
        action = rule.action
        if action is Action.REPLY:
            pieces = rule.pieces()
            if len(pieces) == 1:
                self.out += rule.reply
                self._conclude(rule, after)
            else:
                self.write_in_pieces(iter(pieces), rule.pause, lambda: self._conclude(rule, after))
        elif action is Action.TRICKLE:
            self._trickle(rule)
        elif action in (Action.SILENCE, Action.ACCEPT_THEN_SILENCE):
            self.fall_silent()
        else:
            if action is Action.REFUSE:
                self._refuse_others(rule.seconds)
            self.ending = _ENDINGS[action]

    def _conclude(self, rule: FaultRule, after: Callable[[], None] | None) -> None:
        """What follows a reply: what the rule says, else FIN after 421 and where a session cannot go on."""
        closes = rule.reply.startswith(b"421") or rule.stage in (Stage.BODY, Stage.IDLE)
        then = rule.then or (Then.CLOSE if closes else None)
        if then is Then.SILENCE:
            self.fall_silent()
        elif then is not None:
            self.ending = _ENDINGS[then]
            if rule.stage is Stage.BODY and self.ending is Ending.CLOSE:
                self.ending = Ending.LINGER  # the client is still writing; its bytes would bring the reply a RST
        elif after is not None:
            after()

    def _trickle(self, rule: FaultRule) -> None:
        if self.ending is None:
            self.out += rule.reply
            self.hold(rule.pause, lambda: self._trickle(rule))

    def _count_refusal(self, stage: Stage) -> None:
        if stage in _REFUSABLE:
            self._tally.refused += 1
