"""Owns the values that others are shown about a list: how it was understood, its counts, one row of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mailtui.audience.match import Explanation
from mailtui.audience.problem import RowProblem

Confidence = Literal["given", "certain", "likely", "guess"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found out about a file. `reason` is a short phrase for a person."""

    value: str
    confidence: Confidence
    reason: str


@dataclass(frozen=True, slots=True)
class Understanding:
    """How a list is read. Each finding can be overridden by the `AudienceSpec` key of nearly the same name.

    `has_header.value` is `yes` or `no`. `quote.value` is '' when nothing is quoted. `address_column.value`
    is '' when no column looks like one; then nothing but the rows themselves can be shown.
    `samples` are a few lines with characters beyond ASCII, as decoded: a person sees at once whether the
    encoding is right.
    """

    encoding: Finding
    delimiter: Finding
    quote: Finding
    has_header: Finding
    columns: tuple[str, ...]
    address_column: Finding
    notes: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StreamCounts:
    """What one pass over a list tells.

    `rows`: data records read, bad ones included. `matched`: rows for which the filter holds; all of them
    when there is none, and a bad row, whose cells cannot be told apart, never matches a filter.
    `problems`: bad rows and bad addresses, whether the filter holds for them or not.
    """

    rows: int
    matched: int
    problems: int


@dataclass(frozen=True, slots=True)
class AudienceCounts:
    """The counts of a list under one filter.

    `rows`, `matched` and `problems` as in `StreamCounts`. `valid`: rows with a usable address, so that
    `valid + problems == rows`. `duplicates`: rows, valid and matched, whose address already stands in an
    earlier row that is valid and matched too. `recipients`: distinct, valid and matched; that many mails.
    """

    rows: int
    valid: int
    duplicates: int
    problems: int
    matched: int
    recipients: int


@dataclass(frozen=True, slots=True)
class RowView:
    """One data record as it stands in the list.

    `address` is the canonical one, or None when there is none to use; `problem` then says why, and also
    when the row is a duplicate. `matched` tells whether the filter holds, `explanation` why (None without
    a filter, or when the row cannot be read).
    """

    row: int
    line: int
    fields: Mapping[str, str]
    address: str | None
    problem: RowProblem | None
    matched: bool
    explanation: Explanation | None
