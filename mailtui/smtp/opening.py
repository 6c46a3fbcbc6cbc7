"""Owns the one door to a dialogue: a session in the gear that was chosen."""

from __future__ import annotations

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.chunked import ChunkedSession
from mailtui.smtp.dialogue import Dialogue
from mailtui.smtp.gear import Gear, GearChoice
from mailtui.smtp.owner import SessionOwner
from mailtui.smtp.session import Session
from mailtui.smtp.timeouts import Timeouts


def open_session(owner: SessionOwner, capabilities: Capabilities, choice: GearChoice, timeouts: Timeouts) -> Dialogue:
    """A dialogue that waits for `start`. Raises ValueError for a gear that the server did not offer."""
    gear = choice.gear
    if (gear is not Gear.LOCKSTEP and not capabilities.pipelining) or (
        gear is Gear.CHUNKED and not capabilities.chunking
    ):
        raise ValueError(f"the server does not offer what the {gear} gear needs")
    if gear is Gear.CHUNKED:
        return ChunkedSession(owner, choice.window, timeouts)
    return Session(owner, gear, timeouts)
