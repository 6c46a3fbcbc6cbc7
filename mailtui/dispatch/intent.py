"""Owns the names of what may be done with a campaign that a runner has taken up."""

from __future__ import annotations

from enum import Enum


class Intent(Enum):
    """What is being done with the campaign."""

    SEND = "send"
    PAUSE = "pause"
    CANCEL = "cancel"
    LEAVE = "leave"  # the runner goes; the campaign stays as it is for the next one
