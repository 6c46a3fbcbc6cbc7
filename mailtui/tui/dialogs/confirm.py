"""Owns asking whether something that cannot be taken back is meant; not doing it has the focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from mailtui.tui.text import Plain, Shown
from mailtui.tui.widgets.buttons import Buttons


class ConfirmDialog(ModalScreen[bool]):
    """Whether it is meant."""

    AUTO_FOCUS = "#no"
    BINDINGS: ClassVar = [("escape", "leave", "Leave it")]

    def __init__(self, title: str, lines: Sequence[Shown], *, yes: str, no: str) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._labels = (yes, no)

    def compose(self) -> ComposeResult:
        yes, no = self._labels
        with Vertical(classes="dialog"):
            yield Plain(self._title, classes="title")
            for line in self._lines:
                yield Plain(line)
            with Buttons():
                yield Button(yes, id="yes", variant="error")
                yield Button(no, id="no", variant="primary")

    @on(Button.Pressed)
    def chosen(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")

    def action_leave(self) -> None:
        self.dismiss(False)  # noqa: FBT003 - the answer is a plain no
