"""Owns the one person a message goes to, as every later room sees them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

GROUP_LIMIT = 1_000
"""Of how many rows of one address a mail is made, at most. Of whoever has more, one more is read, and no mail made."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """A distinct, valid, matched row of the list.

    `key` tells people apart: the domain as lower-cased A-labels, the local part as it was written, NFC.
    `row` is the number of the data record, from 1, the header not counted. `address` is what RCPT TO
    carries, byte for byte. `fields` holds every cell of the row by column name; a missing cell is ''.
    `rows`: where the rows of one address make one mail, all that matched, in the order of the list, of which
    `fields` is the first; empty where every row stands for itself. Where there are more than `GROUP_LIMIT`, they are
    the first `GROUP_LIMIT + 1`.
    """

    key: str
    row: int
    address: str
    fields: Mapping[str, str]
    rows: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AddedColumn:
    """A column that the list itself does not have; `cell` works a recipient's out from their key."""

    name: str
    cell: Callable[[str], str]

    def behind(self, columns: tuple[str, ...]) -> tuple[str, ...]:
        """The columns with this one; it stands in for one of the list's by the same name."""
        return columns if self.name in columns else (*columns, self.name)

    def fill(self, key: str, rows: Iterable[dict[str, str]]) -> None:
        """Give the rows of a recipient their cell."""
        cell = self.cell(key)
        for fields in rows:
            fields[self.name] = cell


def recipient_of(
    columns: Sequence[str],
    key: str,
    row: int,
    address: str,
    cells: Sequence[str],
    more: Sequence[Sequence[str]] = (),
) -> Recipient:
    """The recipient with these cells, in the order of the columns; `more` are those of a group's further rows."""
    fields = dict(zip(columns, cells, strict=True))
    if not more:
        return Recipient(key, row, address, fields)
    return Recipient(key, row, address, fields, (fields, *(dict(zip(columns, other, strict=True)) for other in more)))


def cells_of(recipient: Recipient, columns: Sequence[str] | None = None) -> list[tuple[str, ...]]:
    """The cells of all rows of a recipient, in the order of the columns (None: as they were read); at least one row."""
    rows = recipient.rows or (recipient.fields,)
    if columns is None:
        return [tuple(cells.values()) for cells in rows]
    return [tuple(cells.get(column, "") for column in columns) for cells in rows]
