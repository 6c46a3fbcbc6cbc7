"""Owns the last question before a send: it starts only after the number of recipients has been typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from mailtui.kit.words import counted
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.wrapped import Line, Wrapped


class ConfirmStartDialog(ModalScreen[bool]):
    """Whether to send. The number has the focus; Start is greyed until it is right; enter without one cancels."""

    AUTO_FOCUS = "#count"
    CSS = """
    ConfirmStartDialog .title { height: auto; }
    ConfirmStartDialog #facts { height: auto; max-height: 30vh; margin: 1 0; scrollbar-size-vertical: 1; }
    ConfirmStartDialog.-short #facts { max-height: 9; margin: 0; }
    ConfirmStartDialog #ask { height: 1; }
    ConfirmStartDialog #count { width: 30; background: $panel; }
    ConfirmStartDialog #fact-lines { height: auto; }
    """
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, count: int, facts: Sequence[Line], *, where: str, later: bool = False) -> None:
        """`facts` are the lines that say what is about to happen; `where` ends the question: for real, for example.

        `later`: nothing goes out yet.
        """
        super().__init__()
        self._count = count
        self._facts = facts
        self._where = where
        self._does = ("to schedule it", "schedules") if later else ("to send", "sends")
        self._yes = "Schedule" if later else "Start"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"Send {counted(self._count, 'mail')} {self._where}?"), classes="title")
            with VerticalScroll(id="facts"):
                yield Wrapped(id="fact-lines")
            yield Plain(id="ask")
            yield SafeInput(id="count", restrict=r"[0-9,. ]*", max_length=20, select_on_focus=False, compact=True)
            with Buttons():
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._yes, id="start", variant="error", compact=True, disabled=True)

    def on_mount(self) -> None:
        self.query_one(Wrapped).show_lines(self._facts)
        self._say_what_to_do()

    def _say_what_to_do(self) -> None:
        if not self._is_right:
            said = joined("Type ", plain(str(self._count), "bold $accent"), f" {self._does[0]}:")
        else:
            said = plain(f"Right. Enter goes to {self._yes}.", "$text-success")
        self.query_one("#ask", Plain).show(said)

    @on(Input.Changed)
    def typed(self) -> None:
        self.query_one("#start", Button).disabled = not self._is_right
        self._say_what_to_do()

    @property
    def _is_right(self) -> bool:
        typed = self.query_one(Input).value
        return typed.translate(str.maketrans("", "", ",. ")) == str(self._count)

    @on(Input.Submitted)
    def entered(self) -> None:
        """Enter goes to Start and does not press it: a number and two keys."""
        if self._is_right:
            self.query_one("#start").focus()
            said = f"Right. Enter once more {self._does[1]} {counted(self._count, 'mail')}."
            self.query_one("#ask", Plain).show(plain(said, "$text-success"))
        elif not self.query_one(Input).value.strip():
            self.action_leave()
        else:
            self.query_one("#ask", Plain).show(
                plain(f"That is not the number. Type {self._count} {self._does[0]}:", "$text-warning")
            )

    @on(Button.Pressed, "#start")
    def start(self) -> None:
        self.dismiss(self._is_right)

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        self.dismiss(result=False)
