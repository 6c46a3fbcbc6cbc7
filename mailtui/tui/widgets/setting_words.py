"""Owns the words for the settings of how a list is read: their names, what they mean, and what each choice comes to."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence

from textual.content import Content

from mailtui.service.list_settings import NONE, shown
from mailtui.service.lists import Beginning, Finding, Trial, Understanding
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.setting_field import Choice

_CELL = 24
_CELLS = 12
_NAMES: Mapping[str, str] = {"bad_domain": "bad domain"}
_MEANINGS: Mapping[str, str] = {
    "format": "What kind of file it is.",
    "encoding": "A line of the list as it reads in each encoding: which one is right?",
    "delimiter": "What stands between two cells; any one character can be typed.",
    "quote": "What stands around a cell that holds a delimiter or a line end.",
    "header": "The line (row) with the names of the columns; what stands above it is left out.",
    "sheet": "The tab, by its name or its number.",
    "range": "Only a part of the sheet, such as A3:F.",
    "records": "Where in the file the list is, such as data.items.",
    "query": "The name of a table, or a SELECT of your own.",
    "address": "The column with the mail addresses.",
    "exclude": "Kinds of addresses that get no mail: role, disposable, bad_domain.",
    "group": "Whether the rows of one address go together into one mail.",
}
_FORMATS: Mapping[str, str] = {
    "csv": "text with a record a line: CSV, TSV",
    "xlsx": "a workbook",
    "json": "one JSON document",
    "jsonl": "a JSON object a line",
    "parquet": "Parquet",
    "sqlite": "a SQLite database",
}
_EXCLUDE: Mapping[str, str] = {
    "": "everybody with a usable address gets mail",
    "role": "info@, sales@, noreply@ and the like",
    "disposable": "throw-away mailboxes",
    "bad_domain": "mistyped domains, such as gmial.com",
    "role disposable bad_domain": "all three",
}
_NOT_SO = "some of its bytes mean nothing in it"
_DELIMITERS = (",", ";", "\t", "|")


def name_of(key: str) -> str:
    """What a setting is called."""
    return "leave out" if key == "exclude" else key


def meaning_of(key: str) -> str:
    """A setting in a sentence."""
    return _MEANINGS.get(key, "")


def finding_of(key: str, found: Understanding) -> Finding | None:
    """What was found out about a setting."""
    if key == "format":
        return found.format
    return found.address_column if key == "address" else found.setting(key)


def choices_of(
    key: str, found: Understanding, beginning: Beginning, rows: Sequence[Sequence[str]] = ()
) -> list[Choice]:
    """What a setting may be; empty where it can be anything. `rows` are the first of the list as it is read now."""
    if key == "format":
        return [Choice(value, said) for value, said in _FORMATS.items()]
    if key == "encoding":
        return _encodings(found, beginning)
    if key == "delimiter":
        return [Choice(shown(key, value), _cut(value, found, beginning)) for value in _DELIMITERS]
    if key == "quote":
        return [Choice('"', "the usual one"), Choice("'", ""), Choice(NONE, "nothing is quoted")]
    if key == "header":
        lines = [Choice(str(number), text) for number, text in beginning.lines]
        return [*lines, Choice(NONE, "there are no names")]
    if key == "address":
        first = rows[0] if rows else [""] * len(found.columns)
        return [Choice(name, cell) for name, cell in zip(found.columns, first, strict=True)]
    if key == "exclude":
        return [Choice(value, said) for value, said in _EXCLUDE.items()]
    if key == "group":
        return [
            Choice("no", "a mail an address, with its first row"),
            Choice("yes", "a mail an address, with all its rows"),
        ]
    return [Choice(name, "") for name in beginning.places if key in ("sheet", "query", "records")]


def as_rows(trial: Trial) -> Content:
    """The first rows as they would be read, below the names of their columns."""
    lines = [_row(trial.understanding.columns, "bold"), *(_row(row, "") for row in trial.rows[:2])]
    return joined(*lines, separator="\n")


def _row(cells: Sequence[str], style: str) -> Content:
    told = [plain(cell, style, limit=_CELL) for cell in cells[:_CELLS]]
    return joined(*told, separator=plain(" │ ", "$text-muted").plain)


def _encodings(found: Understanding, beginning: Beginning) -> list[Choice]:
    """One for each way the letters read, named by the encoding that is taken now or is most frequent."""
    finding = found.setting("encoding")
    taken = "" if finding is None else finding.value
    ways: dict[str, list[str]] = {}
    for sample in sorted(beginning.encodings, key=lambda sample: sample.encoding != taken):
        if sample.text is not None:
            ways.setdefault(sample.text, []).append(sample.encoding)
    choices = [
        Choice(names[0], f"{text}   (also {', '.join(names[1:])})" if names[1:] else text)
        for text, names in ways.items()
    ]
    if finding is not None and all(choice.value != taken for choice in choices):
        choices.insert(0, Choice(taken, finding.reason))
    return [
        *choices,
        *(Choice(sample.encoding, _NOT_SO, fits=False) for sample in beginning.encodings if sample.text is None),
    ]


def _cut(delimiter: str, found: Understanding, beginning: Beginning) -> str:
    """The line with the names, cut with another delimiter."""
    header, quote = found.setting("header"), found.setting("quote")
    wanted = int(header.value) if header is not None and header.value.isdecimal() else 1
    line = next((text for number, text in beginning.lines if number == wanted), "")
    try:
        cells = next(csv.reader([line], delimiter=delimiter, quotechar=(quote.value if quote else "") or '"'), [])
    except csv.Error:
        return ""
    return " │ ".join(cells)
