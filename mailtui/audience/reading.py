"""Owns how a list is read, whatever kind of file it is: understood once, then read as often as it takes.

Everything above knows a `Reading` and no format.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from mailtui.audience.csv_blocks import Batch, read_columns
from mailtui.audience.csv_reader import Layout as Delimited
from mailtui.audience.csv_reader import Record, shown_text
from mailtui.audience.findings import ColumnType, Finding, Understanding
from mailtui.audience.formats.format import Format
from mailtui.audience.formats.kind import FORMAT_NAMES, find_kind
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec, ListFormat

_BATCH = 250  # records
_FORMATS: dict[ListFormat, tuple[str, str]] = {
    "csv": ("delimited", "DELIMITED"),
    "xlsx": ("workbook", "WORKBOOK"),
    "json": ("json_document", "JSON_DOCUMENT"),
    "jsonl": ("json_lines", "JSON_LINES"),
    "parquet": ("parquet", "PARQUET"),
    "sqlite": ("sqlite_file", "SQLITE_FILE"),
    "sheet": ("sheet", "SHEET"),
}
_APPLIES: dict[str, tuple[ListFormat, ...]] = {
    "encoding": ("csv", "json", "jsonl"),
    "delimiter": ("csv",),
    "quote": ("csv",),
    "header": ("csv", "xlsx", "sheet"),
    "sheet": ("xlsx", "sheet"),
    "range": ("xlsx", "sheet"),
    "records": ("json",),
    "query": ("sqlite",),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How to read a list, for the reader and for a person. `layout` is its format's own."""

    format: ListFormat
    layout: Any
    understanding: Understanding

    @property
    def columns(self) -> tuple[str, ...]:
        return self.understanding.columns

    @property
    def address_position(self) -> int:
        """Where in a record the address stands."""
        return self.columns.index(self.understanding.address_column.value)


def understand(source: Source, spec: AudienceSpec) -> Reading:
    """Understand a list.

    Raises `AudienceError` when it is no list, when no column looks like addresses, and when `spec` names a column,
    tab or table it does not have.
    """
    kind, finding = find_kind(source, spec)
    layout, understanding = _format(kind).understand(source, spec, finding)
    idle = [key for key, kinds in _APPLIES.items() if getattr(spec, key) is not None and kind not in kinds]
    notes = tuple(
        f"{'An' if key[0] in 'aeiou' else 'A'} {key} was given; {FORMAT_NAMES[kind]} has none, so it changes nothing."
        for key in idle
    )
    return Reading(kind, layout, replace(understanding, notes=(*understanding.notes, *notes)))


def places(source: Source, spec: AudienceSpec) -> tuple[str, ...]:
    """The tabs, tables or lists of a file, of which one is read; () where it has but one. Raises `AudienceError`."""
    kind, _ = find_kind(source, spec)
    return _format(kind).places(source, spec)


def read(source: Source, reading: Reading) -> Iterator[Record]:
    """All data records of a list with the line, row or record number each starts at, the header left out.

    Every record has as many cells as there are columns, or is a `BadRecord`. Raises `AudienceError`.
    """
    return _format(reading.format).read(source, reading.layout)


def read_batches(source: Source, reading: Reading) -> Iterator[Batch]:
    """The same, many at a time, in columns where that is quicker."""
    if isinstance(reading.layout, Delimited):
        yield from read_columns(source, reading.layout)
        return
    records = read(source, reading)
    while batch := list(islice(records, _BATCH)):
        yield batch


def original(cells: Sequence[str], reading: Reading) -> str:
    """A record as text, as it would stand in the list, or as a line of CSV where a list has no lines."""
    layout = reading.layout
    delimiter, quote = (layout.delimiter, layout.quote or '"') if isinstance(layout, Delimited) else (",", '"')
    special = (delimiter, quote, "\r", "\n")
    return shown_text(
        [
            delimiter.join(
                quote + cell.replace(quote, quote * 2) + quote if any(mark in cell for mark in special) else cell
                for cell in cells
            )
        ]
    )


def reading_to_json(reading: Reading) -> str:
    """A reading as text, for `reading_from_json`."""
    return json.dumps(asdict(reading))


def reading_from_json(text: str) -> Reading:
    """What `reading_to_json` wrote."""
    data = json.loads(text)
    understood = data["understanding"]
    understanding = Understanding(
        format=Finding(**understood["format"]),
        settings=tuple((key, Finding(**finding)) for key, finding in understood["settings"]),
        columns=tuple(understood["columns"]),
        types=tuple(ColumnType(**item) for item in understood["types"]),
        address_column=Finding(**understood["address_column"]),
        notes=tuple(understood["notes"]),
        samples=tuple(understood["samples"]),
        unit=understood["unit"],
    )
    layout = {name: tuple(value) if isinstance(value, list) else value for name, value in data["layout"].items()}
    return Reading(data["format"], _format(data["format"]).layout(**layout), understanding)


def _format(name: ListFormat) -> Format[Any]:
    """The format of that name; each is loaded when it is needed, since some bring a library."""
    module, attribute = _FORMATS[name]
    found: Format[Any] = getattr(importlib.import_module(f"mailtui.audience.formats.{module}"), attribute)
    return found
