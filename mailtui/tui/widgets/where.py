"""Owns the line at the top: which campaign is open, and which room of the app this is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual import events
from textual.content import Content

from mailtui.tui.text import Plain, joined, plain

_TITLES: Mapping[str, str] = {"audience": "list", "board": "send", "suppression": "never"}
_SPACIOUS, _NAMED = 100, 80
_SHORTEST = 8


class Where(Plain):
    """The name of what is open, and the rooms by their digits; in a narrow terminal only this room by its name."""

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
        gap = "  " if width >= _SPACIOUS else " "
        tabs = joined(*(self._tab(number, room, width) for number, room in enumerate(self._rooms, 1)), separator=gap)
        room = max(_SHORTEST, width - tabs.cell_length - 4)
        self.show(joined(plain(self._open, "bold", limit=room), tabs, separator="  "))

    def _tab(self, number: int, room: str, width: int) -> Content:
        here = room == self._here
        digit = plain(str(number), "bold $text-accent" if here else "$text-accent")
        if width < _NAMED and not here:
            return digit
        name = plain(_TITLES.get(room, room), "bold $foreground" if here else "$text-muted")
        return joined(digit, name, separator=" " if width >= _SPACIOUS else "")
