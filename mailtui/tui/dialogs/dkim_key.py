"""Owns an account's key for DKIM in the app: the DNS record that belongs to it, whether the DNS has it, a new key."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import Worker

from mailtui.kit.words import sentence
from mailtui.service.dkim_keys import DkimKey, DkimKeys, Finding
from mailtui.service.facade import Service
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, from_home, plain, tell
from mailtui.tui.widgets.safe_input import SafeInput
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.wrapped import Line, Wrapped

_UNSIGNED = "Its mails are not signed here; the server may sign them. A key of its own: m."
_REPLACED = "What is signed by the new one needs a new record; leave the former in the DNS for some days more."
_FOUND = {"error": ("× ", "$text-error"), "warning": ("! ", "$text-warning")}


class DkimDialog(ModalScreen[bool]):
    """Whether a key was made. The DNS is asked when a person wants it."""

    AUTO_FOCUS = "#record"
    BINDINGS: ClassVar = [
        Binding("escape,q", "leave", "Close"),
        Binding("y", "copy", "Copy"),
        Binding("n", "ask_dns", "Ask the DNS"),
        Binding("m", "make", "Make a key"),
    ]
    CSS = """
    DkimDialog > .dialog { width: 92; }
    DkimDialog #record { height: auto; max-height: 50vh; margin: 1 0; }
    DkimDialog #record-lines { height: auto; }
    DkimDialog #domain { display: none; height: 1; border: none; padding: 0 1; background: $panel; }
    DkimDialog Trouble { max-height: 8; }
    DkimDialog.-short > .dialog { padding: 0 1; }
    DkimDialog.-short #record { margin: 0; }
    """

    def __init__(self, service: Service, account: str) -> None:
        super().__init__()
        self._service = service
        self._keys = DkimKeys(service)
        self._account = account
        self._key: DkimKey | None = None
        self._finding: Finding | None = None
        self._made = False
        self._busy = ""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"The key that {self._account} signs with (DKIM)", limit=120), classes="title")
            with VerticalScroll(id="record"):
                yield Wrapped(id="record-lines")
            yield SafeInput(id="domain", placeholder="the domain in From, such as acme.test; enter makes the key")
            yield Trouble()
            yield Plain(id="keys", classes="muted")

    def on_mount(self) -> None:
        if self._service.settings.account(self._account).dkim is None:
            self._show()
        else:
            self._work("Asking the keyring …", self._look)

    async def _look(self) -> None:
        self._key = await self._keys.of(self._account)

    async def _compare(self) -> None:
        if self._key is not None:
            self._finding = await self._keys.compare(self._key)

    async def _make(self, domain: str) -> None:
        self._key = await self._keys.make(self._account, "rsa", domain=domain)
        self._made, self._finding = True, None

    def _work(self, said: str, work: Callable[[], Awaitable[None]]) -> None:
        """Have this done beside the screen, saying so meanwhile."""

        async def done() -> None:
            try:
                await work()
            finally:
                self._busy = ""
            self._show()

        self._busy = said
        self.query_one(Trouble).clear()
        self._show()
        start(self, done, "key")

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._show()
            self.query_one(Trouble).tell(error)

    # showing

    def _show(self) -> None:
        self.query_one(Wrapped).show_lines(list(self._lines()))
        keys = {"esc closes": True, "y copies": self._key, "n asks the DNS": self._key, "m makes a new key": True}
        self.query_one("#keys", Plain).show("   ".join(key for key, possible in keys.items() if possible))

    def _lines(self) -> Iterator[Line]:
        key = self._key
        if self._busy:
            yield Line(plain(self._busy, "$text-muted"))
        elif key is None:
            yield Line(plain(_UNSIGNED))
        if key is None:
            return
        kept = "the keyring" if key.kept == "keyring" else from_home(key.kept)
        yield Line(plain(f"Signs for {key.domain} by {key.kind}, {key.bits:,} bits; the key is in {kept}.", limit=300))
        if key.caution:
            yield Line(plain(key.caution, "$text-warning", limit=200))
        yield Line(
            plain("Its record in the DNS:" if not self._made else "Put this into the DNS before anything is sent:")
        )
        yield Line(plain(key.line, "$text-accent", limit=4_000), plain("  "))
        if self._finding is not None:
            mark, style = _FOUND.get(self._finding.severity, ("+ ", "$text-success"))
            yield Line(plain(sentence(self._finding.message), style, limit=400), plain(mark, style))
            if self._finding.hint:
                yield Line(plain(self._finding.hint, limit=400), plain("  "))

    # keys

    def action_copy(self) -> None:
        if self._key is not None:
            self.app.copy_to_clipboard(self._key.line)
            tell(self.app, "Copied: the record")

    def action_ask_dns(self) -> None:
        if self._key is not None:
            self._work("Asking the DNS …", self._compare)

    def action_make(self) -> None:
        line = self.query_one("#domain", SafeInput)
        spec = self._service.settings.account(self._account).dkim
        line.value = (self._key.domain if self._key is not None else "") or (spec.domain if spec else "") or ""
        line.display = True
        line.focus()

    @on(Input.Submitted, "#domain")
    def named(self, event: Input.Submitted) -> None:
        event.input.display = False
        self.query_one("#record").focus()
        start(self, partial(self._agree, event.value.strip()), "key")

    async def _agree(self, domain: str) -> None:
        """Nobody's key is replaced unasked."""
        if await self._keys.there(self._account):
            lines = [plain(_REPLACED)]
            question = ConfirmDialog("Replace the key that there is?", lines, yes="Replace it", no="Leave it")
            if not await self.app.push_screen_wait(question):
                return
        self._work("Making a key …", partial(self._make, domain))

    def action_leave(self) -> None:
        self.dismiss(self._made)
