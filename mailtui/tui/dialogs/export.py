"""Owns asking for the file that a report is written to."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from mailtui.tui.text import Plain, from_home, plain
from mailtui.tui.widgets.safe_input import SafeInput

_ENDINGS = (".csv", ".jsonl")
_ROWS = "As they were, with a column error: a list to be corrected and sent again. End it with .csv."
_FORMS = "Its ending says the form: .csv for a spreadsheet, .jsonl for one JSON object a line."


class ExportDialog(ModalScreen[Path | None]):
    """The new file, or None."""

    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, what: str, proposed: Path, *, rows: bool = False, note: str = "") -> None:
        """`rows`: the rows of a list are written, which is CSV only; `note` says what is written instead, CSV too."""
        super().__init__()
        self._note = note or (_ROWS if rows else _FORMS)
        self._endings = _ENDINGS[:1] if note else _ENDINGS
        self._what = what
        self._proposed = proposed

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(f"Write {self._what} to a new file", classes="title")
            yield Plain(self._note)
            yield SafeInput(from_home(str(self._proposed)), id="path")
            yield Plain("enter writes it   esc closes", id="said", classes="muted")

    @on(Input.Submitted)
    def typed(self, event: Input.Submitted) -> None:
        path = Path(event.value.strip()).expanduser().absolute()
        if path.suffix.lower() not in self._endings:
            self._refuse(f"End it with {' or '.join(self._endings)}.")
        elif path.exists():
            self._refuse("There is such a file already; nothing is ever overwritten.")
        elif not path.parent.is_dir():
            self._refuse(f"There is no folder {from_home(str(path.parent))}.")
        else:
            self.dismiss(path)

    def _refuse(self, why: str) -> None:
        self.query_one("#said", Plain).show(plain(why, "$text-error"))

    def action_leave(self) -> None:
        self.dismiss(None)
