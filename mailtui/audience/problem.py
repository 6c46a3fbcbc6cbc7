"""Owns what is told about a row that no mail can go to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TEXT_LIMIT = 2_000

ProblemKind = Literal["bad_row", "bad_address", "duplicate", "excluded", "no_mail"]


@dataclass(frozen=True, slots=True)
class RowProblem:
    """One row that was left out, and why; `no_mail` are those whose domain the DNS says takes none.

    `line` is the line of the source where the record starts, from 1. `row` is the number of the data
    record, or None for damage before the first one. `text` is the original text of its line or lines, at
    most 2,000 characters.
    """

    line: int
    row: int | None
    kind: ProblemKind
    reason: str
    text: str
