"""Owns the board screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class BoardScreen(Room):
    """The board screen."""

    ROOM: ClassVar[str] = "board"
    BINDINGS: ClassVar = bindings("board")
