"""Owns whether a rule holds for a row, and the answer to "why is this row out?", clause by clause.

How a cell compares is told in `comparing`; `not` turns an answer exactly around, and nothing is ever unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailtui.audience.comparing import TITLE, CellTest, Comparison, cell_test, compared, comparing, fold, note
from mailtui.audience.findings import ColumnType, Understanding
from mailtui.audience.rules import AllOf, Clause, Not, Rule, clauses
from mailtui.audience.rules_text import format_rule
from mailtui.audience.typed import UNTYPED, Comparing
from mailtui.errors import Place, Problem, RuleError
from mailtui.kit.suggest import did_you_mean

RowTest = Callable[[Sequence[str]], bool]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Whether one rule held for one row. `actual` is the cell that a comparison saw, None for a group.

    `note` says what a person would not see at once, such as a cell that is no number. `parts` are the
    answers of the rules below.
    """

    text: str
    held: bool
    actual: str | None
    note: str = ""
    parts: tuple[Explanation, ...] = ()


class Matcher:
    """One rule, compiled for one list.

    `columns` are the list's names, `types` what is known of them in the same order, or nothing. A filter's names are
    looked up as written, then without regard to case, then in `aliases`. `now` is what `within` counts from; the
    present local time when left out.
    Raises `RuleError` for unknown columns, all of them at once, and for values no cell could compare with.
    """

    def __init__(
        self,
        rule: Rule,
        columns: Sequence[str],
        *,
        types: Sequence[ColumnType] = (),
        aliases: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> None:
        self.rule = rule
        self._now = now or datetime.now()  # noqa: DTZ005 - the author's own calendar
        self._position = _positions(rule, columns, aliases or {})
        self.used: tuple[int, ...] = tuple(sorted(set(self._position.values())))
        """Positions of the columns that the rule looks at, in ascending order."""
        self._comparing = {
            name: comparing(types[position]) if position < len(types) else UNTYPED
            for name, position in self._position.items()
        }
        tests = {
            clause: _Memo(cell_test(clause, self._comparing[clause.column], self._now)).__getitem__
            for clause in clauses(rule)
        }
        self._tests = tests
        self.test: RowTest = _compile(rule, tests, self._position)
        """Whether the rule holds for a whole row of cells."""
        narrow = {name: self.used.index(position) for name, position in self._position.items()}
        self.test_used: RowTest = _compile(rule, tests, narrow)
        """Whether it holds, given only the cells at `used`, in that order."""

    @classmethod
    def of_list(cls, rule: Rule, understood: Understanding, *, now: datetime | None = None) -> Matcher:
        """The rule for a list as it was understood.

        It may say `email` whatever the column is called, as in Mailgrid; a real column of that name wins.
        """
        aliases = {"email": understood.address_column.value}
        return cls(rule, understood.columns, types=understood.types, aliases=aliases, now=now)

    def position(self, clause: Clause) -> int:
        """Which column a clause of the rule looks at."""
        return self._position[clause.column]

    def cell_test(self, clause: Clause) -> CellTest:
        """What decides for one cell."""
        return self._tests[clause]

    def comparing(self, clause: Clause) -> Comparing:
        """How the cells that it looks at are read."""
        return self._comparing[clause.column]

    def compared(self, clause: Clause) -> Comparison:
        """With what a clause of the rule compares."""
        return compared(clause, self._comparing[clause.column], self._now)

    def explain(self, row: Sequence[str]) -> Explanation:
        """The answer of every clause for one whole row."""
        return self._explain(self.rule, row)

    def _explain(self, rule: Rule, row: Sequence[str]) -> Explanation:
        text = format_rule(rule)
        if isinstance(rule, Clause):
            cell = row[self._position[rule.column]]
            return Explanation(text, self._tests[rule](cell), cell, note(rule, cell, self._comparing[rule.column]))
        if isinstance(rule, Not):
            below = self._explain(rule.rule, row)
            return Explanation(text, not below.held, None, parts=(below,))
        parts = tuple(self._explain(member, row) for member in rule.rules)
        held = (all if isinstance(rule, AllOf) else any)(part.held for part in parts)
        return Explanation(text, held, None, parts=parts)


class _Memo(dict[str, bool]):
    """The answers for the first few thousand different short cells: most columns repeat themselves."""

    _ENTRIES = 4_096
    _CELL = 100

    def __init__(self, test: CellTest) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, cell: str) -> bool:
        answer = self._test(cell)
        if len(self) < self._ENTRIES and len(cell) <= self._CELL:
            self[cell] = answer
        return answer


def _positions(rule: Rule, columns: Sequence[str], aliases: Mapping[str, str]) -> dict[str, int]:
    exact = {name: position for position, name in enumerate(columns)}
    folded = {fold(name): position for name, position in exact.items()}
    aliased = {fold(alias): exact[name] for alias, name in aliases.items() if name in exact}
    found: dict[str, int] = {}
    problems = []
    for clause in clauses(rule):
        name = clause.column
        position = exact.get(name, folded.get(fold(name), aliased.get(fold(name))))
        if position is None:
            message = f"the list has no column {name}."
            problems.append(Problem(Place("filter"), message, did_you_mean(name, columns)))
        else:
            found[name] = position
    if problems:
        raise RuleError(TITLE, list(dict.fromkeys(problems)))
    return found


def _compile(rule: Rule, tests: Mapping[Clause, CellTest], position: Mapping[str, int]) -> RowTest:
    if isinstance(rule, Clause):
        return _on_cell(tests[rule], position[rule.column])
    if isinstance(rule, Not):
        denied = _compile(rule.rule, tests, position)
        return lambda row: not denied(row)
    parts = tuple(_compile(member, tests, position) for member in rule.rules)
    if isinstance(rule, AllOf):
        return _pair_all(*parts) if len(parts) == 2 else lambda row: all(part(row) for part in parts)
    return _pair_any(*parts) if len(parts) == 2 else lambda row: any(part(row) for part in parts)


def _on_cell(test: CellTest, position: int) -> RowTest:
    return lambda row: test(row[position])


def _pair_all(first: RowTest, second: RowTest) -> RowTest:
    return lambda row: first(row) and second(row)


def _pair_any(first: RowTest, second: RowTest) -> RowTest:
    return lambda row: first(row) or second(row)
