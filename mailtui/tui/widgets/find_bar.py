"""Owns the line that asks for a text to find; hidden until it is wanted."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from mailtui.tui.text import Plain
from mailtui.tui.widgets.safe_input import SafeInput


class FindBar(Horizontal):
    """A field; enter finds, esc puts it away."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "put_away", "Close", show=False)]
    DEFAULT_CSS = """
    FindBar {
        height: 1;
        display: none;
        padding: 0 1;
        & > Plain { width: auto; color: $text-muted; }
        & > Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; }
        & > Input:focus { border: none; background: $panel; }
        & > .keys { padding-left: 1; }
    }
    """

    class Asked(Message):
        """A text is to be found."""

        def __init__(self, bar: FindBar, text: str) -> None:
            super().__init__()
            self.bar = bar
            self.text = text

        @property
        def control(self) -> FindBar:
            return self.bar

    class Closed(Message):
        """It was put away."""

    def __init__(
        self,
        label: str = "find",
        what: str = "a part of any cell",
        keys: str = "enter finds   esc closes",
        *,
        id: str | None = None,
    ) -> None:
        """`label` stands before the field, `what` in it while it is empty, `keys` behind it."""
        super().__init__(id=id)
        self._label, self._what, self._keys = label, what, keys

    def compose(self) -> ComposeResult:
        yield Plain(self._label)
        yield SafeInput(placeholder=self._what)
        yield Plain(self._keys, classes="keys")

    def ask(self) -> None:
        """Show the field, with what was looked for last."""
        self.display = True
        line = self.query_one(SafeInput)
        line.focus()
        line.select_all()

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.display = False
        self.post_message(self.Asked(self, event.value) if event.value else self.Closed())

    def action_put_away(self) -> None:
        self.display = False
        self.post_message(self.Closed())
