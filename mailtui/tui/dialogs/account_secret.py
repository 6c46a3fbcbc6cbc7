"""Owns giving an account its password: into the keyring, for this run only, or forgetting it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input
from textual.worker import Worker, WorkerState

from mailtui.service.account_book import AccountBook, SecretKind, SecretPlace, Waiting
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.widgets.account_facts import secret_words, waiting_words
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.trouble import Trouble

_MEANS = "Kept, it goes into the system's keyring and is read back; it is in no file of mailtui."
_THIS_RUN = "For this run only it stays in memory until the app is closed: nothing is written."
_WAITING = "Asking the keyring … If it wants to be unlocked, a window of its own says so.   esc closes"
_KEYS = "enter keeps it   tab to the others   esc closes"
_NOTHING = "Type the password first."


class SecretDialog(ModalScreen[str | None]):
    """What was done, in a sentence; or None. The keyring may take its time: only this dialog waits for it."""

    AUTO_FOCUS = "#password"
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]
    CSS = """
    SecretDialog > .dialog { width: 74; }
    SecretDialog #place, SecretDialog #means, SecretDialog #said { height: auto; }
    SecretDialog #password { margin: 1 0; height: 1; border: none; padding: 0 1; background: $panel; }
    SecretDialog #said { margin-top: 1; }
    SecretDialog Trouble { margin-top: 1; max-height: 8; }
    SecretDialog.-short > .dialog { padding: 0 1; max-height: 100%; }
    SecretDialog.-narrow #said, SecretDialog.-narrow Trouble, SecretDialog.-narrow .buttons { margin-top: 0; }
    SecretDialog.-narrow #password { margin: 0; }
    """

    def __init__(self, book: AccountBook, account: str, *, hint: str = "") -> None:
        """`hint` says what kind of password the provider wants."""
        super().__init__()
        self._book = book
        self._account = account
        self._hint = hint

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"The password of {self._account}", limit=120), classes="title")
            yield Plain(plain("Looking where it is …", "$text-muted"), id="place")
            yield SafeInput(password=True, id="password", placeholder=self._hint)
            yield Plain(plain(f"{_MEANS}\n{_THIS_RUN}", newlines=True), id="means", classes="muted")
            yield Trouble()
            yield Plain(_KEYS, id="said", classes="muted")
            with Buttons():
                yield Button("Forget it", id="forget", compact=True, disabled=True)
                yield Button("This run only", id="run", compact=True)
                yield Button("Keep in the keyring", id="keep", variant="primary", compact=True)

    def on_mount(self) -> None:
        start(self, self._look, "look")

    async def _look(self) -> None:
        self._show_place(await self._book.secret_place(self._account))

    def _show_place(self, place: SecretPlace) -> None:
        missing = place.kind is SecretKind.MISSING
        tried = plain(f", {place.text}" if missing else "", "$text-muted", limit=400)
        self.query_one("#place", Plain).show(joined(secret_words(place), tried))
        self.query_one("#forget", Button).disabled = place.kind is not SecretKind.KEYRING

    @property
    def _typed(self) -> str:
        return self.query_one("#password", Input).value

    @on(Input.Submitted)
    @on(Button.Pressed, "#keep")
    def keep(self) -> None:
        if self._has_some():
            self._ask(partial(self._keep, self._typed))

    async def _keep(self, secret: str) -> None:
        waiting = await self._book.store_secret(self._account, secret)
        self._done(f"The password of {self._account} is in the keyring, and was read back.", waiting)

    @on(Button.Pressed, "#run")
    def for_this_run(self) -> None:
        if self._has_some():
            self._ask(partial(self._use, self._typed))

    async def _use(self, secret: str) -> None:
        waiting = await self._book.use_secret(self._account, secret)
        self._done(f"The password of {self._account} is known until the app is closed.", waiting)

    def _done(self, said: str, waiting: Waiting) -> None:
        self.dismiss(" ".join(filter(None, (said, waiting_words(waiting)))))

    @on(Button.Pressed, "#forget")
    def forget(self) -> None:
        self._ask(self._forget)

    async def _forget(self) -> None:
        had = await self._book.forget_secret(self._account)
        what = "is forgotten: the keyring has it no more" if had else "was not in the keyring"
        self.dismiss(f"The password of {self._account} {what}.")

    def _has_some(self) -> bool:
        if not self._typed:
            self._say(plain(_NOTHING, "$text-warning"))
            self.query_one("#password").focus()
        return bool(self._typed)

    # asking the keyring

    def _ask(self, work: Callable[[], Awaitable[None]]) -> None:
        self.query_one(Trouble).clear()
        self._say(plain(_WAITING, "$text-warning"))
        self._let(can=False)

        async def asked() -> None:
            await work()

        start(self, asked, "keyring")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Where the keyring takes nothing, that is said in full, and the password stays typed for this run."""
        error = failure_of(event)
        if event.worker.group == "keyring" and event.state is WorkerState.ERROR and error is not None:
            self._let(can=True)
            self.query_one("#means").display = False  # where room is short, the error needs it
            self.query_one(Trouble).tell(error, after='It was not kept. "This run only" uses what is typed.')
            self._say(plain(_KEYS, "$text-muted"))
            self.query_one("#run").focus()

    def _let(self, *, can: bool) -> None:
        """Whether anything can be pressed."""
        for name in ("#run", "#keep"):
            self.query_one(name, Button).disabled = not can
        self.query_one("#password", Input).disabled = not can

    def _say(self, text: Any) -> None:
        self.query_one("#said", Plain).show(text)

    def action_leave(self) -> None:
        self.dismiss(None)


async def change_secret(app: App[Any], book: AccountBook, account: str) -> None:
    """Have the person give an account its password, or take it away, and say what was done."""
    preset = book.draft(name=account).preset
    hint = next((known.secret_hint for known in book.presets() if known.name == preset), "")
    said = await app.push_screen_wait(SecretDialog(book, account, hint=hint))
    if said is not None:
        tell(app, said)
