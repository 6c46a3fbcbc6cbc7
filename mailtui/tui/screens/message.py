"""Owns the message screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class MessageScreen(Room):
    """The message screen."""

    ROOM: ClassVar[str] = "message"
    BINDINGS: ClassVar = bindings("message")
