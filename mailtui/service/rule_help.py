"""Owns what helps a person to write a filter: the values of a column, and which part keeps everybody out or in."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from mailtui.audience.audience import Audience
from mailtui.audience.comparing import comparing, fold
from mailtui.audience.rules import AllOf, AnyOf, Clause, Not, Operator, Rule, members
from mailtui.audience.rules_text import format_rule
from mailtui.audience.typed import UNTYPED
from mailtui.audience.views import RowView
from mailtui.kit.suggest import nearest
from mailtui.kit.words import counted
from mailtui.service.workbench import Workbench

_LOOKED_AT = 20_000
_CELLS = 1_000_000
_CHUNK = 1_000
_KEPT = 200
_LONGEST = 200
_ORDERED = (Operator.GT, Operator.GE, Operator.LT, Operator.LE)
_TEXTUAL = (Operator.EQ, Operator.IN, Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH)


@dataclass(frozen=True, slots=True)
class ColumnValues:
    """The values of a column that come most often, each with how often, in `rows` rows from all over the list.

    `distinct` is how many different ones there were.
    """

    values: tuple[tuple[str, int], ...] = ()
    rows: int = 0
    distinct: int = 0


@dataclass(frozen=True, slots=True)
class Culprit:
    """The part of a filter that lets nobody in, or everybody: where it is in the tree, and that in words."""

    path: tuple[int, ...]
    said: str


class RuleHelp:
    """Asks the list that is open; a newer question of a kind ends an older one with `Superseded`."""

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    async def values(self, column: str) -> ColumnValues:
        """What stands in a column."""
        return await self._bench.consult("", lambda audience: _values(audience, column), kind="values")

    async def row(self, filter_text: str, row: int) -> RowView:
        """One row under a filter that need not be set, with the answer of every clause."""
        return await self._bench.consult(filter_text, lambda audience: audience.row(row), kind="row")

    async def culprit(self, filter_text: str, *, nobody: bool) -> Culprit | None:
        """Why a filter matches nobody, or everybody; None without a filter. Raises `RuleError`."""

        return await self._bench.consult(
            filter_text, lambda audience: find_culprit(audience, nobody=nobody), kind="culprit"
        )


def find_culprit(audience: Audience, *, nobody: bool) -> Culprit | None:
    """Why the filter of an open list matches nobody, or everybody; None where there is none."""
    rule = audience.rule
    if rule is None:
        return None
    try:
        return _culprit(audience, rule, nobody=nobody)
    finally:
        audience.set_rule(rule)


def _values(audience: Audience, column: str) -> ColumnValues:
    place = audience.columns.index(column)
    wanted = max(_CHUNK, min(_LOOKED_AT, _CELLS // len(audience.columns)))
    chunks = max(1, wanted // _CHUNK)
    step = max(_CHUNK, audience.size // chunks)
    times: Counter[str] = Counter()
    written: dict[str, str] = {}
    for first in range(1, audience.size + 1, step):
        for row in audience.page(first, _CHUNK):
            if len(row.cells) == len(audience.columns):
                cell = row.cells[place].strip()
                alike = fold(cell)  # Yes and YES are the same to a filter
                written.setdefault(alike, cell)
                times[alike] += 1
    common = ((written[alike], count) for alike, count in times.most_common(_KEPT))
    kept = tuple((value, count) for value, count in common if value and len(value) <= _LONGEST)
    return ColumnValues(kept, times.total(), len(times))


def _culprit(audience: Audience, rule: Rule, *, nobody: bool) -> Culprit:
    path: tuple[int, ...] = ()
    # Nobody meets an `and` one of whose rules nobody meets, and an `or` all of whose rules nobody meets.
    deciding = AllOf if nobody else AnyOf
    while isinstance(rule, AllOf | AnyOf):
        guilty = [at for at, part in enumerate(rule.rules) if not _has(audience, part, held=nobody)]
        if isinstance(rule, deciding) and not guilty:
            return Culprit(path, _together(nobody=nobody))
        if not guilty:
            break
        path, rule = (*path, guilty[0]), members(rule)[guilty[0]]
    return Culprit(path, _said(audience, rule, nobody=nobody))


def _has(audience: Audience, rule: Rule, *, held: bool) -> bool:
    """Whether any row is let in by a part alone, or left out by it."""
    audience.set_rule(rule)
    return bool(audience.matching(1, 1, held=held))


def _together(*, nobody: bool) -> str:
    if nobody:
        return "Each part has rows, but no row meets all of them together."
    return "No part has every row, but together they leave nobody out."


def _said(audience: Audience, rule: Rule, *, nobody: bool) -> str:
    text = format_rule(rule)
    if not nobody:
        return f"Every row meets {text}."
    if isinstance(rule, Not):
        return f"Every row meets {format_rule(rule.rule)}, which not turns around."
    if isinstance(rule, Clause) and rule.operator in _TEXTUAL:
        wanted = rule.value if isinstance(rule.value, tuple) else (rule.value,)
        column = _column(audience, rule.column)
        values = dict(_values(audience, column).values) if column else {}
        for value in wanted:
            near = nearest(str(value), values)
            if near is not None:
                return f"No row meets {text}. Did you mean {near}? It stands there {counted(values[near], 'time')}."
    return f"No row meets {text}.{_about_texts(audience, rule)}"


def _about_texts(audience: Audience, rule: Rule) -> str:
    """What to know where more and less go by the letters, though a number is meant; else ''."""
    if not isinstance(rule, Clause) or rule.operator not in _ORDERED or isinstance(rule.value, tuple | None):
        return ""
    column, understood = _column(audience, rule.column), audience.understanding
    how = comparing(understood.types[understood.columns.index(column)]) if column else UNTYPED
    if not how.texts_only or UNTYPED.number(rule.value) is None:
        return ""
    cell = f'"{column}=number"' if " " in column else f"{column}=number"
    return (
        f" {column} is compared as text, to keep the zeros of codes; as numbers: --type {cell},"
        f" or types: {{{column}: number}} in the campaign file."
    )


def _column(audience: Audience, name: str) -> str:
    """The list's own name for a column that a filter names."""
    if name in audience.columns:
        return name
    folded = {column.casefold(): column for column in audience.columns}
    return folded.get(name.casefold(), audience.address_column if name.casefold() == "email" else "")
