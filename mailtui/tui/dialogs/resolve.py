"""Owns asking what became of mails whose outcome is unknown; deciding nothing has the focus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button

from mailtui.kit.words import counted
from mailtui.service.orders import Decision
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.tick import Tick


@dataclass(frozen=True, slots=True)
class Resolved:
    """What was decided, for one mail or for `all` of them."""

    decision: Decision
    all: bool


class ResolveDialog(ModalScreen[Resolved | None]):
    """The decision, or None. `address` and `message_id` are those under the cursor; without them it is about all."""

    AUTO_FOCUS = "#cancel"
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, count: int, address: str = "", message_id: str = "") -> None:
        super().__init__()
        self._count = count
        self._address = address
        self._message_id = message_id

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Did it arrive?" if self._address else "Did they arrive?", classes="title")
            if self._address:
                yield Plain(plain(f"{self._address}   {self._message_id}"))
            yield Plain(
                "The connection broke after the whole message was handed over and before the server's word about it. "
                "It may have arrived; only the server's log or the recipient can tell. Sent again, it is the same "
                "mail with the same Message-ID, and may arrive twice.",
                classes="muted",
            )
            yield Tick(
                f"all {counted(self._count, 'unknown mail')}", value=not self._address, disabled=not self._address
            )
            with Buttons():
                yield Button("It arrived", id="sent")
                yield Button("Send again", id="resend", variant="error")
                yield Button("Cancel", id="cancel", variant="primary")

    @on(Button.Pressed, "#sent")
    def arrived(self) -> None:
        self._decide("sent")

    @on(Button.Pressed, "#resend")
    def again(self) -> None:
        self._decide("resend")

    def _decide(self, decision: Decision) -> None:
        self.dismiss(Resolved(decision, self.query_one(Tick).value))

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        self.dismiss(None)
