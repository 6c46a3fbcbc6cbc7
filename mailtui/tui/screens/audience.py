"""Owns the audience screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class AudienceScreen(Room):
    """The audience screen."""

    ROOM: ClassVar[str] = "audience"
    BINDINGS: ClassVar = bindings("audience")
