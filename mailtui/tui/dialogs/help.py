"""Owns the help: what a screen is for and which keys do what, made from the table of actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.screen import ModalScreen

from mailtui.tui.actions import ACTIONS, EVERYWHERE
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.wrapped import Line, Wrapped

_KEYS_WIDTH = 13
_SPELLED = {
    "question_mark": "?",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "right": "→",
    "left": "←",
    "slash": "/",
}


def spelled(keys: str) -> str:
    """Keys as they stand on a keyboard."""
    return " ".join(_SPELLED.get(key, key) for key in keys.split(","))


class HelpDialog(ModalScreen[None]):
    """Closed by any of its keys."""

    DEFAULT_CSS = "HelpDialog Wrapped { height: auto; }"
    BINDINGS: ClassVar = [("escape,question_mark,f1,q", "app.pop_screen", "Close")]

    def __init__(self, room: str, text: str) -> None:
        super().__init__()
        self._room = room
        self._text = text

    def compose(self) -> ComposeResult:
        with VerticalScroll(classes="dialog"):
            yield Plain("Help", classes="title")
            yield Wrapped(id="help")

    def on_mount(self) -> None:
        self.query_one(Wrapped).show_lines(list(self._lines()))

    def _lines(self) -> Iterator[Line]:
        if self._text:
            yield Line(plain(" ".join(self._text.split())))
        rooms = [self._room] if self._room != EVERYWHERE else []
        for room in (*rooms, EVERYWHERE):
            yield Line(plain(""))
            yield Line(plain("Here" if room != EVERYWHERE else "Everywhere", "bold"))
            for action in ACTIONS[room]:
                yield _line(spelled(action.keys), action.what)
        yield _line("ctrl+p", "Every action by name, and the theme")


def _line(keys: str, what: str) -> Line:
    return Line(plain(what), plain(f"{keys:<{_KEYS_WIDTH}}", "$text-accent"))
