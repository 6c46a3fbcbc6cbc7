"""Owns asking what becomes of recipients whose own times passed while nobody was there; to wait has the focus."""

from __future__ import annotations

from typing import ClassVar, Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from mailtui.kit.words import sentence
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.buttons import Buttons

Wanted = Literal["send", "skip"]


class MissedDialog(ModalScreen[Wanted | None]):
    """To send to them now, to leave them out, or None to do nothing yet. `reason` is why the campaign waits."""

    AUTO_FOCUS = "#wait"
    BINDINGS: ClassVar = [("escape", "leave", "Let it wait")]

    def __init__(self, name: str, reason: str) -> None:
        super().__init__()
        self._campaign = name
        self._reason = reason.partition("; ")[0]  # what follows are the same two choices, as commands

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"Times of {self._campaign} have passed", limit=120), classes="title")
            yield Plain(plain(sentence(self._reason[:1].upper() + self._reason[1:]), limit=400))
            yield Plain("Send to them now as well, or leave them out for good? The others get their mails either way.")
            with Buttons():
                yield Button("Send now", id="send", variant="error")
                yield Button("Leave them out", id="skip", variant="error")
                yield Button("Let it wait", id="wait", variant="primary")

    @on(Button.Pressed, "#send")
    def send(self) -> None:
        self.dismiss("send")

    @on(Button.Pressed, "#skip")
    def skip(self) -> None:
        self.dismiss("skip")

    @on(Button.Pressed, "#wait")
    def action_leave(self) -> None:
        self.dismiss(None)
