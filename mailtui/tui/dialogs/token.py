"""Owns the question whose a token is: paste it, see who it is, put them on the suppression list."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.facade import Service
from mailtui.service.leaving import Leaver, let_go, whose
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, plain, tell
from mailtui.tui.widgets.named_field import NamedField

_MEANS = "It is in the link or the subject by which somebody asks to leave, which do as well; none can be made up."
_LOOK = "enter says whose it is   esc closes"
_PUT = "enter puts them on the list   esc closes"


class TokenDialog(ModalScreen[Leaver | None]):
    """Who is to be put on the list; or None."""

    DEFAULT_CSS = """
    TokenDialog #said { margin-top: 1; height: auto; }
    """
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]
    AUTO_FOCUS = "#token"

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self._leaver: Leaver | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Whose token is it?", classes="title")
            yield NamedField("Token", "", of="token", hint="v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5g")
            yield Plain(plain(f"{_MEANS}\n{_LOOK}", newlines=True), id="said", classes="muted")

    @on(Input.Changed)
    def changed(self) -> None:
        """Another text is nobody's yet."""
        self._leaver = None

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        if self._leaver is not None:
            self.dismiss(self._leaver)
        else:
            start(self, partial(self._look, event.value), "token")

    async def _look(self, text: str) -> None:
        leaver = await whose(self._service, text)
        if self.query_one("#token", Input).value == text:
            self._leaver = leaver
            which = f"the suppression list of {leaver.list}" if leaver.list else "everybody's suppression list"
            self.query_one("#said", Plain).show(plain(f"{leaver.words}\nTo be put on {which}.\n{_PUT}", newlines=True))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self.query_one("#said", Plain).show(plain(_in_full(error), "$text-error", newlines=True))

    def action_leave(self) -> None:
        self.dismiss(None)


async def take_token(app: App[Any], service: Service) -> bool:
    """Ask for a token and put whose it is on the list; whether that was done."""
    leaver = await app.push_screen_wait(TokenDialog(service))
    if leaver is None:
        return False
    new = await let_go(service, leaver)
    tell(app, f"{leaver.address} is on the list{'.' if new else ' already.'}")
    return True


def _in_full(error: MailtuiError) -> str:
    return "\n".join(part for part in (sentence(error.title), error.detail, error.hint) if part)
