"""Owns the offer to make a campaign of a template of mailmerge: into which folder, with which list."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.importing import Imported, Sources, import_mailmerge
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.named_field import NamedField

_MEANS = "It was written for mailmerge. The files are copied and none is changed. A password is not taken over."
_MAKE = "enter makes the campaign   tab moves on   esc closes"
_OPEN = "enter opens the campaign   up and down scroll   esc closes"


class ImportMailmergeDialog(ModalScreen[Path | None]):
    """The campaign file that was made, or None."""

    DEFAULT_CSS = """
    ImportMailmergeDialog #told { margin: 1 0; height: auto; max-height: 40vh; }
    ImportMailmergeDialog #said { height: auto; }
    """
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]
    AUTO_FOCUS = "#folder"

    def __init__(self, sources: Sources, cache: Path) -> None:
        super().__init__()
        self._sources = sources
        self._cache = cache
        self._made: Imported | None = None

    def compose(self) -> ComposeResult:
        template = self._sources.template
        with Vertical(classes="dialog"):
            title = f"Make a campaign of {template.name}?"
            yield Plain(plain(title, "bold", limit=70), classes="title")
            yield NamedField("Folder", str(template.parent / "campaign"), of="folder", hint="A new one")
            yield NamedField("List", str(self._sources.list or ""), of="list", hint="contacts.csv")
            with VerticalScroll(id="told", can_focus=False):
                yield Plain(plain(_MEANS), id="said", classes="muted")
            yield Plain(_MAKE, id="keys", classes="muted")

    @on(Input.Submitted)
    def entered(self) -> None:
        if self._made is not None:
            self.dismiss(self._made.campaign)
        else:
            start(self, partial(self._make), "import")

    async def _make(self) -> None:
        folder, list_file = (self._path(name) for name in ("folder", "list"))
        self._say("It is being made …")
        if folder is None:
            self._say("Which folder is it to be? A new one.", bad=True)
            return
        made = await asyncio.to_thread(
            import_mailmerge, self._sources.template, folder, cache=self._cache, list_file=list_file
        )
        self._made = made
        for field in self.query(Input):
            field.disabled = True
        self.query_one("#keys", Plain).show(plain(_OPEN, "$text-muted"))
        scrolled = self.query_one("#told", VerticalScroll)
        scrolled.can_focus = True
        scrolled.focus()
        told = [*(f"To mend: {item}" for item in made.mistakes), *map(str, made.remarks)]
        self._say("\n".join(told) or "Everything is as it was.", bad=bool(made.mistakes))

    def key_enter(self) -> None:
        """Once it is made, no field has the focus that would take the key."""
        if self._made is not None:
            self.dismiss(self._made.campaign)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._say(_in_full(error), bad=True)

    def _path(self, name: str) -> Path | None:
        text = self.query_one(f"#{name}", Input).value.strip()
        return (Path.cwd() / os.path.expanduser(text)).absolute() if text else None  # noqa: PTH111 - as in `open`

    def _say(self, text: str, *, bad: bool = False) -> None:
        style = "$text-error" if bad else "$text-muted"
        self.query_one("#said", Plain).show(plain(text, style, newlines=True))

    def action_leave(self) -> None:
        self.dismiss(None if self._made is None else self._made.campaign)


def _in_full(error: MailtuiError) -> str:
    return "\n".join(part for part in (sentence(error.title), error.detail, error.hint) if part)
