"""Owns which gear the connections of a campaign use, and how many transactions may be in flight in it: the server's
best until it shows that it cannot keep it up.

A server that announces pipelining or chunking and then answers so that replies cannot be paired, or hangs up whenever
several commands come together, is spoken to more slowly for the rest of the campaign. Where refusals are frequent,
DATA waits for the recipient's reply: a DATA after a refused recipient counts as a second mistake with many servers,
and Postfix hangs up after ten such pairs (smtpd_hard_error_limit, 20). The window of the chunked gear is halved by a
refusal, at most once in a window's worth of answers, and grows by one for each window's worth that was taken; it is 1
until the server has taken a first chunk, and again after a connection that took messages with it.
"""

from __future__ import annotations

from collections import deque

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.gear import Gear, GearChoice, best_gear

REFUSALS_A_CONNECTION = 9
"""After so many a connection is renewed: Postfix slows one down by a second a mistake beyond ten
(smtpd_soft_error_limit).
"""

_LOOKED_AT = 100
_MANY = 4  # of the last hundred: from here on DATA is held apart
_FEW = 1  # and up to here it is not any more
_PATIENCE = 2  # connections in a row that were of no use before a gear is blamed


class GearBox:
    """Shared by the workers of one account in one campaign."""

    def __init__(self, window: int = 1) -> None:
        """`window` is how many transactions a person wants in flight on each connection, at the most."""
        self._ceiling = Gear.CHUNKED
        self._lowered = ""
        self._recent: deque[bool] = deque(maxlen=_LOOKED_AT)
        self._refused = 0
        self._useless = 0
        self._asked = window
        self._proven = False  # whether a chunk was taken, since a message was lost
        self._since_change = 0  # answers since the window last changed
        self.data_apart = False
        self.window = 1
        """How many transactions may be in flight on a connection in the chunked gear now."""
        self.note = ""
        """Why the gear was lowered, in a sentence; empty while it was not."""
        self.why = ""
        """Why the gear that was chosen last is what it is, in a sentence; empty before the first choice."""

    def choose(self, capabilities: Capabilities) -> GearChoice:
        """The gear for a new connection to a server with these capabilities."""
        choice = best_gear(capabilities, self._asked)
        if choice.gear.rank > self._ceiling.rank:
            choice = GearChoice(self._ceiling, 1, f"lowered: {self._lowered}")
        if choice.gear is Gear.CHUNKED:
            choice = GearChoice(choice.gear, self.window, choice.why)
        self.why = choice.why
        return choice

    def ask(self, window: int) -> None:
        """A person wants another window."""
        self._asked = window
        self.window = window if self._proven else 1
        self._since_change = 0

    def envelope(self, *, refused: bool) -> None:
        """A message's envelope was taken or refused."""
        self._useless = 0
        if len(self._recent) == _LOOKED_AT:
            self._refused -= self._recent[0]
        self._recent.append(refused)
        self._refused += refused
        if self._refused >= _MANY:
            self.data_apart = True
        elif self._refused <= _FEW:
            self.data_apart = False

    def chunk(self, *, taken: bool) -> None:
        """The server answered a transaction in the chunked gear."""
        self._since_change += 1
        if not self._proven:
            if taken:
                self._proven = True
                self._set_window(self._asked)
        elif self._since_change >= self.window and (not taken or self.window < self._asked):
            self._set_window(self.window + 1 if taken else max(1, self.window // 2))

    def lost(self) -> None:
        """A message in flight got no answer: one at a time now, until the server takes one again."""
        self._proven = False
        self._set_window(1)

    def _set_window(self, window: int) -> None:
        self.window = window
        self._since_change = 0

    def misbehaved(self, gear: Gear) -> None:
        """A connection in this gear was given up because its replies could not be paired with commands."""
        self._lower(gear, "the server's replies did not fit commands that were sent together")

    def misunderstood(self, gear: Gear) -> None:
        """A connection in this gear was given up because the server did not know a command."""
        if gear is Gear.CHUNKED:
            self._lower(gear, "the server announces CHUNKING and does not understand it")
        else:
            self._lower(gear, "the server did not understand commands that were sent together")

    def useless(self, gear: Gear) -> None:
        """A connection in this gear was given messages and ended without an answer to any of them."""
        self._useless += 1
        if self._useless >= _PATIENCE:
            self._lower(gear, "the server hangs up on commands that are sent together")

    def _lower(self, gear: Gear, why: str) -> None:
        """One step down from the gear that failed; connections still in a faster one are not asked to change."""
        if gear is Gear.LOCKSTEP or gear.rank > self._ceiling.rank:
            return
        self._ceiling = gear.slower
        self._lowered = why
        self._useless = 0
        self.note = f"{why}; going on in the {self._ceiling} gear"
