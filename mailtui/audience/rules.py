"""Owns the rule tree: who is meant, as data. Text and YAML are spellings of it, `match` makes it work.

The tree is canonical: a group has at least two members and a negation one, so every tree has exactly one
text and one YAML form, and comes back from either unchanged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

DEPTH_LIMIT = 40
CLAUSE_LIMIT = 2_000
_TWO_WAYS = re.compile(r"-?\d{1,3}\.\d{3}", re.ASCII)


class Operator(Enum):
    """How a cell is compared. The member's name is its YAML spelling, the value its one-line spelling."""

    EQ = "=="
    NE = "!="
    GT = ">"
    GE = ">="
    LT = "<"
    LE = "<="
    CONTAINS = "contains"
    STARTSWITH = "startsWith"
    ENDSWITH = "endsWith"
    IN = "in"
    MATCHES = "matches"
    EMPTY = "empty"
    BEFORE = "before"
    AFTER = "after"
    WITHIN = "within"


class BareNumber(float):
    """A number as somebody wrote it without quotes, with three digits behind its point: `5.000`.

    It is five, and five thousand to whoever writes decimal commas. So its spelling is kept, and where its column has
    decimal commas, it is asked for (see `comparing`). A float in a tree is none: programs write those.
    """

    __slots__ = ("text",)

    def __new__(cls, text: str) -> BareNumber:
        number = super().__new__(cls, text)
        number.text = text
        return number

    text: str

    def __getnewargs__(self) -> tuple[str]:  # type: ignore[override]
        return (self.text,)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"BareNumber({self.text!r})"


def reads_two_ways(digits: str) -> bool:
    """Whether the point in a number may be a decimal point, or be there to set off thousands."""
    return _TWO_WAYS.fullmatch(digits) is not None


Scalar: TypeAlias = str | int | float
Value: TypeAlias = Scalar | tuple[Scalar, ...] | None


@dataclass(frozen=True, slots=True)
class Clause:
    """One comparison of a column with a value.

    The value is a text or a number; a tuple of them for `in`, or of two for `within`; None for `empty`.
    A number is a number on purpose (`age == 30`); digits that are a code are text (`postcode == "01234"`).
    Raises `ValueError` for a value the operator cannot take.
    """

    column: str
    operator: Operator
    value: Value = None

    def __post_init__(self) -> None:
        if not self.column:
            raise ValueError("a column needs a name")
        problem = _value_problem(self.operator, self.value)
        if problem:
            raise ValueError(problem)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Clause):
            return NotImplemented
        return self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[str, Operator, str]:
        # 1 == 1.0 == True in Python, yet they are spelt differently; -0.0 and 0.0 likewise.
        return self.column, self.operator, repr(self.value)


@dataclass(frozen=True, slots=True)
class AllOf:
    """Holds when every one of two or more rules holds."""

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        _check_group(self.rules)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds when at least one of two or more rules holds."""

    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        _check_group(self.rules)


@dataclass(frozen=True, slots=True)
class Not:
    """Holds when its rule does not."""

    rule: Rule


Rule: TypeAlias = Clause | AllOf | AnyOf | Not


def members(rule: Rule) -> tuple[Rule, ...]:
    """The rules directly below one."""
    if isinstance(rule, AllOf | AnyOf):
        return rule.rules
    return (rule.rule,) if isinstance(rule, Not) else ()


def clauses(rule: Rule) -> Iterator[Clause]:
    """Every comparison in the tree, from left to right."""
    waiting = [rule]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Clause):
            yield here
        waiting.extend(reversed(members(here)))


def too_large(rule: Rule) -> str:
    """A sentence when the tree is nested too deep or has too many comparisons to be meant, else ''."""
    waiting = [(rule, 1)]
    count = 0
    while waiting:
        here, depth = waiting.pop()
        count += isinstance(here, Clause)
        if depth > DEPTH_LIMIT:
            return f"the filter is nested more than {DEPTH_LIMIT} levels deep"
        if count > CLAUSE_LIMIT:
            return f"the filter has more than {CLAUSE_LIMIT:,} comparisons"
        waiting.extend((below, depth + 1) for below in members(here))
    return ""


def _check_group(rules: tuple[Rule, ...]) -> None:
    if len(rules) < 2:
        raise ValueError("a group needs at least two rules")


def _value_problem(operator: Operator, value: Value) -> str:
    name = operator.value
    if operator is Operator.EMPTY:
        return "" if value is None else "empty takes no value"
    if value is None:
        return f"{name} needs a value"
    if operator is Operator.IN:
        listed = isinstance(value, tuple) and len(value) > 0
        return _number_problem(value) if listed else "in needs a list of values"
    if isinstance(value, tuple):
        if operator is not Operator.WITHIN:
            return f"{name} takes one value, not a list"
        two = len(value) == 2 and all(isinstance(item, str) for item in value)
        return "" if two else "within takes a span such as 30 days, or two dates"
    texts_only = (Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH, Operator.MATCHES, Operator.BEFORE)
    if operator in (*texts_only, Operator.AFTER) and not isinstance(value, str):
        return f"{name} takes a text in quotes"
    return _number_problem(value)


def _number_problem(value: Value) -> str:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            return f"a value is a text or a number, not {item!r}"
        if isinstance(item, float) and not math.isfinite(item):
            return f"{item!r} is not a number to compare with"
        if isinstance(item, int) and abs(item) >= 10**40:
            return "a number has at most 40 digits; put longer codes in quotes"
    return ""
