"""Owns ranges of cells: `A3:F`, `B2:F900`, `C` and what else the A1 notation has."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailtui.errors import AudienceError

_CORNER = re.compile(r"([A-Z]{1,3})([0-9]{0,7})")


@dataclass(frozen=True, slots=True)
class Cells:
    """A range. Rows and columns count from 1; None is as far as the sheet goes."""

    first_row: int = 1
    first_column: int = 1
    last_row: int | None = None
    last_column: int | None = None


def parse_cells(text: str | None) -> Cells:
    """Read a range, the whole tab when there is none. One cell is the upper left corner. Raises `AudienceError`."""
    if not text:
        return Cells()
    first, _, last = text.upper().partition(":")
    corners = [_CORNER.fullmatch(corner) for corner in ((first, last) if last else (first,))]
    if not all(corners):
        raise AudienceError(f"{text} is no range of cells", hint="Write it like A3:F or B2:F900.")
    numbers = [(column_number(found[1]), int(found[2]) if found[2] else None) for found in corners if found]
    column, row = numbers[0]
    end_column, end_row = numbers[1] if last else (None, None)
    if end_column is not None and end_column < column:
        column, end_column = end_column, column
    if row is not None and end_row is not None and end_row < row:
        row, end_row = end_row, row
    return Cells(row or 1, column, end_row, end_column)


def letters(number: int) -> str:
    """The letters of a column: 1 is A, 27 is AA."""
    text = ""
    while number:
        number, digit = divmod(number - 1, 26)
        text = chr(ord("A") + digit) + text
    return text


def column_number(text: str) -> int:
    """The number of a column by its letters: A is 1, AA is 27."""
    number = 0
    for letter in text:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
