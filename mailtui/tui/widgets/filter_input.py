"""Owns the one-line editor of a filter: column names are completed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.suggester import Suggester

from mailtui.errors import RuleError
from mailtui.kit.safe_text import safe_text
from mailtui.service.workbench import Workbench
from mailtui.tui.widgets.safe_input import SafeInput

_ROOM_KEYS = tuple("123456789")
_BARE = re.compile(r"[^\W\d][\w.@-]*")
_WORD = re.compile(r"[^\W\d][\w.@-]*$")
_WORDS = (
    *("and", "or", "not", "is", "in", "empty", "within", "contains", "startsWith", "endsWith", "matches"),
    *("before", "after"),
)


def written(column: str) -> str:
    """A column's name as a filter has it: in backquotes where it is more than a word."""
    bare = _BARE.fullmatch(column) and column.casefold() not in {word.casefold() for word in _WORDS}
    return column if bare else "`" + column.replace("`", "``") + "`"


def completion(text: str, columns: Sequence[str]) -> str:
    """The column whose name begins with the word at the end of the text, as a filter has it; else nothing."""
    found = _WORD.search(text)
    if found is None or _in_quotes(text):
        return ""
    word = found.group().casefold()
    for column in columns:
        if column.casefold().startswith(word) and safe_text(column) == column:
            return written(column)
    return ""


def way_to_room(text: str, bench: Workbench) -> str:
    """Said where a digit was meant to change rooms: without it the line is a rule."""
    rule, digit = text[:-1], text[-1:]
    if digit not in _ROOM_KEYS:
        return ""
    try:
        bench.read_filter(rule)
    except RuleError:
        return ""
    return f"For another room: esc, then {digit}."


def _in_quotes(text: str) -> bool:
    quote, skip = "", False
    for character in text:
        if skip:
            skip = False
        elif quote:
            skip = character == "\\" and quote != "`"
            quote = "" if character == quote else quote
        elif character in "\"'`":
            quote = character
    return bool(quote)


class _Columns(Suggester):
    """Offers the rest of a column's name."""

    def __init__(self, columns: Sequence[str]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._columns = columns

    async def get_suggestion(self, value: str) -> str | None:
        found, word = completion(value, self._columns), _WORD.search(value)
        # What is suggested goes on from what is typed, so a name that needs backquotes is completed by tab only.
        if word is None or not found.casefold().startswith(word.group().casefold()):
            return None
        return value + found[len(word.group()) :] if len(found) > len(word.group()) else None


class FilterInput(SafeInput):
    """The filter. Tab completes a column's name, and goes on to the next widget where there is none."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", "Complete", show=False)]

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(placeholder='Everybody. For example: city == "London"', id=id, select_on_focus=False)
        self._columns: tuple[str, ...] = ()

    def offer(self, columns: Sequence[str]) -> None:
        """The columns whose names are completed."""
        self._columns = tuple(columns)
        self.suggester = _Columns(self._columns)

    def put(self, column: str) -> None:
        """Write a column's name where the cursor is, with blanks around it where they are needed."""
        before = self.value[: self.cursor_position]
        after = self.value[self.cursor_position :]
        left = "" if not before or before[-1] in " (!" else " "
        right = "" if after.startswith((" ", ")")) else " "
        self.insert_text_at_cursor(f"{left}{written(column)}{right}")

    def action_complete(self) -> None:
        before = self.value[: self.cursor_position]
        found, word = completion(before, self._columns), _WORD.search(before)
        if not found or word is None:
            self.screen.focus_next()
            return
        self.replace(found + " ", word.start(), self.cursor_position)
