"""Owns the rows of a list that get no mail as a file for people and programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mailtui.audience.problem import RowProblem
from mailtui.kit.spreadsheet import csv_row, inert

_COLUMNS = ("line", "row", "kind", "reason", "text")


def problems_as_csv(problems: Iterable[RowProblem]) -> Iterator[str]:
    """Lines of CSV with their ends, the column names first; no cell is a formula to a spreadsheet."""
    yield csv_row(_COLUMNS)
    for problem in problems:
        row = "" if problem.row is None else str(problem.row)
        yield csv_row((str(problem.line), row, problem.kind, inert(problem.reason), inert(problem.text)))
