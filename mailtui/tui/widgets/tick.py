"""Owns the box that is ticked or not, told apart without colour."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Checkbox


class Tick(Checkbox):
    """A checkbox with an X in it when it is on and nothing when it is off; Textual's own has the X in both."""

    def render(self) -> Content:
        self.BUTTON_INNER = "X" if self.value else " "
        return super().render()
