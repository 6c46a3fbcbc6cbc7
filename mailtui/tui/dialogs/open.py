"""Owns asking for a campaign file or a list: by path, by the link of a sheet, or picked from a tree."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import DirectoryTree, Input

from mailtui.kit.suggest import nearest
from mailtui.service.lists import is_link
from mailtui.tui.text import Plain, from_home, plain
from mailtui.tui.widgets.safe_input import SafeInput

_KEYS = "enter opens   tab moves between path and tree   esc closes"
_SHOWN = (
    *(".yaml", ".yml", ".csv", ".tsv", ".txt", ".gz", ".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    *(".json", ".jsonl", ".ndjson", ".parquet", ".sqlite", ".sqlite3", ".db"),
)


class _Tree(DirectoryTree):
    """Folders and the files that can be opened."""

    ICON_NODE = "+ "
    ICON_NODE_EXPANDED = "- "
    ICON_FILE = "  "

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
            yield Plain("Open a campaign file, or a list of any kind", classes="title")
            yield SafeInput(placeholder="A path, or a link to a Google sheet; or pick a file below", id="path")
            yield _Tree(self._folder, id="tree")
            yield Plain(_KEYS, id="said", classes="muted")

    @on(Input.Submitted, "#path")
    def typed(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        if not text:
            return
        if is_link(text):
            self.dismiss(Path(text))
            return
        path = (self._folder / os.path.expanduser(text)).absolute()  # noqa: PTH111 - Path's raises for ~nobody
        if os.path.exists(path):  # noqa: PTH110 - Path's raises for a name that is too long
            self.dismiss(path)
        else:
            self._said(f"There is no {path.name} in {from_home(str(path.parent))}. {_meant(path)}", bad=True)

    @on(Input.Changed, "#path")
    def changed(self) -> None:
        self._said(_KEYS)

    def _said(self, text: str, *, bad: bool = False) -> None:
        self.query_one("#said", Plain).show(plain(text, "$text-error" if bad else "$text-muted", limit=400))

    @on(DirectoryTree.FileSelected)
    def picked(self, event: DirectoryTree.FileSelected) -> None:
        self.dismiss(event.path)

    def action_leave(self) -> None:
        self.dismiss(None)


def _meant(path: Path) -> str:
    """What of the same folder was probably meant."""
    try:
        hit = nearest(path.name, sorted(found.name for found in path.parent.iterdir()))
    except OSError:
        return "There is no such folder."
    return f"Did you mean {hit}?" if hit else ""
