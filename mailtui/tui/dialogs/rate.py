"""Owns asking for a rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mailtui.kit.words import sentence
from mailtui.service.terms import parse_rate, show_rate
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.safe_input import SafeInput


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second, None for no limit."""

    rate: float | None


class RateDialog(ModalScreen[Pace | None]):
    """The rate that was typed, or None."""

    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, rate: float | None) -> None:
        super().__init__()
        self._rate = rate

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("At most how many messages may begin, and in which time?", classes="title")
            yield Plain("Such as 10/s, 600/m or 5000/h. Nothing typed: as fast as the server takes it.")
            yield SafeInput("" if self._rate is None else show_rate(self._rate), id="rate", placeholder="no limit")
            yield Plain("enter sets it at once   esc closes", id="said", classes="muted")

    @on(Input.Submitted)
    def typed(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        try:
            self.dismiss(Pace(parse_rate(text) if text else None))
        except ValueError as error:
            self.query_one("#said", Plain).show(plain(sentence(str(error)), "$text-error"))

    def action_leave(self) -> None:
        self.dismiss(None)
