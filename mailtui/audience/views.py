"""Owns the values that others are shown about a list: its counts, and one row of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mailtui.audience.hygiene import HygieneKind
from mailtui.audience.match import Explanation
from mailtui.audience.problem import RowProblem
from mailtui.kit.words import counted


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

    `excluded`: rows, valid and matched, whose kind of address is to get nothing; they are neither duplicates nor
    recipients. `grouped`: where the rows of one address make one mail, those that went into another one's; then there
    are no duplicates. `remarkable`: of the valid and matched rows, how many have an address of a remarkable kind,
    excluded or not; `flagged`: how many of each kind, and an address may be of several.
    """

    rows: int
    valid: int
    duplicates: int
    problems: int
    matched: int
    recipients: int
    excluded: int = 0
    grouped: int = 0
    remarkable: int = 0
    flagged: tuple[tuple[HygieneKind, int], ...] = ()


Which = Literal["all", "matched", "out", "problems", "duplicates", "excluded", "flagged", "recipients"]


@dataclass(frozen=True, slots=True)
class ListView:
    """Which rows of a list are seen, and in which order.

    `all` of them; those that the filter lets in (`matched`) or leaves `out`; those without a usable address
    (`problems`); the matched ones that are `duplicates`, `excluded` or `flagged`, which is remarkable; the
    `recipients`. `column` is a column's name to sort by, None for the order of the list; empty cells come last.
    """

    which: Which = "all"
    column: str | None = None
    descending: bool = False


def about_alike(count: int) -> str:
    """What so many addresses mean that differ from another one in capital letters alone."""
    return f"{counted(count, 'address', 'addresses')} differ from another one only in capital letters; both get a mail"


@dataclass(frozen=True, slots=True)
class ListRow:
    """One data record for a table: its cells in the order of the columns.

    A row that could not be cut into cells has its original text as its only one. `usable` is whether it has an
    address that mail can go to, `flags` what is remarkable about that, `matched` whether the filter holds.
    `mailed`: of several rows with this address the one that gets the mail, perhaps this one; None where it stands in
    no other row, and where none of them gets one.
    """

    row: int
    line: int
    cells: tuple[str, ...]
    usable: bool
    flags: frozenset[HygieneKind] = frozenset()
    matched: bool = True
    mailed: int | None = None


@dataclass(frozen=True, slots=True)
class RowView:
    """One data record as it stands in the list.

    `address` is the canonical one, or None when there is none to use; `problem` then says why, and also
    when the row is a duplicate, or of a kind that is excluded. `matched` tells whether the filter holds, `explanation`
    why (None without a filter, or when the row cannot be read). `flags` says in words what is remarkable about the
    address. `with_row` is the row of the same address whose mail this one is part of, where rows are grouped;
    `further` has the other rows of the mail that this one begins, up to the `GROUP_LIMIT` of recipients.
    """

    row: int
    line: int
    fields: Mapping[str, str]
    address: str | None
    problem: RowProblem | None
    matched: bool
    explanation: Explanation | None
    flags: tuple[str, ...] = ()
    with_row: int | None = None
    further: tuple[int, ...] = ()
