"""Owns sending a test mail from the preview: one recipient's mail to an address of one's own, and what became of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Input
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.testmail import MARK, TestVerdict
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.tick import Tick

Send = Callable[[str, bool], Awaitable[TestVerdict]]
"""To which address, and whether its subject is marked."""


class SendTestDialog(ModalScreen[None]):
    """Stays open until it is closed, so that what the server said can be read."""

    BINDINGS: ClassVar = [("escape", "leave", "Close")]

    def __init__(self, whose: str, address: str, send: Send) -> None:
        """`whose` mail it is, the address used last, and how to send it."""
        super().__init__()
        self._whose = whose
        self._address = address
        self._send = send
        self._tried = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Send this mail to an address of yours", classes="title")
            yield Plain(plain(f"As {self._whose} would get it. Nobody on the list gets anything.", "$text-muted"))
            yield SafeInput(self._address, placeholder="you@example.com", id="to")
            yield Tick(plain(f"Begin its subject with {MARK.strip()}"), id="mark", compact=True)
            yield Plain(id="result")
            yield Plain("enter sends it   esc closes", id="keys", classes="muted")
            with Buttons():
                yield Button("Close", id="close", compact=True)
                yield Button("Send", id="send", variant="primary", compact=True)

    def on_mount(self) -> None:
        self.query_one(Input).focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#send")
    def sending(self) -> None:
        address = self.query_one(Input).value.strip()
        button = self.query_one("#send", Button)
        if not address:
            self._say(plain("Type an address first.", "$text-warning"))
        elif not button.disabled:
            button.disabled = True
            self._say(plain("Sending …", "$text-muted"))
            self._tried = address
            start(self, self._try, "test")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        failure_of(event)

    async def _try(self) -> None:
        address = self._tried
        try:
            verdict = await self._send(address, self.query_one(Tick).value)
        except MailtuiError as error:
            told = [part for part in (sentence(error.title), error.detail, error.hint) if part]
            self._say(plain("\n".join(told), "$text-error", newlines=True))
            self._offer("enter tries again   esc closes")
        else:
            self._say(_told(verdict, address))
            self._offer("enter or esc closes" if verdict.sent else "enter tries again   esc closes")
            if verdict.sent:
                self.query_one("#close").focus()  # done; a digit or an enter would go into the address, or send anew
        finally:
            self.query_one("#send", Button).disabled = False

    def _offer(self, keys: str) -> None:
        self.query_one("#keys", Plain).show(keys)

    def _say(self, text: Content) -> None:
        self.query_one("#result", Plain).show(text)

    @on(Button.Pressed, "#close")
    def action_leave(self) -> None:
        self.dismiss(None)


def _told(verdict: TestVerdict, address: str) -> Content:
    said = f"{verdict.code} {verdict.text}" if verdict.code is not None else verdict.text
    if verdict.sent:
        return joined(plain("+ Sent ", "bold $text-success"), plain(f"to {address}. The server said: {said}"))
    return joined(
        plain("× Not sent ", "bold $text-error"), plain(f"to {address}. At {verdict.stage}: {said}", limit=2_000)
    )
