"""Owns the choices of one setting, with what each of them comes to; a click takes one."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.content import Content
from textual.message import Message

from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.setting_field import Choice

_VALUE = 14
_SAID = 200
_MARK, _BLANK = "» ", "  "


class Choices(Plain):
    """As many lines as there is room for, about the one that is taken; the others are counted."""

    DEFAULT_CSS = """
    Choices { height: auto; text-wrap: nowrap; text-overflow: ellipsis; }
    """

    class Picked(Message):
        """A choice was clicked."""

        def __init__(self, value: str) -> None:
            super().__init__()
            self.value = value

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._in_sight: tuple[Choice, ...] = ()

    def offer(self, choices: Sequence[Choice], taken: str, room: int) -> None:
        """Show these, within so many lines."""
        values = [choice.value for choice in choices]
        at = values.index(taken) if taken in values else 0
        first = max(0, min(at - room // 2, len(choices) - room))
        self._in_sight = tuple(choices[first : first + room])
        width = max((len(choice.value) for choice in self._in_sight), default=0)
        lines = [_line(choice, min(width, _VALUE), taken=choice.value == taken) for choice in self._in_sight]
        if lines and len(choices) > room:
            lines[-1] = joined(lines[-1], plain(f"   {first + room:,} of {len(choices):,}", "$text-muted"))
        self.show(joined(*lines, separator="\n"))

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y < len(self._in_sight):
            self.post_message(self.Picked(self._in_sight[event.y].value))


def _line(choice: Choice, width: int, *, taken: bool) -> Content:
    value = plain(choice.value, "bold $text-accent" if taken else "", limit=_VALUE)
    gap = " " * max(2, width + 2 - value.cell_length)
    said = plain(choice.said, "" if choice.fits else "$text-muted", limit=_SAID)
    return joined(_MARK if taken else _BLANK, value, gap, said)
