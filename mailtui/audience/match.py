"""Owns whether a rule holds for a row, and the answer to "why is this row out?", clause by clause.

How cells compare, in one place:

- Upper and lower case are the same, by Unicode case folding, and blanks around a cell do not count;
  `matches` alone sees the cell as it is. So `not (unsubscribed == "yes")` keeps out `Yes` and `YES `.
- `==`, `!=` and `in` compare texts; and numbers when both sides are numbers (`30` is `30.0`), and dates when
  both are dates. Digits with a leading zero or plus are a code: `01234` is never `1234`.
- `>` `>=` `<` `<=` compare with what the value is: with a number only cells that are numbers, with a date only
  cells that are dates, else texts. An empty cell is neither more nor less than anything.
- `before`, `after`, `within` see dates only. Where either side has no time of day, days are compared.
  `within "30 days"` means at most 30 days from today in either direction, `"last 30 days"` and
  `"next 30 days"` one of them, `within ("2026-01-01", "2026-06-30")` from the first day to the last.
- A missing cell is ''. Every comparison either holds or does not; `not` turns exactly that around.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from mailtui.audience.pattern import CELL_LIMIT, PatternError, compile_pattern
from mailtui.audience.rules import AllOf, Clause, Not, Operator, Rule, Scalar, clauses
from mailtui.audience.rules_text import format_rule, format_value
from mailtui.audience.typed import Moment, as_moment, as_number, as_span, is_code
from mailtui.errors import Place, Problem, RuleError
from mailtui.kit.suggest import did_you_mean

RowTest = Callable[[Sequence[str]], bool]
CellTest = Callable[[str], bool]

_TITLE = "The filter does not fit this list"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a clause compares its cells with: folded texts, and the numbers and moments that these may also be.

    `==`, `!=` and `in` hold for any of them; `<` and its like have one of one kind; `within` has its first and last
    day; `empty` has nothing, `matches` its pattern.
    """

    texts: tuple[str, ...] = ()
    numbers: tuple[int | float, ...] = ()
    moments: tuple[Moment, ...] = ()


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

    `columns` are the list's names; a filter's names are looked up as written, then without regard to
    case, then in `aliases`. `now` is what `within` counts from; the present local time when left out.
    Raises `RuleError` for unknown columns, all of them at once, and for values no cell could compare with.
    """

    def __init__(
        self,
        rule: Rule,
        columns: Sequence[str],
        *,
        aliases: Mapping[str, str] | None = None,
        now: datetime | None = None,
    ) -> None:
        self.rule = rule
        self._now = now or datetime.now()  # noqa: DTZ005 - the author's own calendar
        self._position = _positions(rule, columns, aliases or {})
        self.used: tuple[int, ...] = tuple(sorted(set(self._position.values())))
        """Positions of the columns that the rule looks at, in ascending order."""
        tests = {clause: _Memo(_cell_test(clause, self._now)).__getitem__ for clause in clauses(rule)}
        self._tests = tests
        self.test: RowTest = _compile(rule, tests, self._position)
        """Whether the rule holds for a whole row of cells."""
        narrow = {name: self.used.index(position) for name, position in self._position.items()}
        self.test_used: RowTest = _compile(rule, tests, narrow)
        """Whether it holds, given only the cells at `used`, in that order."""

    def position(self, clause: Clause) -> int:
        """Which column a clause of the rule looks at."""
        return self._position[clause.column]

    def cell_test(self, clause: Clause) -> CellTest:
        """What decides for one cell."""
        return self._tests[clause]

    def compared(self, clause: Clause) -> Comparison:
        """With what a clause of the rule compares."""
        return _compared(clause, self._now)

    def explain(self, row: Sequence[str]) -> Explanation:
        """The answer of every clause for one whole row."""
        return self._explain(self.rule, row)

    def _explain(self, rule: Rule, row: Sequence[str]) -> Explanation:
        text = format_rule(rule)
        if isinstance(rule, Clause):
            cell = row[self._position[rule.column]]
            return Explanation(text, self._tests[rule](cell), cell, _note(rule, cell))
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


def fold(text: str) -> str:
    """The form in which texts are compared: canonical composition, case folded."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


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
        raise RuleError(_TITLE, list(dict.fromkeys(problems)))
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


