"""Owns asking for a row, by its number or by the address in it."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mailtui.kit.words import counted
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.safe_input import SafeInput


class GotoDialog(ModalScreen[int | str | None]):
    """A row's number within 1 to `rows`, an address as it was typed, or None."""

    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, rows: int, *, title: str = "Go to a row") -> None:
        super().__init__()
        self._rows = rows
        self._title = title

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(self._title, classes="title")
            yield SafeInput(placeholder=f"1 to {self._rows:,}, or a mail address", id="goto")
            yield Plain(id="goto-trouble", classes="trouble")
            yield Plain("enter goes there   esc closes", classes="muted")

    @on(Input.Changed)
    def changed(self) -> None:
        self.query_one("#goto-trouble", Plain).show("")

    @on(Input.Submitted)
    def typed(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        digits = text.replace(",", "").replace("_", "").replace(" ", "")
        if "@" in text:
            self.dismiss(text)
        elif not digits.isdecimal():
            self._refuse("Type a row's number, or a mail address." if text else "")
        elif not 1 <= int(digits[:20]) <= self._rows:
            self._refuse(f"There is no row {int(digits[:20]):,}: the list has {counted(self._rows, 'row')}.")
        else:
            self.dismiss(int(digits))

    def _refuse(self, why: str) -> None:
        self.query_one("#goto-trouble", Plain).show(plain(why, limit=200))

    def action_leave(self) -> None:
        self.dismiss(None)
