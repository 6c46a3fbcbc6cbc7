"""Owns the preview screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class PreviewScreen(Room):
    """The preview screen."""

    ROOM: ClassVar[str] = "preview"
    BINDINGS: ClassVar = bindings("preview")