def _cell_test(clause: Clause, now: datetime) -> CellTest:
    """What decides for one cell; chosen once by the operator and by what the value is."""
    operator, value = clause.operator, clause.value
    if operator is Operator.EMPTY:
        return lambda cell: not cell or cell.isspace()
    if operator is Operator.IN:
        assert isinstance(value, tuple)
        return _one_of(value)
    if operator is Operator.WITHIN:
        return _within(clause, now)
    assert isinstance(value, str | int | float)
    if operator is Operator.EQ:
        return _equal(value)
    if operator is Operator.NE:
        equal = _equal(value)
        return lambda cell: not equal(cell)
    if operator in (Operator.GT, Operator.GE, Operator.LT, Operator.LE):
        return _ordered(operator, value)
    text = str(value)
    if operator is Operator.MATCHES:
        return _matches(clause, text)
    if operator in (Operator.BEFORE, Operator.AFTER):
        return _beside(operator, _date_of(clause, text))
    part = fold(text)
    if operator is Operator.CONTAINS:
        return lambda cell: part in fold(cell)
    if operator is Operator.STARTSWITH:
        return lambda cell: fold(cell).lstrip().startswith(part)
    return lambda cell: fold(cell).rstrip().endswith(part)


def _compared(clause: Clause, now: datetime) -> Comparison:
    """What the tests below compare with, for those who do it elsewhere than in Python."""
    operator, value = clause.operator, clause.value
    if value is None:
        return Comparison()
    if operator is Operator.WITHIN:
        return Comparison(moments=tuple(Moment(day, has_time=False) for day in _days(clause, now)))
    values = value if isinstance(value, tuple) else (value,)
    if operator in (Operator.EQ, Operator.NE, Operator.IN):
        texts = tuple(dict.fromkeys(fold(str(item)).strip() for item in values))
        numbers = tuple(number for number in map(_number_of, values) if number is not None)
        dates = texts if operator is Operator.IN or not numbers else ()
        return Comparison(texts, numbers, tuple(moment for moment in map(_moment, dates) if moment is not None))
    text = str(values[0])
    if operator in (Operator.BEFORE, Operator.AFTER):
        return Comparison(moments=(_date_of(clause, text),))
    if operator not in _ORDER:
        return Comparison(texts=(text if operator is Operator.MATCHES else fold(text),))
    number = as_number(text) if isinstance(values[0], str) else values[0]
    if number is not None:
        return Comparison(numbers=(number,))
    wanted = fold(text).strip()
    moment = _moment(wanted)
    return Comparison(texts=(wanted,)) if moment is None else Comparison(moments=(moment,))


def _equal(value: Scalar) -> CellTest:
    wanted = fold(str(value)).strip()
    number = _number_of(value)
    moment = _moment(wanted) if number is None else None
    if number is not None:
        return lambda cell: fold(cell).strip() == wanted or (not is_code(cell) and as_number(cell) == number)
    if moment is not None:
        return lambda cell: fold(cell).strip() == wanted or _same(_moment(cell), moment)
    return lambda cell: fold(cell).strip() == wanted


def _one_of(values: tuple[Scalar, ...]) -> CellTest:
    texts = frozenset(fold(str(value)).strip() for value in values)
    numbers = frozenset(number for number in map(_number_of, values) if number is not None)
    moments = [moment for moment in map(_moment, texts) if moment is not None]

    def test(cell: str) -> bool:
        if fold(cell).strip() in texts:
            return True
        if numbers and not is_code(cell) and as_number(cell) in numbers:
            return True
        return any(_same(_moment(cell), moment) for moment in moments)

    return test


