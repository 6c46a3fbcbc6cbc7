"""Owns the rows of a list that get no mail as a file for people and programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from mailtui.audience.audience import Audience
from mailtui.audience.problem import RowProblem
from mailtui.kit.spreadsheet import csv_row, inert
from mailtui.service.archive import new_file

_COLUMNS = ("line", "row", "kind", "reason", "text")


def problems_as_csv(problems: Iterable[RowProblem]) -> Iterator[str]:
    """Lines of CSV with their ends, the column names first; no cell is a formula to a spreadsheet."""
    yield csv_row(_COLUMNS)
    for problem in problems:
        row = "" if problem.row is None else str(problem.row)
        yield csv_row((str(problem.line), row, problem.kind, inert(problem.reason), inert(problem.text)))


def write_problems(audience: Audience, path: Path) -> int:
    """Write the rows of a list that no mail goes to into a new file that only its owner can read; how many there are.

    Raises as `new_file`; nothing is left of a file that was not written to its end.
    """
    written = -1
    with new_file(path) as stream:
        for line in problems_as_csv(audience.problems()):
            stream.write(line)
            written += 1
    return written
