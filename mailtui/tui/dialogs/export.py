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


class ExportDialog(ModalScreen[Path | None]):
    """The new file, or None."""

    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, what: str, proposed: Path, *, rows: bool = False) -> None:
        """`rows`: the rows of a list are written, which is CSV only."""
        super().__init__()
        self._rows = rows
        self._what = what
        self._proposed = proposed

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(f"Write {self._what} to a new file", classes="title")
            if self._rows:
                yield Plain(
                    "As they were, with a column error: a list to be corrected and sent again. End it with .csv."
                )
            else:
                yield Plain("Its ending says the form: .csv for a spreadsheet, .jsonl for one JSON object a line.")
            yield SafeInput(from_home(str(self._proposed)), id="path")
            yield Plain("enter writes it   esc closes", id="said", classes="muted")

    @on(Input.Submitted)
    def typed(self, event: Input.Submitted) -> None:
        path = Path(event.value.strip()).expanduser().absolute()
        if path.suffix.lower() not in _ENDINGS:
            self._refuse("End it with .csv or .jsonl.")
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
