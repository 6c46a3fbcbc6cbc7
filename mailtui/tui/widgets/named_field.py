"""Owns one line of a form: what is asked for, and the line to type it into."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal

from mailtui.tui.text import Plain
from mailtui.tui.widgets.safe_input import SafeInput


class NamedField(Horizontal):
    """A name, and beside it a `SafeInput` with the id given; `hint` is shown in it while it is empty."""

    DEFAULT_CSS = """
    NamedField { height: 1; margin-top: 1; }
    NamedField Plain { width: 10; }
    NamedField SafeInput { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; }
    NamedField SafeInput:focus { border: none; }
    """

    def __init__(self, name: str, value: str, *, of: str, hint: str) -> None:
        super().__init__()
        self._name_shown, self._value, self._of, self._hint = name, value, of, hint

    def compose(self) -> ComposeResult:
        yield Plain(self._name_shown)
        yield SafeInput(self._value, id=self._of, placeholder=self._hint)