def _ordered(operator: Operator, value: Scalar) -> CellTest:
    holds = _ORDER[operator]
    number = value if isinstance(value, int | float) else as_number(value)
    if number is not None:
        limit = number

        def by_number(cell: str) -> bool:
            found = as_number(cell)
            return found is not None and holds(_sign(found, limit))

        return by_number
    wanted = fold(str(value)).strip()
    moment = _moment(wanted)
    if moment is not None:
        day = moment

        def by_date(cell: str) -> bool:
            found = _moment(cell)
            return found is not None and holds(_compare_moments(found, day))

        return by_date

    def by_text(cell: str) -> bool:
        folded = fold(cell).strip()
        return bool(folded) and holds(_sign(folded, wanted))

    return by_text


_ORDER: Mapping[Operator, Callable[[int], bool]] = {
    Operator.GT: lambda sign: sign > 0,
    Operator.GE: lambda sign: sign >= 0,
    Operator.LT: lambda sign: sign < 0,
    Operator.LE: lambda sign: sign <= 0,
    Operator.AFTER: lambda sign: sign > 0,
    Operator.BEFORE: lambda sign: sign < 0,
}


def _beside(operator: Operator, moment: Moment) -> CellTest:
    holds = _ORDER[operator]

    def test(cell: str) -> bool:
        found = _moment(cell)
        return found is not None and holds(_compare_moments(found, moment))

    return test


def _within(clause: Clause, now: datetime) -> CellTest:
    first, last = _days(clause, now)

    def test(cell: str) -> bool:
        found = _moment(cell)
        return found is not None and first <= _midnight(found.at) <= last

    return test


def _days(clause: Clause, now: datetime) -> tuple[datetime, datetime]:
    """The first and the last day of `within`."""
    value = clause.value
    if isinstance(value, tuple):
        first, last = (_date_of(clause, str(item)).at for item in value)
    else:
        span = as_span(str(value) if isinstance(value, str) else f"{value} days", now)
        if span is None:
            shown = format_value(value)
            raise _value_error(clause, f"{shown} is not a span of time.", 'For example: "30 days" or "last 2 weeks"')
        first, last = span
    first, last = _midnight(first), _midnight(last)
    if last < first:
        raise _value_error(clause, "the second date lies before the first.", "")
    return first, last


def _matches(clause: Clause, text: str) -> CellTest:
    try:
        search = compile_pattern(text).search
    except PatternError as error:
        raise _value_error(clause, f"{error}.", "") from None
    return lambda cell: search(cell[:CELL_LIMIT]) is not None


def _date_of(clause: Clause, text: str) -> Moment:
    moment = _moment(text)
    if moment is None:
        message = f"{format_value(text)} is not a date that reads one way only."
        raise _value_error(clause, message, "Write it as 2026-12-31")
    return moment


def _number_of(value: Scalar) -> int | float | None:
    if isinstance(value, str):
        return None if is_code(value) else as_number(value)
    return value


def _moment(text: str) -> Moment | None:
    return _cached_moment(text) if 8 <= len(text) <= 60 else None


_cached_moment = lru_cache(maxsize=8_192)(as_moment)  # lists repeat their dates; parsing one costs microseconds


def _same(found: Moment | None, wanted: Moment) -> bool:
    return found is not None and _compare_moments(found, wanted) == 0


def _compare_moments(left: Moment, right: Moment) -> int:
    if left.has_time and right.has_time:
        return _sign(left.at, right.at)
    return _sign(_midnight(left.at), _midnight(right.at))


def _sign(left: str | float | datetime, right: str | float | datetime) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _note(clause: Clause, cell: str) -> str:
    operator, value = clause.operator, clause.value
    if not cell.strip():
        return "the cell is empty"
    if operator in (Operator.BEFORE, Operator.AFTER, Operator.WITHIN):
        return "" if _moment(cell) else "not a date that reads one way only"
    if operator in _ORDER and isinstance(value, str | int | float):
        if _number_of(value) is not None:
            return "" if as_number(cell) is not None else "not a number that reads one way only"
        if isinstance(value, str) and _moment(value):
            return "" if _moment(cell) else "not a date that reads one way only"
        return "compared as text"
    return ""


def _value_error(clause: Clause, message: str, hint: str) -> RuleError:
    return RuleError(_TITLE, [Problem(Place("filter", key=clause.column), message, hint)])
