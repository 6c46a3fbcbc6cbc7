"""Owns putting somebody on the suppression list by hand, from its own screen, from a row, from a report; and
taking them off it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
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
from mailtui.service.suppression import SuppressionEntry
from mailtui.tui.dialogs.confirm import ConfirmDialog
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, plain, tell
from mailtui.tui.widgets.named_field import NamedField

Put = Callable[[str, str, str], Awaitable[str]]
"""Puts an address on a list (`""` for everybody's), with a reason; what came of it, in words."""

LIST_HINT = "everybody's; or a name, for campaigns with that list"
_MEANS = "They get nothing from now on, also from what is being sent; @example.com is everybody there."
_KEYS = "enter puts it on the list   tab to the next field   esc closes"


class SuppressDialog(ModalScreen[str | None]):
    """What came of it, in words; or None."""

    DEFAULT_CSS = """
    SuppressDialog #said { margin-top: 1; height: auto; }
    """
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, put: Put, *, address: str = "", list_name: str = "") -> None:
        super().__init__()
        self._put = put
        self._address = address
        self._list = list_name
        self.AUTO_FOCUS = "#reason" if address else "#address"  # type: ignore[misc]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Send no mail to", classes="title")
            yield NamedField("Address", self._address, of="address", hint="ann@example.com, or @example.com")
            yield NamedField("List", self._list, of="list", hint=LIST_HINT)
            yield NamedField("Why", "", of="reason", hint="asked by mail")
            yield Plain(plain(f"{_MEANS}\n{_KEYS}", newlines=True), id="said", classes="muted")

    @on(Input.Submitted)
    def typed(self) -> None:
        address, name, reason = (
            self.query_one(f"#{key}", Input).value.strip() for key in ("address", "list", "reason")
        )
        if address:
            start(self, partial(self._try, address, name, reason), "suppress")
        else:
            self._say("Type an address, or @ and a domain.")

    async def _try(self, address: str, name: str, reason: str) -> None:
        self.dismiss(await self._put(address, name, reason))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._say(_in_full(error))

    def _say(self, text: str) -> None:
        self.query_one("#said", Plain).show(plain(text, "$text-error", newlines=True))

    def action_leave(self) -> None:
        self.dismiss(None)


async def suppress(
    app: App[Any], service: Service, address: str = "", *, list_name: str = "", source: str = "by hand"
) -> bool:
    """Ask for what is missing, put the address on the list, and say so; whether that was done.

    `source` says where the address was met, such as `row 12 of customers.csv`.
    """

    async def put(who: str, name: str, reason: str) -> str:
        word = await service.suppression.word_on_list(name)
        added = await service.suppression.add([who], list_name=name, reason=reason, source=source)
        where = f"the list of {name}" if name else "the suppression list"
        done = f"{who} is on {where}." if added.new else f"{who} was on {where} already."
        return f"{done} {word}".rstrip()

    said = await app.push_screen_wait(SuppressDialog(put, address=address, list_name=list_name))
    if said is None:
        return False
    tell(app, said)
    return True


async def take_off(app: App[Any], service: Service, entry: SuppressionEntry) -> bool:
    """Ask whether an entry is to be taken off, do it, and say who goes on getting nothing; whether that was done."""
    what = f"campaigns of {entry.list}" if entry.list else "any campaign"
    whom = f"Everybody at {entry.address[1:]}" if entry.address.startswith("@") else entry.address
    lines = (
        f"{whom} will get mail again from {what}, if launched from now on.",
        plain("Did they ask to be left alone? Then leave them here.", "$text-muted"),
    )
    dialog = ConfirmDialog("Take this off the suppression list?", lines, yes="Take it off", no="Leave it")
    if not await app.push_screen_wait(dialog):
        return False
    removed = await service.suppression.remove([entry.address], list_name=entry.list)
    still = f" It still gets nothing: {removed.still[0][1]}." if removed.still else ""
    tell(app, f"{entry.address} is off the list.{still}")
    return True


def _in_full(error: MailtuiError) -> str:
    return "\n".join(part for part in (sentence(error.title), error.detail, error.hint) if part)
