"""Owns the gears: how much is written before a reply is waited for, and which one a server's extensions allow."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailtui.smtp.capabilities import Capabilities

MAX_WINDOW = 64
"""Transactions in flight on a connection at most: each is an outcome that nobody knows when something breaks."""


class Gear(StrEnum):
    """How much is written before a reply is waited for; from the slowest to the fastest."""

    LOCKSTEP = "lockstep"  # one command
    FLIGHT = "flight"  # MAIL RCPT DATA (RFC 2920)
    CROSS = "cross"  # a body with the next MAIL RCPT DATA behind it (RFC 2920 section 3.1)
    CHUNKED = "chunked"  # whole transactions, as many as the window holds (RFC 3030)

    @property
    def rank(self) -> int:
        """0 for the slowest."""
        return _ORDER.index(self)

    @property
    def slower(self) -> Gear:
        """The next slower one; the slowest has none below it."""
        return _ORDER[max(0, self.rank - 1)]


_ORDER = tuple(Gear)
DATA_GEARS = (Gear.LOCKSTEP, Gear.FLIGHT, Gear.CROSS)
"""Those that write a message behind DATA, dot-stuffed."""


@dataclass(frozen=True, slots=True)
class GearChoice:
    """A gear, how many transactions may be in flight in it, and why it was chosen, in a short sentence for people."""

    gear: Gear
    window: int = 1
    why: str = ""


def best_gear(capabilities: Capabilities, window: int = 1) -> GearChoice:
    """The fastest gear that the server's extensions allow; a `window` above 1 asks for the chunked one."""
    if not capabilities.pipelining:
        asked = "" if window == 1 else f"window {window} asked for, but "
        return GearChoice(Gear.LOCKSTEP, 1, f"{asked}the server offers no PIPELINING")
    if not capabilities.crossing:
        asked = "" if window == 1 else f"window {window} asked for, but "
        return GearChoice(
            Gear.FLIGHT, 1, f"{asked}servers such as Dovecot break off when a command comes behind a message"
        )
    if window == 1:
        return GearChoice(Gear.CROSS, 1, "the server offers PIPELINING")
    if not capabilities.chunking:
        return GearChoice(Gear.CROSS, 1, f"window {window} asked for, but the server offers no CHUNKING")
    return GearChoice(Gear.CHUNKED, window, f"window {window} asked for, and the server offers CHUNKING")
