"""Owns which gear the connections of a campaign use: the server's best until it shows that it cannot keep it up.

A server that announces pipelining and then answers so that replies cannot be paired, or hangs up whenever several
commands come together, is spoken to more slowly for the rest of the campaign. Where refusals are frequent, DATA waits
for the recipient's reply: a DATA after a refused recipient counts as a second mistake with many servers, and Postfix
hangs up after ten such pairs (smtpd_hard_error_limit, 20).
"""

from __future__ import annotations

from collections import deque

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.session import Gear, best_gear

REFUSALS_A_CONNECTION = 9
"""After so many a connection is renewed: Postfix slows one down by a second a mistake beyond ten
(smtpd_soft_error_limit).
"""

_ORDER = (Gear.LOCKSTEP, Gear.FLIGHT, Gear.CROSS)
_WINDOW = 100
_MANY = 4  # of the last hundred: from here on DATA is held apart
_FEW = 1  # and up to here it is not any more
_PATIENCE = 2  # connections in a row that were of no use before a gear is blamed


class GearBox:
    """Shared by the workers of one campaign."""

    def __init__(self) -> None:
        self._ceiling = Gear.CROSS
        self._recent: deque[bool] = deque(maxlen=_WINDOW)
        self._refused = 0
        self._useless = 0
        self.data_apart = False
        self.note = ""
        """Why the gear was lowered, in a sentence; empty while it was not."""

    def gear_for(self, capabilities: Capabilities) -> Gear:
        """The gear for a new connection to a server with these capabilities."""
        return min(best_gear(capabilities), self._ceiling, key=_ORDER.index)

    def envelope(self, *, refused: bool) -> None:
        """A message's envelope was taken or refused."""
        self._useless = 0
        if len(self._recent) == _WINDOW:
            self._refused -= self._recent[0]
        self._recent.append(refused)
        self._refused += refused
        if self._refused >= _MANY:
            self.data_apart = True
        elif self._refused <= _FEW:
            self.data_apart = False

    def misbehaved(self, gear: Gear) -> None:
        """A connection in this gear was given up because its replies could not be paired with commands."""
        self._lower(gear, "the server's replies did not fit commands that were sent together")

    def useless(self, gear: Gear) -> None:
        """A connection in this gear was given messages and ended without an answer to any of them."""
        self._useless += 1
        if self._useless >= _PATIENCE:
            self._lower(gear, "the server hangs up on commands that are sent together")

    def _lower(self, gear: Gear, why: str) -> None:
        """One step down from the gear that failed; connections still in a faster one are not asked to change."""
        if gear is Gear.LOCKSTEP or _ORDER.index(gear) > _ORDER.index(self._ceiling):
            return
        self._ceiling = _ORDER[_ORDER.index(gear) - 1]
        self._useless = 0
        self.note = f"{why}; going on in the {self._ceiling} gear"
