"""Owns asking which of a few things is meant; the harmless one has the focus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from mailtui.tui.text import Plain, Shown
from mailtui.tui.widgets.buttons import Buttons


class ChooseDialog(ModalScreen[str]):
    """The key of the choice; '' when none was made. `grave` is the key of one that loses something."""

    BINDINGS: ClassVar = [("escape", "leave", "Leave it")]

    def __init__(self, title: str, lines: Sequence[Shown], choices: Mapping[str, str], *, grave: str = "") -> None:
        """`choices` are the buttons' words by key, the one with the focus last."""
        super().__init__()
        self._title = title
        self._lines = lines
        self._choices = choices
        self._grave = grave

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(self._title, classes="title")
            for line in self._lines:
                yield Plain(line)
            with Buttons():
                for key, label in self._choices.items():
                    yield Button(label, id=key or "none", variant="error" if key == self._grave else "default")

    def on_mount(self) -> None:
        last = self.query(Button).last()
        last.variant = "primary"
        last.focus()

    @on(Button.Pressed)
    def chosen(self, event: Button.Pressed) -> None:
        self.dismiss("" if event.button.id == "none" else event.button.id or "")

    def action_leave(self) -> None:
        self.dismiss("")
