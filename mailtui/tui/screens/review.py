"""Owns the review screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class ReviewScreen(Room):
    """The review screen."""

    ROOM: ClassVar[str] = "review"
    BINDINGS: ClassVar = bindings("review")
