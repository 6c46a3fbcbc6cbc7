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
    then, since_then = _by_fold(before), _by_fold(now)
    gone = [name for folded, name in then.items() if folded not in since_then]
    new = [name for folded, name in since_then.items() if folded not in then]
    where = before.address
    if address is None and where in gone:
        raise AudienceError(
            f"The sheet has no column {where} any more, which had the addresses",
            detail=_told(gone, new, since),
            hint=f"Was it renamed? Say which one has them now: audience: {{address: {_likely(now, new)}}}",
        )
    if address is None and where and now.address and fold(now.address) != fold(where):
        raise AudienceError(
            f"The addresses would come from the column {now.address}, and came from {where} before",
            detail=_told(gone, new, since),
            hint=f"Say which of the two has them: audience: {{address: {where}}}",
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
    if list(then) != list(since_then):
        return f"The columns stand in another order since {since}."
    respelled = [f"{name} is {since_then[folded]}" for folded, name in then.items() if name != since_then[folded]]
    return f"Columns are spelled otherwise since {since}: {', '.join(respelled)}." if respelled else ""


def _by_fold(columns: Columns) -> dict[str, str]:
    """The names, which differ even so, by what they are compared by everywhere."""
    return {fold(name): name for name in columns.names}


def _likely(now: Columns, new: list[str]) -> str:
    return now.address if now.address in new or not new else new[0]


def _told(gone: list[str], new: list[str], since: str) -> str:
    parts = [f"gone: {', '.join(gone)}"] if gone else []
    parts += [f"new: {', '.join(new)}"] if new else []
    return (f"Since {since}: " if since else "") + "; ".join(parts)
