"""Owns the question what another launch of a series means whose message changed, or that was cancelled."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from mailtui.kit.words import sentence
from mailtui.service.lists import Again, MessageChanged, WasCancelled
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.buttons import Buttons


class ChangedDialog(ModalScreen[Again | None]):
    """What to do, or None to stop. The focus is on stopping."""

    AUTO_FOCUS = "#stop"
    BINDINGS: ClassVar = [("escape", "leave", "Stop")]
    CSS = """
    ChangedDialog #ways { layout: vertical; height: auto; }
    ChangedDialog .keys { margin-top: 1; }
    """

    def __init__(self, error: MessageChanged | WasCancelled) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("This was launched before", classes="title")
            yield Plain(plain(sentence(self._error.title)))
            yield Plain("8 shows who got it. The number of mails is asked for before any is sent.", classes="muted")
            yield Plain("")
            with Buttons(id="ways"):
                yield Button("Stop: send nothing now", id="stop", compact=True)
                if isinstance(self._error, MessageChanged):
                    yield Button("Top up: only to those who did not get the earlier one", id="top-up", compact=True)
                yield Button("New: to everybody, also those who got the earlier one", id="new", compact=True)
            yield Plain("↑↓ choose   enter takes it   esc stops", classes="muted keys")

    @on(Button.Pressed, "#new")
    def new(self) -> None:
        self.dismiss(Again.NEW)

    @on(Button.Pressed, "#top-up")
    def top_up(self) -> None:
        self.dismiss(Again.TOP_UP)

    @on(Button.Pressed, "#stop")
    def action_leave(self) -> None:
        self.dismiss(None)
