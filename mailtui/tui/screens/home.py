"""Owns the home screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class HomeScreen(Room):
    """The home screen."""

    ROOM: ClassVar[str] = "home"
    BINDINGS: ClassVar = bindings("home")
