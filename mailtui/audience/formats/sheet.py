"""Owns the copy of a Google sheet as a kind of list. Its rows are counted as in the sheet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from mailtui.audience.address_column import guess_address_column
from mailtui.audience.csv_reader import BadRecord, Record
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.formats.columns import SAMPLE_ROWS, settle
from mailtui.audience.formats.format import Format
from mailtui.audience.heading import Row, find_heading
from mailtui.audience.sheets.drift import Columns
from mailtui.audience.sheets.grid import read_grid
from mailtui.audience.source import SheetCopy, Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError

_DAMAGE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Sheet:
    """`first_row` is the sheet's row that the copy begins with, `last_above` its last one above the data."""

    first_row: int
    last_above: int


def _understand(source: Source, spec: AudienceSpec, format: Finding) -> tuple[Sheet, Understanding]:
    copy = _copy(source)
    rows: list[Row] = list(islice(_rows(source, copy.first_row), SAMPLE_ROWS))
    heading = find_heading(rows, spec.header, address=spec.address, unit="row")
    data = [list(cells) for _, cells in rows[heading.first :]]
    understanding = settle(
        source,
        spec,
        format=format,
        settings=[("sheet", copy.tab), ("range", copy.range), ("header", heading.finding)],
        columns=heading.columns,
        rows=data,
        unit="row",
        notes=heading.notes,
    )
    return Sheet(copy.first_row, heading.line or 0), understanding


def find_columns(source: Source, spec: AudienceSpec) -> Columns:
    """The columns of a copy, whether or not it has one with addresses. Raises `AudienceError`."""
    rows: list[Row] = list(islice(_rows(source, _copy(source).first_row), SAMPLE_ROWS))
    heading = find_heading(rows, spec.header, address=spec.address, unit="row")
    data = [cells for _, cells in rows[heading.first :]]
    return Columns(heading.columns, guess_address_column(heading.columns, data).value)


def _read(source: Source, layout: Sheet) -> Iterator[Record]:
    for row, cells in _rows(source, layout.first_row):
        if row <= layout.last_above:
            continue
        damaged = next((cell for cell in cells if _DAMAGE.search(cell)), None)
        if damaged is not None:
            yield row, BadRecord("a cell holds a character that no text has", _DAMAGE.sub("\ufffd", ",".join(cells)))
        else:
            yield row, cells


def _rows(source: Source, first_row: int) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, with their numbers in the sheet."""
    for row, cells in enumerate(read_grid(source.path), start=first_row):
        if any(cells):
            yield row, cells


def _copy(source: Source) -> SheetCopy:
    if source.sheet is None:
        raise AudienceError(f"{source.name} is no Google sheet", hint="Leave the format out to have it found.")
    return source.sheet


SHEET = Format("sheet", Sheet, _understand, _read)
