"""Owns asking for the right address of somebody who could not be reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.reports import ReportLine
from mailtui.tui.room import start
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.safe_input import SafeInput

Use = Callable[[str], Awaitable[str]]


class AddressDialog(ModalScreen[str | None]):
    """The runner's answer once an address was taken, or None. `use` orders it; what it raises is shown here."""

    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, line: ReportLine, use: Use) -> None:
        super().__init__()
        self._line = line
        self._use = use

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"The right address of row {self._line.row}"), classes="title")
            yield Plain(plain(self._line.reply or self._line.reason, "$text-muted", limit=200))
            yield SafeInput(self._line.address, id="address")
            yield Plain("Only this campaign is changed; correct your list too.", classes="muted")
            yield Plain("enter sends to it at once   esc closes", id="said", classes="muted")

    @on(Input.Submitted)
    def typed(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text == self._line.address:
            self._say("This is the address that was refused; r tries it again.", "$text-error")
        else:
            start(self, partial(self._try, text), "address")

    async def _try(self, address: str) -> None:
        self._say("Asking its runner …")
        try:
            self.dismiss(await self._use(address))
        except MailtuiError as error:
            parts = (sentence(error.title), error.detail, error.hint)
            self._say("\n".join(part for part in parts if part), "$text-error")

    def _say(self, text: str, style: str = "") -> None:
        self.query_one("#said", Plain).show(plain(text, style, newlines=True))

    def action_leave(self) -> None:
        self.dismiss(None)
