"""Owns the help: what a screen is for and which keys do what, made from the table of actions."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from mailtui.tui.actions import ACTIONS, EVERYWHERE
from mailtui.tui.text import Plain, joined, plain

_SPELLED = {"question_mark": "?", "plus": "+", "equals_sign": "=", "minus": "-", "right": "→", "left": "←"}


def spelled(keys: str) -> str:
    """Keys as they stand on a keyboard."""
    return " ".join(_SPELLED.get(key, key) for key in keys.split(","))


class HelpDialog(ModalScreen[None]):
    """Closed by any of its keys."""

    BINDINGS: ClassVar = [("escape,question_mark,f1,q", "app.pop_screen", "Close")]

    def __init__(self, room: str, text: str) -> None:
        super().__init__()
        self._room = room
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Plain("Help", classes="title")
            if self._text:
                yield Plain(self._text.strip())
            rooms = [self._room] if self._room != EVERYWHERE else []
            for room in (*rooms, EVERYWHERE):
                yield Plain("")
                yield Plain("Here" if room != EVERYWHERE else "Everywhere", classes="title")
                for action in ACTIONS[room]:
                    yield Plain(joined(plain(f"{spelled(action.keys):<12}", "$accent"), f" {action.what}"))
            yield Plain(joined(plain(f"{'ctrl+p':<12}", "$accent"), " Every action by name, and the theme"))
