"""Owns asking for a list whose people are all to get nothing."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mailtui.errors import UsageError
from mailtui.kit.words import sentence
from mailtui.service.suppression import scope_for
from mailtui.tui.dialogs.suppress import LIST_HINT
from mailtui.tui.text import Plain, from_home, plain
from mailtui.tui.widgets.named_field import NamedField

_MEANS = "Any list that mailtui reads; its column of addresses is found. Nobody is taken off by it."
_KEYS = "enter reads it   tab to the next field   esc closes"


@dataclass(frozen=True, slots=True)
class Import:
    """What is to be read, the list it is for (`""` for everybody's), and why."""

    path: Path
    list_name: str
    reason: str


class ImportDialog(ModalScreen[Import | None]):
    """What was asked for, or None."""

    AUTO_FOCUS = "#path"
    DEFAULT_CSS = """
    ImportDialog #said { margin-top: 1; height: auto; }
    """
    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, list_name: str) -> None:
        super().__init__()
        self._list = list_name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Send no mail to anybody on a list", classes="title")
            yield NamedField("File", "", of="path", hint="unsubscribed.csv")
            yield NamedField("List", self._list, of="list", hint=LIST_HINT)
            yield NamedField("Why", "", of="reason", hint="the list's own column reason, where there is one")
            yield Plain(plain(f"{_MEANS}\n{_KEYS}", newlines=True), id="said", classes="muted")

    @on(Input.Submitted)
    def typed(self) -> None:
        text, name, reason = (self.query_one(f"#{key}", Input).value.strip() for key in ("path", "list", "reason"))
        path = Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 - Path's raise for ~nobody
        try:
            scope_for(name)
        except UsageError as error:
            self._refuse(f"{sentence(error.title)} {error.hint}")
            return
        if not text:
            self._refuse("Type the name of a file.")
        elif not os.path.isfile(path):  # noqa: PTH113 - Path's raises for a name that is too long
            self._refuse(f"There is no file {path.name} in {from_home(str(path.parent))}.")
        else:
            self.dismiss(Import(path, name, reason))

    def _refuse(self, why: str) -> None:
        self.query_one("#said", Plain).show(plain(why, "$text-error", limit=300))

    def action_leave(self) -> None:
        self.dismiss(None)
