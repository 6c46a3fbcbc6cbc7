"""Owns the question what becomes of a running send when the app is left."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from mailtui.kit.words import counted
from mailtui.tui.text import Plain
from mailtui.tui.widgets.buttons import Buttons


class Leaving(Enum):
    """What a person wants when leaving while something is being sent."""

    SEND_ON = "send-on"
    PAUSE = "pause"
    STAY = "stay"


class QuitDialog(ModalScreen[Leaving]):
    """Sending on in the background is the default."""

    AUTO_FOCUS = "#send-on"
    BINDINGS: ClassVar = [("escape", "stay", "Stay")]

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = names

    def compose(self) -> ComposeResult:
        what = self._names[0] if len(self._names) == 1 else counted(len(self._names), "campaign")
        with Vertical(classes="dialog"):
            yield Plain(f"{what} is being sent" if len(self._names) == 1 else f"{what} are being sent", classes="title")
            yield Plain("The app may close: a process of its own sends on, and the app finds it again when it opens.")
            yield Plain("Pausing lets finish what is under way, and begins nothing more until it is resumed.")
            with Buttons():
                yield Button("Send on", id="send-on", variant="primary")
                yield Button("Pause", id="pause")
                yield Button("Stay", id="stay")

    @on(Button.Pressed)
    def chosen(self, event: Button.Pressed) -> None:
        self.dismiss(Leaving(event.button.id))

    def action_stay(self) -> None:
        self.dismiss(Leaving.STAY)
