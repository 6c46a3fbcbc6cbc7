"""Owns trying out the server of a campaign: its steps as they are taken, what was said on the way, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.durations import show_wait
from mailtui.kit.words import sentence
from mailtui.service.accounts import Direction, Server, Step, Trial, try_out
from mailtui.service.facade import Service
from mailtui.tui.dialogs.password import asking_password
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.wrapped import Line, Wrapped

_MARKS = {
    Direction.SAID: ("> ", "$text-accent"),
    Direction.HEARD: ("< ", ""),
    Direction.NOTED: ("- ", "$text-muted"),
}


class TryAccountDialog(ModalScreen[None]):
    """Nothing is sent before an address is typed for it. Closing it ends what is under way."""

    AUTO_FOCUS = "#tried"
    BINDINGS: ClassVar = [
        Binding("escape,q", "leave", "Close"),
        Binding("r", "again", "Again"),
        Binding("t", "turn", "Transcript"),
        Binding("m", "mail", "Mail"),
    ]
    CSS = """
    TryAccountDialog > .dialog { width: 96; }
    TryAccountDialog #tried { height: auto; max-height: 60vh; margin: 1 0; }
    TryAccountDialog #tried-lines { height: auto; }
    TryAccountDialog #outcome { height: auto; }
    TryAccountDialog #to { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    TryAccountDialog.-short > .dialog { padding: 0 2; }
    TryAccountDialog.-short #tried { max-height: 62vh; margin: 0; }
    """

    def __init__(self, service: Service, server: Server) -> None:
        super().__init__()
        self._service = service
        self._server = server
        self._steps: list[Step] = []
        self._trial: Trial | None = None
        self._error: MailtuiError | None = None
        self._transcript = False

    def compose(self) -> ComposeResult:
        endpoint = self._server.endpoint
        where = "" if self._server.name == str(endpoint) else f"{self._server.name}, "
        with Vertical(classes="dialog"):
            yield Plain(plain(f"Trying out {where}{endpoint}", limit=200), classes="title")
            with VerticalScroll(id="tried"):
                yield Wrapped(id="tried-lines")
            yield Plain(id="outcome")
            yield SafeInput(id="to", placeholder="you@example.com; enter sends a mail there that says what it is")
            yield Plain(id="keys", classes="muted")

    def on_mount(self) -> None:
        self.action_again()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        failure_of(event)

    def action_again(self) -> None:
        """Try it anew; a password that was refused is asked for anew, since it may have been mistyped."""
        if self._trial is not None and self._trial.login_refused:
            self._service.tell_password(self._server.endpoint.account, None)
        self._begin(None)

    def _begin(self, to: str | None) -> None:
        self._steps, self._trial, self._error, self._transcript = [], None, None, False
        self._show()
        start(self, partial(self._try, to), "try")

    def action_mail(self) -> None:
        """Ask for an address to send a mail to, once everything before it is known to work."""
        if self._works:
            line = self.query_one("#to", SafeInput)
            line.display = True
            line.focus()

    @on(Input.Submitted, "#to")
    def addressed(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.query_one("#tried").focus()
        if event.value.strip():
            self._begin(event.value.strip())

    @property
    def _works(self) -> bool:
        return self._trial is not None and self._trial.probe.ok

    async def _try(self, to: str | None) -> None:
        try:
            self._trial = await asking_password(
                self.app, self._service, lambda: try_out(self._service, self._server, to=to, tell=self._heard)
            )
        except MailtuiError as error:
            self._error = error
        self._show()

    def _heard(self, step: Step) -> None:
        self._steps.append(step)
        self._show()

    def action_turn(self) -> None:
        """Between the steps and what was said."""
        if self._trial is not None:
            self._transcript = not self._transcript
            self._show()
            self.call_after_refresh(self.query_one("#tried").scroll_home, animate=False)

    def _show(self) -> None:
        lines = _spoken(self._trial) if self._transcript and self._trial is not None else _taken(self._steps)
        self.query_one(Wrapped).show_lines(list(lines))
        self.query_one("#outcome", Plain).show(self._outcome())
        if not self._transcript:  # when the new lines have their place: until then its end is that of the former ones
            self.call_after_refresh(self.query_one("#tried").scroll_end, animate=False)
        over = self._trial is not None or self._error is not None
        turn = "" if self._trial is None else f"   t {'steps' if self._transcript else 'transcript'}"
        mail = "   m mail to yourself" if self._works else ""
        self.query_one("#keys", Plain).show(f"esc closes   r again{turn}{mail}" if over else "esc stops it and closes")

    def _outcome(self) -> Content:
        if self._error is not None:
            told = [part for part in (sentence(self._error.title), self._error.detail, self._error.hint) if part]
            return plain("\n".join(told), "$text-error", newlines=True)
        if self._trial is None:
            return plain("Trying …", "$text-muted")
        if self._works:
            to = self._trial.sent_to
            done = f"a mail to {to} is on its way" if to else "nothing was sent"
            return plain(f"+ It works; {done}.", "bold $text-success", limit=300)
        return plain(f"× {self._trial.failure}", "bold $text-error")

    def action_leave(self) -> None:
        self.dismiss(None)


def _taken(steps: list[Step]) -> Iterator[Line]:
    for step in steps:
        style = "$text-success" if step.ok else "bold $text-error"
        took = "" if step.seconds is None else show_wait(step.seconds)
        lead = joined(plain(f"{'+' if step.ok else '×'} {step.name:<9}", style), plain(f"{took:>7}  ", "$text-muted"))
        yield Line(plain(step.text, "" if step.ok else "$text-error", limit=300), lead)
        width = max((len(name) for name, _ in step.facts), default=0) + 2
        for name, value in step.facts:
            yield Line(plain(value, limit=200), plain(f"    {name:<{width}}", "$text-muted", limit=40))
        if step.advice:
            yield Line(plain(step.advice, "$text-warning"), plain("    "))


def _spoken(trial: Trial) -> Iterator[Line]:
    for line in trial.transcript:
        mark, style = _MARKS[line.direction]
        yield Line(plain(line.text, style), joined(plain(f"{line.at:7.3f} ", "$text-muted"), plain(mark, style)))
