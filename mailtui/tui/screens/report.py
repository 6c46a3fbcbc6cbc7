"""Owns the report screen."""

from __future__ import annotations

from typing import ClassVar

from mailtui.tui.actions import bindings
from mailtui.tui.room import Room


class ReportScreen(Room):
    """The report screen."""

    ROOM: ClassVar[str] = "report"
    BINDINGS: ClassVar = bindings("report")
