"""Owns asking how fast a campaign is to go on: its rate, and the window of its connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mailtui.kit.words import sentence
from mailtui.service.terms import MAX_WINDOW, parse_rate, show_rate, what_a_window_means
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.safe_input import SafeInput


@dataclass(frozen=True, slots=True)
class Pace:
    """Messages a second, None for no limit, and messages under way on each connection."""

    rate: float | None
    window: int


class RateDialog(ModalScreen[Pace | None]):
    """The pace that was typed, or None."""

    AUTO_FOCUS = "#rate"
    DEFAULT_CSS = """
    RateDialog Horizontal { height: auto; margin-top: 1; }
    RateDialog Horizontal Plain { width: 1fr; padding-top: 1; }
    RateDialog Horizontal SafeInput { width: 12; }
    RateDialog #said { margin-top: 1; }
    RateDialog.-short Horizontal { margin-top: 0; }
    RateDialog.-short #said { margin-top: 0; }
    """
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, rate: float | None, window: int) -> None:
        super().__init__()
        self._rate = rate
        self._window = window

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("How many mails may begin, at most?", classes="title")
            yield Plain("Such as 10/s, 600/m or 5000/h. Nothing typed: as fast as the server takes it.")
            yield SafeInput("" if self._rate is None else show_rate(self._rate), id="rate", placeholder="no limit")
            with Horizontal():
                yield Plain("And how many mails may be under way on each connection?")
                yield SafeInput(str(self._window), id="window", restrict=r"[0-9]*", max_length=2)
            yield Plain(id="means", classes="muted")
            yield Plain("enter sets both at once   tab to the other   esc closes", id="said", classes="muted")

    @on(Input.Changed, "#window")
    def explain(self, event: Input.Changed) -> None:
        text = event.value
        chosen = int(text) if text.isdecimal() and 1 <= int(text) <= MAX_WINDOW else 1
        self.query_one("#means", Plain).show(what_a_window_means(chosen))

    @on(Input.Submitted)
    def typed(self) -> None:
        rate, window = (self.query_one(name, Input).value.strip() for name in ("#rate", "#window"))
        try:
            if not window.isdecimal() or not 1 <= int(window) <= MAX_WINDOW:
                raise ValueError(f"The window is a number from 1 to {MAX_WINDOW}")
            self.dismiss(Pace(parse_rate(rate) if rate else None, int(window)))
        except ValueError as error:
            self.query_one("#said", Plain).show(plain(sentence(str(error)), "$text-error"))

    def action_leave(self) -> None:
        self.dismiss(None)
