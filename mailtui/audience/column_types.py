"""Owns as what the cells of each column compare: numbers, dates, codes that keep their zeros, or texts.

Only how cells are compared is decided here, never how they are written. A style is believed only when the cells
prove it: one `25/01/2026` and no `01/25/2026` make all of them days first. What proves nothing stays as it is, and a
note says how to settle it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal

from mailtui.audience.comparing import fold
from mailtui.audience.findings import SAID_TYPES, ColumnType, Confidence
from mailtui.audience.typed import as_moment, as_number, is_code
from mailtui.errors import AudienceError
from mailtui.kit.suggest import did_you_mean

_MOST = 0.8  # of a column's cells have to be numbers or dates; `n/a` in some of them does not make it text
_EXACT_DIGITS = 15  # a float tells no longer ones apart
# Digits as they stand in telephone numbers, postcodes, accounts; no decimal point.
_DIGITS = re.compile(r"[+(]{0,2}\d[\d ()/\-]*(?:\.\d{2,}){0,4}", re.ASCII)
# Parts of column names, without case and diacritics, of what is made of digits and counts nothing.
_CODE_NAMES = re.compile(
    r"phone|telefon|telefono|telephone|(?:^|[^a-z])(?:tel|fax|mob|handy)(?![a-z])|mobile|movil|mobil(?:nummer|nr)|gsm"
    r"|postcode|postal|postleit|(?:^|[^a-z])(?:zip|plz|cap|cp|psc|iban|bic|ssn|vat|ean|upc|isbn|sku|siret|nif)(?![a-z])"
    r"|zip_?code|codigo|barcode|passport|account_?n"
)
_ORDERED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-]\d{4}", re.ASCII)
_THOUSAND = re.compile(r"[+-]?\d{1,3}([.,])\d{3}", re.ASCII)

Order = Literal["", "dmy", "mdy"]


def find_types(
    columns: Sequence[str], rows: Sequence[Sequence[str]], given: Mapping[str, str]
) -> tuple[ColumnType, ...]:
    """The type of each column, by its name, its cells in the first rows, and what a person said.

    `rows` have a cell a column. `given` maps columns to one of `SAID_TYPES`. Raises `AudienceError` when it names a
    column that is not there.
    """
    said = {_column(name, columns): text for name, text in given.items()}
    return tuple(
        _said(said[name]) if name in said else _found(name, _filled(rows, position))
        for position, name in enumerate(columns)
    )


def type_notes(columns: Sequence[str], rows: Sequence[Sequence[str]], types: Sequence[ColumnType]) -> tuple[str, ...]:
    """A note on each column with cells that read in two ways, with what to say to have them read in one.

    And one on each whose given type none of its first cells has, which no comparison would ever hold for.
    """
    notes = []
    for position, (name, found) in enumerate(zip(columns, types, strict=True)):
        cells = _filled(rows, position)
        if found.confidence == "given" and cells and not any(_is_of(found, cell) for cell in cells):
            wanted = f"{found.kind} {found.style}" if found.style not in ("", "point") else found.kind
            notes.append(f"{name} is to be a {wanted}, as you said, and none of its first cells is one: {cells[0]}.")
        if found.confidence == "given" or found.style or found.kind in ("code", "empty"):
            continue
        odd = next((cell for cell in cells if _could_be_two_dates(cell)), None)
        if odd is not None:
            notes.append(
                f"In {name}, {odd} could be two dates, so it stays text: "
                f"say --type '{name}=date dmy' (day first) or 'date mdy'."
            )
        elif found.kind == "number":
            odd = next((cell for cell in cells if _could_be_two_numbers(cell)), None)
            if odd is not None:
                notes.append(
                    f"In {name}, {odd} could be two numbers, so it stays text: "
                    f"say --type '{name}=number' (a decimal point) or 'number comma'."
                )
    return tuple(notes)


def _column(name: str, columns: Sequence[str]) -> str:
    for candidate in columns:
        if candidate == name or fold(candidate) == fold(name.strip()):
            return candidate
    raise AudienceError(
        f"A type is given for {name}, and the list has no such column",
        detail=f"Its columns: {', '.join(columns)}",
        hint=did_you_mean(name, columns),
    )


def _said(text: str) -> ColumnType:
    kind, style = SAID_TYPES[text]
    return ColumnType(kind, style, "given", "as you said")


def _is_of(given: ColumnType, cell: str) -> bool:
    if given.kind == "date":
        return as_moment(cell, given.style) is not None
    return given.kind != "number" or as_number(cell, given.style) is not None


def _filled(rows: Sequence[Sequence[str]], position: int) -> list[str]:
    return [cell for row in rows if (cell := row[position].strip())]


def _found(name: str, cells: Sequence[str]) -> ColumnType:
    if not cells:
        return ColumnType("empty", "", "likely", "no first cell has anything in it")
    return _as_code(name, cells) or _as_date(cells) or _as_number(cells) or _as_text(cells)


def _as_code(name: str, cells: Sequence[str]) -> ColumnType | None:
    digits = [cell for cell in cells if _DIGITS.fullmatch(cell) and as_moment(cell, "dmy") is None]
    if len(digits) < _MOST * len(cells):
        return None
    kept = next((cell for cell in digits if is_code(cell)), None)
    if kept is not None:
        sign = "a plus" if kept.startswith("+") else "a zero in front"
        return ColumnType("code", "", "certain", f"{kept} has {sign}")
    long = next((cell for cell in digits if _whole_digits(cell) > _EXACT_DIGITS), None)
    if long is not None:
        return ColumnType("code", "", "certain", f"{long} is too long for a number")
    if _CODE_NAMES.search(_plain(name)):
        return ColumnType("code", "", "likely", f"it is called {name}")
    spaced = next((cell for cell in digits if as_number(cell) is None), None)
    if spaced is not None and sum(1 for cell in digits if as_number(cell) is None) * 2 > len(digits):
        return ColumnType("code", "", "likely", f"{spaced} is made of digits, and is no number")
    return None


def _whole_digits(cell: str) -> int:
    """How many digits a number counts with; those after a decimal point are but finer, as in 0.30000000000000004."""
    whole = cell.partition(".")[0] if cell.count(".") == 1 else cell
    return sum(map(str.isdigit, whole))


def _as_date(cells: Sequence[str]) -> ColumnType | None:
    style, proof = _date_order(cells)
    hits = sum(1 for cell in cells if as_moment(cell, style) is not None)
    if not style and hits + sum(map(_could_be_two_dates, cells)) >= _MOST * len(cells) and hits:
        # Those that read one way do; the others stay text, and a note tells.
        return ColumnType("date", "", _sure(hits, len(cells)), _share(hits, len(cells), "dates that read one way"))
    if hits < _MOST * len(cells):
        return None
    if style:
        order = "the day comes first" if style == "dmy" else "the month comes first"
        return ColumnType("date", style, "likely", f"{order}, as {proof} shows")
    return ColumnType("date", "", _sure(hits, len(cells)), _share(hits, len(cells), "dates"))


def _date_order(cells: Sequence[str]) -> tuple[Order, str]:
    """Which of day and month comes first in dates such as 05/01/2022, and the cell that shows it."""
    days: list[str] = []
    months: list[str] = []
    for cell in cells:
        match = _ORDERED.fullmatch(cell)
        if match is None or as_moment(cell) is None:
            continue
        first, second = map(int, match.groups())
        if first != second:
            (days if first > 12 else months).append(cell)
    if days and not months:
        return "dmy", days[0]
    if months and not days:
        return "mdy", months[0]
    return "", ""


def _as_number(cells: Sequence[str]) -> ColumnType | None:
    style, proof = _decimal_mark(cells)
    hits = sum(1 for cell in cells if as_number(cell, style) is not None)
    if not style and hits + sum(map(_could_be_two_numbers, cells)) < _MOST * len(cells):
        return None
    if style and hits < _MOST * len(cells):
        return None
    if style == "comma" or (style and any(map(_could_be_two_numbers, cells))):
        return ColumnType("number", style, "likely", f"with a decimal {style}, as {proof} shows")
    if not hits:
        return ColumnType("number", "", "guess", "all of them could be two numbers")
    return ColumnType("number", "", _sure(hits, len(cells)), _share(hits, len(cells), "numbers"))


def _decimal_mark(cells: Sequence[str]) -> tuple[Literal["", "comma", "point"], str]:
    """What stands before decimals, where some cells can be read in one way only and all of those agree."""
    commas: list[str] = []
    points: list[str] = []
    for cell in cells:
        if _THOUSAND.fullmatch(cell) or as_number(cell) is None:
            continue
        last = max(cell.rfind(","), cell.rfind("."))
        if last < 0:
            continue
        # 1.234.567 has marks of thousands only, and decimals would stand behind the other one.
        decimal = cell[last] if cell.count(cell[last]) == 1 else {",": ".", ".": ","}[cell[last]]
        (commas if decimal == "," else points).append(cell)
    if commas and not points:
        return "comma", commas[0]
    if points and not commas:
        return "point", points[0]
    return "", ""


def _as_text(cells: Sequence[str]) -> ColumnType:
    other = next((cell for cell in cells if as_number(cell) is None and as_moment(cell) is None), cells[0])
    shown = other if len(other) <= 24 else other[:24] + "…"
    if _could_be_two_dates(other):
        return ColumnType("text", "", "guess", f"{shown} could be two dates")
    return ColumnType("text", "", "certain", f"such as {shown}")


def _could_be_two_dates(cell: str) -> bool:
    return as_moment(cell) is None and as_moment(cell, "dmy") is not None


def _could_be_two_numbers(cell: str) -> bool:
    return as_number(cell) is None and as_number(cell, "comma") is not None


def _sure(hits: int, cells: int) -> Confidence:
    return "certain" if hits == cells else "likely"


def _share(hits: int, cells: int, what: str) -> str:
    return f"all first cells are {what}" if hits == cells else f"{hits / cells:.0%} of its first cells are {what}"


def _plain(name: str) -> str:
    return "".join(mark for mark in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(mark))
