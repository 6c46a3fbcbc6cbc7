"""Owns how the cells of a workbook become text: as a person reads them there, as far as their values tell.

A workbook keeps numbers to 15 digits and shows them by a format that its reader does not tell: 1234 may stand there
as 01234. So what may have lost its zeros is pointed out, and nothing is made up.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import TypeAlias

from mailtui.audience.findings import ColumnType

Cell: TypeAlias = str | float | int | bool | datetime.date | datetime.datetime | datetime.time | datetime.timedelta

DIGITS = 15
_EXACT = 10**DIGITS
_WHOLE_LIMIT = 10**21
# The number of a customer or an order, when it is long enough to have had zeros in front.
_ID = re.compile(r"(?i:(?:^|[^a-z])(?:id|no|nr|num|number|nummer|numero|ref))$|[a-z]I[dD]$")
_LONG_ID = 1_000


def cell_text(value: Cell) -> str:
    """A cell as text: whole numbers without .0, dates in ISO 8601, booleans as true and false."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="milliseconds" if value.microsecond else "seconds")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return _span(value)
    return str(value)


def _number(value: float) -> str:
    if value.is_integer() and abs(value) < _WHOLE_LIMIT:
        return str(int(value))
    # What a spreadsheet shows: 19.99, though 19.989999999999998 is what is nearest to it in binary.
    return format(value, f".{DIGITS}g")


def _span(value: datetime.timedelta) -> str:
    seconds = round(value.total_seconds())
    sign = "-" if seconds < 0 else ""
    minutes, second = divmod(abs(seconds), 60)
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{second:02}"


def is_rounded(value: Cell) -> bool:
    """Whether a number has more digits than a workbook keeps, so that its last ones are not what was entered."""
    return isinstance(value, float | int) and not isinstance(value, bool) and _EXACT <= abs(value) < _WHOLE_LIMIT


def notes_on_columns(columns: Sequence[str], rows: Sequence[Sequence[Cell]], types: Sequence[ColumnType]) -> list[str]:
    """What a person should know about columns whose cells came as numbers and should not have."""
    notes = []
    for position, (name, found) in enumerate(zip(columns, types, strict=True)):
        cells = [row[position] for row in rows if position < len(row)]
        numbers = [cell for cell in cells if isinstance(cell, float | int) and not isinstance(cell, bool)]
        rounded = next(filter(is_rounded, numbers), None)
        if rounded is not None:
            notes.append(
                f"Column {name} has numbers of more than {DIGITS} digits, such as {cell_text(rounded)}: "
                "a workbook keeps no more, so the last digits are not what was entered. Enter them as text."
            )
        elif numbers and (found.kind == "code" or _is_id(name, numbers)):
            notes.append(
                f"Column {name} holds numbers, not text, such as {cell_text(numbers[0])}: zeros in front, which the "
                "spreadsheet may show, are not read. Save the tab as CSV from the spreadsheet program: that writes "
                "what is shown."
            )
    return notes


def _is_id(name: str, numbers: Sequence[float]) -> bool:
    return _ID.search(name.strip()) is not None and max(numbers) >= _LONG_ID
