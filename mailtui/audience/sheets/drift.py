"""Owns telling what became of a sheet's columns since it was last fetched, before a column is mistaken for another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailtui.audience.comparing import fold
from mailtui.errors import AudienceError


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a sheet, and the one that seems to have the addresses; '' when none does."""

    names: tuple[str, ...]
    address: str


def drift(before: Columns, now: Columns, *, since: str, address: str | None, named: Iterable[str]) -> str:
    """What is other about the columns, as a note; '' when nothing is.

    `address` is the column that a person said has the addresses, `named` are those that the filter names. Raises
    `AudienceError` when one of the latter is gone, and when the addresses would be taken from another column than
    before without anybody having said so.
    """
    gone = [column for column in before.names if column not in now.names]
    new = [column for column in now.names if column not in before.names]
    where = before.address
    if address is None and where in gone:
        raise AudienceError(
            f"The sheet has no column {where} any more, which had the addresses",
            detail=_told(gone, new, since),
            hint=f"Was it renamed? Say which one has them now: audience: {{address: {_likely(now, new)}}}",
        )
    lost = [column for column in gone if fold(column) in {fold(name) for name in named}]
    if lost:
        raise AudienceError(
            f"The sheet has no column {lost[0]} any more, which the filter names",
            detail=_told(gone, new, since),
            hint="Mend the filter, or give the column its name back.",
        )
    if gone or new:
        return f"The columns have changed since {since}: {_told(gone, new, '')}."
    return f"The columns stand in another order since {since}." if before.names != now.names else ""


def _likely(now: Columns, new: list[str]) -> str:
    return now.address if now.address in new or not new else new[0]


def _told(gone: list[str], new: list[str], since: str) -> str:
    parts = [f"gone: {', '.join(gone)}"] if gone else []
    parts += [f"new: {', '.join(new)}"] if new else []
    return (f"Since {since}: " if since else "") + "; ".join(parts)
