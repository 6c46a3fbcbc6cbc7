"""Owns a line to type into whose values can also be stepped through."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from mailtui.tui.widgets.safe_input import SafeInput


class StepLine(SafeInput):
    """Up and down are told to whoever knows the values."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "step(-1)", "Choice before", show=False),
        Binding("down", "step(1)", "Next choice", show=False),
    ]

    class Stepped(Message):
        """An arrow was pressed."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def action_step(self, by: int) -> None:
        self.post_message(self.Stepped(by))
