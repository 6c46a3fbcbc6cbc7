"""Owns asking a rule about many rows at once, column by column, with the answers of its matcher.

Of the members of a group, the one that settled most rows in the least time so far is asked first, and the others only
about the rows that still depend on them. The order changes how long it takes, and never the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import compress
from time import perf_counter

from mailtui.audience.csv_blocks import Columns
from mailtui.audience.match import Matcher
from mailtui.audience.match_many import answer_at_once
from mailtui.audience.rules import AllOf, Clause, Not, Rule

Starts = Sequence[int]
"""Where among all cells of a batch its rows begin; in no order, and none twice."""
_Held = Callable[[list[str], Starts], Starts]
"""Of which rows a rule holds, among those that are asked about."""

_JUDGED_BY = 50  # cells tell whether most of a column differ


def column_counter(matcher: Matcher) -> Callable[[Columns], int]:
    """What counts the rows of a batch for which a matcher's rule holds."""
    held = _compile(matcher.rule, matcher)
    return lambda batch: len(held(batch.cells, range(0, len(batch.cells), batch.width)))


def _compile(rule: Rule, matcher: Matcher) -> _Held:
    if isinstance(rule, Clause):
        return _of_cells(rule, matcher)
    if isinstance(rule, Not):
        return _others(_compile(rule.rule, matcher))
    members = [_Member(_compile(member, matcher), keeps=isinstance(rule, AllOf)) for member in rule.rules]
    return _all(members) if isinstance(rule, AllOf) else _any(members)


class _Member:
    """A rule in a group, and what asking it has cost and brought so far."""

    def __init__(self, held: _Held, *, keeps: bool) -> None:
        self._held = held
        self._keeps = keeps
        self._seconds = 0.0
        self._settled = 0

    def ask(self, cells: list[str], starts: Starts) -> Starts:
        before = perf_counter()
        found = self._held(cells, starts)
        self._seconds += perf_counter() - before
        self._settled += len(starts) - len(found) if self._keeps else len(found)
        return found

    def price(self) -> float:
        """Seconds for each row that needed no further question."""
        return self._seconds / (self._settled + 1)


def _of_cells(clause: Clause, matcher: Matcher) -> _Held:
    """Cell by cell where few cells differ, since the matcher knows those; else all at once where that can be done."""
    test, position = matcher.cell_test(clause), matcher.position(clause)
    at_once = answer_at_once(clause, matcher)
    differ: bool | None = None

    def held(cells: list[str], starts: Starts) -> Starts:
        nonlocal differ
        if isinstance(starts, range):
            chosen = cells[starts.start + position : starts.stop : starts.step]
        else:
            chosen = [cells[start + position] for start in starts]
        if at_once is not None:
            if differ is None and len(chosen) >= _JUDGED_BY:
                differ = len(set(chosen)) * 4 > len(chosen)
            answers = at_once(chosen) if differ else None
            if answers is not None:
                return list(compress(starts, answers))
        return list(compress(starts, map(test, chosen)))

    return held


def _others(denied: _Held) -> _Held:
    def held(cells: list[str], starts: Starts) -> Starts:
        out = set(denied(cells, starts))
        return [start for start in starts if start not in out] if out else starts

    return held


def _all(members: list[_Member]) -> _Held:
    def held(cells: list[str], starts: Starts) -> Starts:
        members.sort(key=_Member.price)
        for member in members:
            starts = member.ask(cells, starts)
        return starts

    return held


def _any(members: list[_Member]) -> _Held:
    def held(cells: list[str], starts: Starts) -> Starts:
        members.sort(key=_Member.price)
        found: list[int] = []
        for member in members:
            more = member.ask(cells, starts)
            if more:
                found += more
                known = set(more)
                starts = [start for start in starts if start not in known]
        return found

    return held
