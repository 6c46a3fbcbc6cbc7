"""Owns asking for a campaign file or a list: by path, or picked from a tree."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree, Input

from mailtui.tui.text import Plain
from mailtui.tui.widgets.safe_input import SafeInput

_SHOWN = (".yaml", ".yml", ".csv", ".tsv", ".txt")


class _Tree(DirectoryTree):
    """Folders and the files that can be opened."""

    def filter_paths(self, paths: Iterable[Path]) -> Iterable[Path]:
        return [
            path for path in paths if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() in _SHOWN)
        ]


class OpenDialog(ModalScreen[Path | None]):
    """The path that was chosen, or None."""

    BINDINGS: ClassVar = [("escape", "leave", "Cancel")]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain("Open a campaign file (campaign.yaml) or a list (CSV)", classes="title")
            yield SafeInput(placeholder="Type a path, or pick a file below", id="path")
            yield _Tree(self._folder, id="tree")
            yield Plain("enter opens   tab moves between path and tree   esc closes", classes="muted")

    @on(Input.Submitted, "#path")
    def typed(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if text:
            self.dismiss((self._folder / Path(text).expanduser()).absolute())

    @on(DirectoryTree.FileSelected)
    def picked(self, event: DirectoryTree.FileSelected) -> None:
        self.dismiss(event.path)

    def action_leave(self) -> None:
        self.dismiss(None)
