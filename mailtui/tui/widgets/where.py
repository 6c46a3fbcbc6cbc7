"""Owns the line at the top: which campaign is open, and which room of the app this is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.content import Content

from mailtui.tui.text import Plain, joined, plain

_TITLES: Mapping[str, str] = {"audience": "list", "board": "send", "suppression": "never", "scheduled": "cheduled"}
_SIGNS: Mapping[str, str] = {"scheduled": "S"}
"""Keys of rooms that have no digit: the first letters of their names."""
_SPACIOUS, _NAMED = 100, 80
_SHORTEST, _ENOUGH = 8, 11


class Where(Plain):
    """The name of what is open, and the rooms by their digits; in a narrow terminal only this room by its name.

    Where room is short, the last rooms go without their names first.
    """

    def __init__(self, rooms: Sequence[str], here: str) -> None:
        super().__init__(id="where")
        self._rooms = tuple(rooms)
        self._here = here
        self._open = ""

    def tell(self, name: str) -> None:
        """Say what is open."""
        self._open = name
        self._draw()

    def on_resize(self, _: events.Resize) -> None:
        self._draw()

    def _draw(self) -> None:
        width = self.app.size.width
        room = width - 4 - max(_SHORTEST, min(len(self._open), _ENOUGH))
        named = list(self._rooms) if width >= _NAMED else [self._here]
        tabs = self._tabs(named, width)
        while tabs.cell_length > room and len(named) > 1:
            named.remove(next(name for name in reversed(named) if name != self._here))
            tabs = self._tabs(named, width)
        left = max(_SHORTEST, width - tabs.cell_length - 4)
        self.show(joined(plain(self._open, "bold", limit=left), tabs, separator="  "))

    def _tabs(self, named: Sequence[str], width: int) -> Content:
        tabs = (self._tab(number, room, width, named=room in named) for number, room in enumerate(self._rooms, 1))
        return joined(*tabs, separator="  " if width >= _SPACIOUS else " ")

    def _tab(self, number: int, room: str, width: int, *, named: bool) -> Content:
        here = room == self._here
        digit = plain(_SIGNS.get(room, str(number % 10)), "bold $text-accent" if here else "$text-accent")
        if not named:
            return digit
        name = plain(_TITLES.get(room, room), "bold $foreground" if here else "$text-muted")
        return joined(digit, name, separator=" " if width >= _SPACIOUS and room not in _SIGNS else "")
