"""Owns what a row itself brings to its mail: cells that stand in for the campaign's own values, and further rows.

Cells are data. They are put where a value belongs and never read as templates; a cell that is blank leaves the
campaign's own value as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal, get_args

from mailtui.audience.recipient import GROUP_LIMIT, Recipient
from mailtui.errors import Place, Problem
from mailtui.kit.suggest import did_you_mean

Role = Literal["name", "from", "reply_to", "subject", "body", "attachment", "cc", "bcc"]
ROLES: tuple[str, ...] = get_args(Role)

SENT_AS = "sent as (mailtui)"
"""The column that no list has: the From of each row, where the accounts of a campaign take turns."""

CHARACTERS_LIMIT = 1_000_000  # in all cells of one person's rows


class CellError(ValueError):
    """A cell cannot stand where its column is to stand; the message is a sentence that names the column."""

    def __init__(self, role: str, message: str) -> None:
        super().__init__(message)
        self.place = Place(key=f"audience.columns.{role}")


class TooManyRows(ValueError):
    """More rows of one person than a mail is made of; the message is a sentence about them."""

    place = Place(key="audience.group")


class OwnCells:
    """Which columns stand for what, of one campaign."""

    __slots__ = ("_columns", "body")

    def __init__(self, columns: Sequence[tuple[str, str]]) -> None:
        self._columns = dict(columns)
        self.body = "body" in self._columns

    def __contains__(self, role: str) -> bool:
        return role in self._columns

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(self._columns.values())

    def cell(self, role: Role, fields: Mapping[str, str]) -> str:
        """What the row says, '' where it says nothing or no column is for that. Blanks around it do not count."""
        column = self._columns.get(role)
        return "" if column is None else _unless_blank(fields[column]).strip(" \t")

    def each(self, role: Role, recipient: Recipient) -> Iterator[str]:
        """What the rows of a person say, without those that say nothing."""
        column = self._columns.get(role)
        if column is not None:
            yield from (fields[column] for fields in recipient.rows or (recipient.fields,) if fields[column].strip())

    def text(self, fields: Mapping[str, str]) -> str:
        """The row's own text as it stands in its cell, '' where that is blank or no column is for it."""
        return _unless_blank(fields[self._columns["body"]]) if self.body else ""

    def wrong(self, role: Role, error: ValueError) -> CellError:
        """The error about this row's cell. `error` is a sentence, or goes on behind the name of the column."""
        said = str(error)
        return CellError(role, f"the column {self._columns[role]}{': ' if said[:1].isupper() else ' '}{said}")

    def blank(self, role: Role) -> CellError:
        """The error about a blank cell where the campaign has no value of its own."""
        own = "text" if role == "body" else role
        return CellError(role, f"the column {self._columns[role]} is blank, and the campaign gives no {own}")

    def problems(self, columns: Sequence[str]) -> Iterator[Problem]:
        """Columns that the list does not have."""
        for role, column in self._columns.items():
            if column not in columns:
                hint = did_you_mean(column, columns) or f"Known: {', '.join(columns[:12])}."
                yield Problem(Place(key=f"audience.columns.{role}"), f"the list has no column {column}.", hint)


def rows_of(recipient: Recipient) -> list[dict[str, str]]:
    """All rows of one person, for templates. Raises `TooManyRows`."""
    require_few(recipient)
    return [dict(cells) for cells in recipient.rows or (recipient.fields,)]


def require_few(recipient: Recipient) -> None:
    """Raise `TooManyRows` where the rows of a person are more than a mail can be made of."""
    rows = recipient.rows
    if len(rows) > GROUP_LIMIT:
        raise TooManyRows(f"this address has more than {GROUP_LIMIT:,} rows, the most that a mail is made of")
    if len(rows) > 1 and sum(len(cell) for cells in rows for cell in cells.values()) > CHARACTERS_LIMIT:
        raise TooManyRows(
            f"the {len(rows):,} rows of this address hold more than {CHARACTERS_LIMIT:,} characters, "
            "the most that a mail is made of"
        )


def _unless_blank(cell: str) -> str:
    return cell if cell.strip() else ""
