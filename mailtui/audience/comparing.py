"""Owns how one cell compares with the value of a clause.

- Upper and lower case are the same, by Unicode case folding, and blanks around a cell do not count;
  `matches` alone sees the cell as it is. So `not (unsubscribed == "yes")` keeps out `Yes` and `YES `.
- `==`, `!=` and `in` compare texts; and numbers when both sides are numbers (`30` is `30.0`), and dates when
  both are dates. Digits with a leading zero or plus are a code: `01234` is never `1234`.
- `>` `>=` `<` `<=` compare with what the value is: with a number only cells that are numbers, with a date only
  cells that are dates, else texts. An empty cell is neither more nor less than anything.
- `before`, `after`, `within` see dates only. Where either side has no time of day, days are compared.
  `within "30 days"` means at most 30 days from today in either direction, `"last 30 days"` and
  `"next 30 days"` one of them, `within ("2026-01-01", "2026-06-30")` from the first day to the last.
- The type of a column decides where it is known: in a column of codes, and in one that was given as text, cells are
  texts and nothing else; the style of a column of numbers or dates says how `1,234` and `05/01/2022` read there, in
  cells and in values. Where a column was only found to be text, or nothing is known, each cell is what it looks like.
- A missing cell is ''. Every comparison either holds or does not; `not` turns exactly that around.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from mailtui.audience.findings import ColumnType
from mailtui.audience.pattern import PatternError, compile_pattern
from mailtui.audience.rules import BareNumber, Clause, Operator, Scalar
from mailtui.audience.rules_text import format_value
from mailtui.audience.typed import Comparing, Moment, as_span, midnight
from mailtui.errors import Place, Problem, RuleError

CellTest = Callable[[str], bool]

TITLE = "The filter does not fit this list"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a clause compares its cells with: folded texts, and the numbers and moments that these may also be.

    `==`, `!=` and `in` hold for any of them; `<` and its like have one of one kind; `within` has its first and last
    day; `empty` has nothing, `matches` its pattern.
    """

    texts: tuple[str, ...] = ()
    numbers: tuple[int | float, ...] = ()
    moments: tuple[Moment, ...] = ()


def comparing(found: ColumnType) -> Comparing:
    """How the cells of a column of this type are read when they are compared."""
    if found.kind == "code" or (found.kind == "text" and found.confidence == "given"):
        return Comparing(texts_only=True)
    return Comparing(
        number_style=found.style if found.kind == "number" else "",
        date_style=found.style if found.kind == "date" else "",
    )


def fold(text: str) -> str:
    """The form in which texts are compared: canonical composition, case folded."""
    return text.casefold() if text.isascii() else unicodedata.normalize("NFC", text).casefold()


def cell_test(clause: Clause, how: Comparing, now: datetime) -> CellTest:
    """What decides for one cell; chosen once by the operator and by what the value is."""
    operator, value = clause.operator, clause.value
    _require_one_way(clause, how)
    if operator is Operator.EMPTY:
        return lambda cell: not cell or cell.isspace()
    if operator is Operator.IN:
        assert isinstance(value, tuple)
        return _one_of(value, how)
    if operator is Operator.WITHIN:
        return _within(clause, how, now)
    assert isinstance(value, str | int | float)
    if operator is Operator.EQ:
        return _equal(value, how)
    if operator is Operator.NE:
        equal = _equal(value, how)
        return lambda cell: not equal(cell)
    if operator in (Operator.GT, Operator.GE, Operator.LT, Operator.LE):
        return _ordered(operator, value, how)
    text = str(value)
    if operator is Operator.MATCHES:
        return _matches(clause, text)
    if operator in (Operator.BEFORE, Operator.AFTER):
        return _beside(operator, _date_of(clause, text, how), how)
    part = fold(text)
    if operator is Operator.CONTAINS:
        return lambda cell: part in fold(cell)
    if operator is Operator.STARTSWITH:
        return lambda cell: fold(cell).lstrip().startswith(part)
    return lambda cell: fold(cell).rstrip().endswith(part)


def compared(clause: Clause, how: Comparing, now: datetime) -> Comparison:
    """What the tests below compare with, for those who do it elsewhere than in Python."""
    operator, value = clause.operator, clause.value
    if value is None:
        return Comparison()
    if operator is Operator.WITHIN:
        return Comparison(moments=tuple(Moment(day, has_time=False) for day in _days(clause, how, now)))
    values = value if isinstance(value, tuple) else (value,)
    if operator in (Operator.EQ, Operator.NE, Operator.IN):
        texts = tuple(dict.fromkeys(fold(str(item)).strip() for item in values))
        numbers = tuple(number for number in map(how.exact, values) if number is not None)
        dates = texts if operator is Operator.IN or not numbers else ()
        return Comparison(texts, numbers, tuple(moment for moment in map(how.moment, dates) if moment is not None))
    text = str(values[0])
    if operator in (Operator.BEFORE, Operator.AFTER):
        return Comparison(moments=(_date_of(clause, text, how),))
    if operator not in _ORDER:
        return Comparison(texts=(text if operator is Operator.MATCHES else fold(text),))
    number = how.number(values[0])
    if number is not None:
        return Comparison(numbers=(number,))
    wanted = fold(text).strip()
    moment = how.moment(wanted)
    return Comparison(texts=(wanted,)) if moment is None else Comparison(moments=(moment,))


