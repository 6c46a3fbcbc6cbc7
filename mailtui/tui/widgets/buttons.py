"""Owns a row or column of buttons: the arrows go from one to the next, as well as tab does."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding
from textual.containers import Horizontal
from textual.widgets import Button


class Buttons(Horizontal):
    """What a dialog can be answered with. With an `id` it looks as that says, without as the others do."""

    BINDINGS: ClassVar = [Binding("left,up", "go(-1)", show=False), Binding("right,down", "go(1)", show=False)]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, classes="buttons" if id is None else None)

    def action_go(self, by: int) -> None:
        """To the button beside the one with the focus; at the end it stays where it is."""
        buttons = [button for button in self.query(Button) if button.focusable]
        focused = self.screen.focused  # known at once, so that of keys in quick succession none is lost
        if isinstance(focused, Button) and focused in buttons:
            self.screen.set_focus(buttons[min(max(buttons.index(focused) + by, 0), len(buttons) - 1)])
