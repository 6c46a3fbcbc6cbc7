"""Owns logging in at an account's provider, by browser or by a code: what is under way, how long it may take."""

from __future__ import annotations

import time
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import Worker, WorkerState

from mailtui.errors import MailtuiError
from mailtui.service.account_book import AccountBook, SecretKind
from mailtui.service.facade import Service
from mailtui.service.oauth import LoginProgress, LoginStage, keep_client_secret, login, logout
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, plain, tell
from mailtui.tui.widgets.account_facts import waiting_words
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.wrapped import Line, Wrapped

_LOOK_EVERY = 0.5
_MARKS = {
    LoginStage.REFUSED: ("! ", "$text-warning"),
    LoginStage.ANSWERED: ("+ ", "$text-success"),
    LoginStage.KEPT: ("+ ", "bold $text-success"),
}
_BESIDE_ID = "the app's secret, if the provider gave one beside the client id; enter keeps it, nothing typed forgets it"


class LoginDialog(ModalScreen[bool]):
    """Whether somebody has logged in. Closing it gives up what is under way; nothing listens for an answer then."""

    AUTO_FOCUS = ""
    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Close"),
        Binding("r", "browser", "By browser"),
        Binding("c", "code", "By a code"),
        Binding("y", "copy", "Copy"),
        Binding("s", "secret", "App's secret"),
        Binding("o", "log_out", "Log out"),
    ]
    CSS = """
    LoginDialog > .dialog { width: 84; }
    LoginDialog #told { margin: 1 0; }
    LoginDialog #app-secret { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    LoginDialog Trouble { max-height: 10; margin-bottom: 1; }
    LoginDialog #keys { height: auto; }
    LoginDialog.-short > .dialog { padding: 0 1; }
    """

    def __init__(self, service: Service, account: str) -> None:
        super().__init__()
        self._service = service
        self._book = AccountBook(service)
        self._account = account
        self._told: list[LoginProgress] = []
        self._until: float | None = None
        self._under_way = self._logged_in = self._anew = False
        oauth = service.settings.account(account).oauth
        provider = None if oauth is None else oauth.resolved()
        self._provider = "its provider" if provider is None else provider.title
        self._by_code = provider is not None and bool(provider.device_url)
        self._clock: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"Log in at {self._provider} for {self._account}", limit=120), classes="title")
            yield Wrapped(id="told")
            yield SafeInput(password=True, id="app-secret", placeholder=_BESIDE_ID)
            yield Trouble()
            yield Plain(id="keys", classes="muted")

    def on_mount(self) -> None:
        self._clock = self.set_interval(_LOOK_EVERY, self._show, pause=True)
        self._show()
        start(self, self._begin, "login")

    async def _begin(self) -> None:
        """Whoever is logged in is not sent to the browser unasked."""
        place = await self._book.secret_place(self._account)
        self._logged_in = place.kind is SecretKind.OAUTH
        if self._logged_in:
            self._told = [LoginProgress(LoginStage.KEPT, place.text)]
            self._show()
        else:
            self.action_browser()

    def action_browser(self) -> None:
        """Log in by the browser, anew if need be."""
        self._log_in_anew(device=False)

    def action_code(self) -> None:
        """Log in by a code that is typed on any device."""
        if self._by_code:
            self._log_in_anew(device=True)
        else:
            self.query_one(Trouble).tell(MailtuiError(f"{self._provider} has no login by a code"))

    def _log_in_anew(self, *, device: bool) -> None:
        self._told, self._until, self._under_way = [], None, True
        self.query_one(Trouble).clear()
        assert self._clock is not None
        self._clock.resume()
        self._show()
        start(self, partial(self._log_in, device=device), "login")

    async def _log_in(self, *, device: bool) -> None:
        found = await login(self._service, self._account, self._heard, device=device)
        self._end(logged_in=True)
        self._anew = True
        leave = ", ".join(found.may)
        self._told.append(
            LoginProgress(LoginStage.ANSWERED, f"mailtui may: {leave}." if leave else "mailtui may send.")
        )
        goes_on = waiting_words(found.waiting)
        if goes_on:
            self._told.append(LoginProgress(LoginStage.ANSWERED, goes_on))
        self._show()

    def _heard(self, progress: LoginProgress) -> None:
        self._told.append(progress)
        if progress.seconds is not None:
            self._until = time.monotonic() + progress.seconds
        self._show()

    def action_log_out(self) -> None:
        if self._logged_in and not self._under_way:
            start(self, self._log_out, "login")

    async def _log_out(self) -> None:
        out = await logout(self._service, self._account)
        self._logged_in = False
        said = f"{self._account} is logged out: the login is in the keyring no more. {out.detail}".rstrip()
        self._told = [LoginProgress(LoginStage.REFUSED if out.detail else LoginStage.ANSWERED, said)]
        self._show()

    def _end(self, *, logged_in: bool) -> None:
        self._under_way, self._logged_in, self._until = False, logged_in, None
        if self._clock is not None:
            self._clock.pause()

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None and event.state is WorkerState.ERROR:
            self._end(logged_in=self._logged_in)
            self.query_one(Trouble).tell(error)
            self._show()

    # showing

    def _show(self) -> None:
        self.query_one("#told", Wrapped).show_lines(list(self._lines()))
        self.query_one("#keys", Plain).show(plain(self._keys()))

    def _lines(self) -> list[Line]:
        lines = []
        for step in self._told:
            mark, style = _MARKS.get(step.stage, ("» ", "$text-accent"))
            lines.append(Line(plain(step.text, limit=400), plain(mark, style)))
            if step.code:
                lines.append(Line(plain(step.code, "bold $text-accent"), plain("code     ", "$text-muted")))
            if step.address:
                lines.append(Line(plain(step.address, limit=2_000), plain("address  ", "$text-muted")))
        if self._until is not None:
            lines.append(Line(_left(self._until - time.monotonic()), plain("time     ", "$text-muted")))
        if lines or self.query_one(Trouble).display:
            return lines
        return [Line(plain("Asking the keyring …", "$text-muted"))]

    def _keys(self) -> str:
        keys = {
            "esc gives up": self._under_way,
            "esc closes": not self._under_way,
            "y copies": any(step.address or step.code for step in self._told),
            "r by browser": True,
            "c by a code": self._by_code,
            "o logs out": self._logged_in and not self._under_way,
            "s app's secret": True,
        }
        return "   ".join(key for key, possible in keys.items() if possible)

    # keys

    def action_copy(self) -> None:
        """The code where there is one, else the address."""
        step = next((step for step in reversed(self._told) if step.code or step.address), None)
        if step is not None:
            self.app.copy_to_clipboard(step.code or step.address)
            tell(self.app, f"Copied: the {'code' if step.code else 'address'}")

    def action_secret(self) -> None:
        line = self.query_one("#app-secret", SafeInput)
        line.display = True
        line.focus()

    @on(Input.Submitted, "#app-secret")
    def typed(self, event: Input.Submitted) -> None:
        start(self, partial(self._keep_secret, event.value), "login")

    async def _keep_secret(self, secret: str) -> None:
        await keep_client_secret(self._service, self._account, secret)
        line = self.query_one("#app-secret", SafeInput)
        line.value = ""
        line.display = False
        self.set_focus(None)
        tell(self.app, "The app's secret is in the keyring." if secret else "The app's secret is forgotten.")
        self.action_browser()

    def action_leave(self) -> None:
        self.dismiss(self._anew)


def _left(seconds: float) -> Content:
    whole = max(0, int(seconds))
    return plain(f"{whole // 60}:{whole % 60:02} left", "$text-warning" if whole < 60 else "")


async def log_in(app: App[Any], service: Service, account: str) -> bool:
    """Have the person log in or out; whether somebody did log in."""
    return await app.push_screen_wait(LoginDialog(service, account))