def _equal(value: Scalar, how: Comparing) -> CellTest:
    wanted = fold(str(value)).strip()
    number = how.exact(value)
    moment = how.moment(wanted) if number is None else None
    if number is not None:
        return lambda cell: fold(cell).strip() == wanted or how.exact(cell) == number
    if moment is not None:
        return lambda cell: fold(cell).strip() == wanted or _same(how.moment(cell), moment)
    return lambda cell: fold(cell).strip() == wanted


def _one_of(values: tuple[Scalar, ...], how: Comparing) -> CellTest:
    texts = frozenset(fold(str(value)).strip() for value in values)
    numbers = frozenset(number for number in map(how.exact, values) if number is not None)
    moments = [moment for moment in map(how.moment, texts) if moment is not None]

    def test(cell: str) -> bool:
        if fold(cell).strip() in texts:
            return True
        if numbers and how.exact(cell) in numbers:
            return True
        return any(_same(how.moment(cell), moment) for moment in moments)

    return test


def _ordered(operator: Operator, value: Scalar, how: Comparing) -> CellTest:
    holds = _ORDER[operator]
    number = how.number(value)
    if number is not None:
        limit = number

        def by_number(cell: str) -> bool:
            found = how.number(cell)
            return found is not None and holds(_sign(found, limit))

        return by_number
    wanted = fold(str(value)).strip()
    moment = how.moment(wanted)
    if moment is not None:
        day = moment

        def by_date(cell: str) -> bool:
            found = how.moment(cell)
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


def _beside(operator: Operator, moment: Moment, how: Comparing) -> CellTest:
    holds = _ORDER[operator]

    def test(cell: str) -> bool:
        found = how.moment(cell)
        return found is not None and holds(_compare_moments(found, moment))

    return test


def _within(clause: Clause, how: Comparing, now: datetime) -> CellTest:
    first, last = _days(clause, how, now)

    def test(cell: str) -> bool:
        found = how.moment(cell)
        return found is not None and first <= midnight(found.at) <= last

    return test


def _days(clause: Clause, how: Comparing, now: datetime) -> tuple[datetime, datetime]:
    """The first and the last day of `within`."""
    _require_dates(clause, how)
    value = clause.value
    if isinstance(value, tuple):
        first, last = (_date_of(clause, str(item), how).at for item in value)
    else:
        span = as_span(str(value) if isinstance(value, str) else f"{value} days", now)
        if span is None:
            shown = format_value(value)
            raise _value_error(clause, f"{shown} is not a span of time.", "For example: 30 days, or last 2 weeks")
        first, last = span
    first, last = midnight(first), midnight(last)
    if last < first:
        raise _value_error(clause, "the second date lies before the first.", "")
    return first, last


def _matches(clause: Clause, text: str) -> CellTest:
    try:
        return compile_pattern(text).search
    except PatternError as error:
        raise _value_error(clause, f"{error}.", "") from None


def _date_of(clause: Clause, text: str, how: Comparing) -> Moment:
    _require_dates(clause, how)
    moment = how.moment(text)
    if moment is None:
        message = f"{format_value(text)} is not a date that reads one way only."
        raise _value_error(clause, message, "Write it as 2026-12-31")
    return moment


def _require_dates(clause: Clause, how: Comparing) -> None:
    if how.texts_only:
        message = f"{clause.operator.value} compares dates, and {clause.column} is compared as text only."
        raise _value_error(clause, message, "The type of a column is shown with the list, and can be given.")


def _require_one_way(clause: Clause, how: Comparing) -> None:
    """A bare `5.000` is five thousand to the author of a list with decimal commas: none is taken for the other."""
    if how.texts_only or how.number_style != "comma" or clause.operator is Operator.WITHIN:
        return
    for value in clause.value if isinstance(clause.value, tuple) else (clause.value,):
        if isinstance(value, BareNumber):
            whole, fraction = value.text.replace(".", ""), repr(float(value)).replace(".", ",")
            message = f"the column has decimal commas, so {value.text} may be {whole} or {fraction}."
            raise _value_error(clause, message, f'Write {whole}, or "{fraction}" in quotes.')


def _same(found: Moment | None, wanted: Moment) -> bool:
    return found is not None and _compare_moments(found, wanted) == 0


def _compare_moments(left: Moment, right: Moment) -> int:
    if left.has_time and right.has_time:
        return _sign(left.at, right.at)
    return _sign(midnight(left.at), midnight(right.at))


def _sign(left: str | float | datetime, right: str | float | datetime) -> int:
    return (left > right) - (left < right)  # type: ignore[operator]


def note(clause: Clause, cell: str, how: Comparing) -> str:
    """What a person would not see at once of a comparison with a cell, such as that it is no number."""
    operator, value = clause.operator, clause.value
    if not cell.strip():
        return "the cell is empty"
    if operator in (Operator.BEFORE, Operator.AFTER, Operator.WITHIN):
        return "" if how.moment(cell) else "not a date that reads one way only"
    if operator in _ORDER and isinstance(value, str | int | float):
        if how.number(value) is not None:
            return "" if how.number(cell) is not None else "not a number that reads one way only"
        if how.moment(str(value)):
            return "" if how.moment(cell) else "not a date that reads one way only"
        return "compared as text"
    return ""


def _value_error(clause: Clause, message: str, hint: str) -> RuleError:
    return RuleError(TITLE, [Problem(Place("filter", key=clause.column), message, hint)])
