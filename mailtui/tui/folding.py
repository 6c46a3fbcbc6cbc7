"""Owns where a text that is too wide for its place goes on on the next row."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from rich.cells import get_character_cell_size

_WORD = re.compile("[^ ]")
_JOINER = "\u200d"  # between the parts of an emoji
_WIDENS = "\ufe0f"  # has the character before it drawn as an emoji, two cells wide


class _Cells(dict[str, int]):
    """How wide characters may be drawn, each worked out once; some are narrower beside others."""

    def __missing__(self, character: str) -> int:
        cells = self[character] = 1 if character == _WIDENS else get_character_cell_size(character)
        return cells


_CELLS = _Cells()


def breaks(text: str, room: int) -> list[int]:
    """The positions at which a text goes on on the next row, so that no row is wider than `room` cells.

    Between words where that is possible. Blanks before a break stay where they are and hang over the edge: whoever
    draws the row leaves them out.
    """
    length = len(text)
    if 2 * length <= room:
        return []
    found: list[int] = []
    fitting, start = _fitting(text, room), 0
    while (end := fitting(start)) < length:
        start = _between_words(text, start, end)
        if start < length:
            found.append(start)
    return found


def _fitting(text: str, room: int) -> Callable[[int], int]:
    """Tells up to where a text fits into a row from a position on when words do not matter; at least one character."""
    if text.isascii():
        return lambda start: start + max(room, 1)
    taken = list(accumulate(map(_CELLS.__getitem__, text), initial=0))

    def fitting(start: int) -> int:
        end = max(bisect_right(taken, taken[start] + room) - 1, start + 1)
        while end - start > 2 and text[end - 1] == _JOINER:
            end -= 2  # what it joins stays together
        return end

    return fitting


def _between_words(text: str, start: int, end: int) -> int:
    """That position, or the one behind the last blank before it or the blanks that stand there."""
    if text[end] == " ":
        found = _WORD.search(text, end)
        return len(text) if found is None else found.start()
    blank = text.rfind(" ", start, end)
    if blank < 0 or not text[start:blank].strip(" "):
        return end
    return blank + 1
