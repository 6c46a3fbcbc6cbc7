"""Owns the rules screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class RulesScreen(Room):
    """The rules screen."""

    ROOM: ClassVar[str] = "rules"
    BINDINGS: ClassVar = bindings("rules")
