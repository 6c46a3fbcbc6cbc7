"""Owns everything that was understood of a list, in full: findings with their reasons, notes, types, samples."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen

from mailtui.service.lists import Understanding
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.understood import in_full
from mailtui.tui.widgets.wrapped import Wrapped


class ReadingNotes(ModalScreen[None]):
    """Nothing to choose: it scrolls."""

    AUTO_FOCUS = "#all"
    BINDINGS: ClassVar = [Binding("escape,enter,i,q", "app.pop_screen", "Close")]
    CSS = """
    ReadingNotes > .dialog { width: 90; }
    ReadingNotes #all { height: auto; max-height: 75vh; }
    ReadingNotes.-short > .dialog { padding: 0 1; max-height: 100%; }
    ReadingNotes #all > Wrapped { height: auto; }
    """

    def __init__(self, name: str, found: Understanding) -> None:
        super().__init__()
        self._of = name
        self._found = found

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"What was understood of {Path(self._of).name}", "bold", limit=70), classes="title")
            with VerticalScroll(id="all"):
                yield Wrapped()
            yield Plain("esc closes   arrows scroll", classes="muted")

    def on_mount(self) -> None:
        self.query_one(Wrapped).show_lines(list(in_full(self._found)))
