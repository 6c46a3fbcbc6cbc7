"""Owns the file that a sheet is kept in: CSV with a cell for every column in every row, so that nothing is guessed."""

from __future__ import annotations

import csv
import hashlib
import itertools
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mailtui.audience.cells import Cells
from mailtui.errors import AudienceError

_ENCODING = "utf-8"
_ERRORS = "surrogatepass"  # halves of characters go through, to be reported with their row


def write_grid(rows: Iterable[Sequence[str]], into: Path) -> str:
    """Write rows of any length, each filled up to the longest; a digest over their cells.

    Raises `AudienceError` when there is none.
    """
    width = count = last = 0
    with _scratch(into.parent) as ragged:
        with ragged.open("w", encoding=_ENCODING, errors=_ERRORS, newline="") as stream:
            writer = csv.writer(stream)
            for count, row in enumerate(rows, start=1):
                reach = next((place for place in range(len(row), 0, -1) if row[place - 1]), 0)
                width = max(width, reach)
                last = count if reach else last
                # An empty row is written as a quoted cell, since a blank line could be no row or one.
                writer.writerow(row[:reach] or [""])
        if not width:
            raise AudienceError(
                "The sheet is empty", hint="Is it the right tab? A list has a row of column names first."
            )
        digest = hashlib.sha256()
        with into.open("w", encoding=_ENCODING, errors=_ERRORS, newline="") as stream:
            writer = csv.writer(stream)
            for row in itertools.islice(read_grid(ragged), last):
                full = [*row, *([""] * (width - len(row)))]
                digest.update("\x1f".join(full).encode(_ENCODING, _ERRORS) + b"\x1e")
                writer.writerow(full)
    return digest.hexdigest()


def read_grid(path: Path) -> Iterator[list[str]]:
    """The rows of a file, those of a sheet's export too."""
    try:
        with path.open(encoding=_ENCODING, errors=_ERRORS, newline="") as stream:
            yield from csv.reader(stream, strict=True)
    except (csv.Error, UnicodeError) as error:
        raise AudienceError("What Google sent is no sheet", detail=str(error)) from None


def cut(rows: Iterable[list[str]], cells: Cells) -> Iterator[list[str]]:
    """The part of a whole tab that lies within a range."""
    for row in itertools.islice(rows, cells.first_row - 1, cells.last_row):
        yield row[cells.first_column - 1 : cells.last_column]


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix=".ragged-", suffix=".tmp", dir=folder)
    os.close(handle)
    path = Path(name)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
