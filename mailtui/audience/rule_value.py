"""Owns what a person types or picks as the value of a comparison, and the comparisons that suit a column.

A value is typed as it is, without quotes: `London`, `30`, `last 30 days`, or `London, Paris` for a list. Whoever means
digits as a text, blanks at an end, or a comma within one of a list, puts quotes around it as in the one-line spelling.
"""

from __future__ import annotations

import re

from mailtui.audience.findings import ColumnKind
from mailtui.audience.rules import Clause, Operator, Scalar, Value
from mailtui.audience.rules_text import format_value, parse_rule
from mailtui.errors import RuleError

_TEXT = (Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH, Operator.MATCHES, Operator.BEFORE, Operator.AFTER)
_PART = re.compile(r"""\s*("(?:[^"\\]|\\.)*"(?=\s*(?:,|\Z))|'(?:[^'\\]|\\.)*'(?=\s*(?:,|\Z))|[^,]+)""", re.DOTALL)
_ORDERED = (Operator.GT, Operator.GE, Operator.LT, Operator.LE)
_FIRST: dict[ColumnKind, tuple[Operator, ...]] = {
    "number": (Operator.EQ, Operator.NE, *_ORDERED, Operator.IN, Operator.EMPTY),
    "date": (Operator.AFTER, Operator.BEFORE, Operator.WITHIN, Operator.EQ, Operator.NE, Operator.EMPTY),
    "code": (Operator.EQ, Operator.NE, Operator.IN, Operator.STARTSWITH, Operator.EMPTY, Operator.MATCHES),
    "text": (
        *(Operator.EQ, Operator.NE, Operator.IN, Operator.CONTAINS),
        *(Operator.STARTSWITH, Operator.ENDSWITH, Operator.EMPTY, Operator.MATCHES),
    ),
}
WORDS: dict[Operator, str] = {
    Operator.EQ: "is",
    Operator.NE: "is not",
    Operator.GT: "more than",
    Operator.GE: "at least",
    Operator.LT: "less than",
    Operator.LE: "at most",
    Operator.CONTAINS: "has in it",
    Operator.STARTSWITH: "begins with",
    Operator.ENDSWITH: "ends with",
    Operator.IN: "is one of",
    Operator.MATCHES: "fits",
    Operator.EMPTY: "is empty",
    Operator.BEFORE: "is earlier",
    Operator.AFTER: "is later",
    Operator.WITHIN: "so far off",
}
"""What each comparison says, for people."""
EXAMPLES: dict[Operator, str] = {
    Operator.IN: "London, Paris",
    Operator.MATCHES: "^[A-Z]{2}[0-9]+$",
    Operator.BEFORE: "2026-12-31",
    Operator.AFTER: "2026-12-31",
    Operator.WITHIN: "last 30 days",
    Operator.GT: "30",
    Operator.GE: "30",
    Operator.LT: "30",
    Operator.LE: "30",
}
"""A value that each may have, where it is not any text."""


def operators_for(kind: ColumnKind) -> tuple[Operator, ...]:
    """Every comparison, those first that suit a column of this kind."""
    first = _FIRST.get(kind, _FIRST["text"])
    return (*first, *(operator for operator in Operator if operator not in first))


def suits(operator: Operator, kind: ColumnKind) -> bool:
    """Whether a comparison is among those that suit."""
    return operator in _FIRST.get(kind, _FIRST["text"])


def read_value(text: str, operator: Operator, kind: ColumnKind = "text") -> Value:
    """The value that was typed; None where nothing was, and for `empty`. Digits of a code stay a text."""
    text = text.strip()
    if operator is Operator.EMPTY or not text:
        return None
    read = _as_written(text, operator)
    if operator is Operator.IN:
        items: Value = read if isinstance(read, tuple) else tuple(_scalar(part) for part in _parts(text))
        return _texts(items) if kind == "code" else items
    if operator is Operator.WITHIN and read is None and "," in text:
        return tuple(str(_scalar(part)) if _quoted(part) else part for part in _parts(text))
    if read is None or (operator in _TEXT and not _quoted(text)):
        return text
    return _texts(read) if kind == "code" else read


def show_value(value: Value, operator: Operator, kind: ColumnKind = "text") -> str:
    """A value as `read_value` reads it back."""
    if value is None:
        return ""
    ways = [str(value)]
    if isinstance(value, tuple):
        ways = [", ".join(map(str, value)), ", ".join(map(format_value, value))]
    for way in ways:
        if repr(read_value(way, operator, kind)) == repr(value):
            return way
    return format_value(value)


def _as_written(text: str, operator: Operator) -> Value:
    """The value where it is written as the one-line spelling has it, else None."""
    try:
        rule = parse_rule(f"x {operator.value} {text}")
    except RuleError:
        return None
    return rule.value if isinstance(rule, Clause) and rule.column == "x" and rule.operator is operator else None


def _parts(text: str) -> list[str]:
    return [part for part in (found.strip() for found in _PART.findall(text)) if part]


def _scalar(text: str) -> Scalar:
    value = _as_written(text, Operator.EQ)
    return value if isinstance(value, str | int | float) else text


def _quoted(text: str) -> bool:
    return len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"


def _texts(value: Value) -> Value:
    if isinstance(value, tuple):
        return tuple(str(item) for item in value)
    return None if value is None else str(value)
