"""Owns the one-line spelling of a rule: `city == "London" and not (unsubscribed == "yes")`.

Mailgrid's documented filters are read as documented: `=` beside `==`, `&&` `||` `!` beside the words,
`contains(column, "x")` beside `column contains "x"`, a column alone for "is not empty". Beyond it there are
`in`, `matches`, `empty`, `before`, `after`, `within`, `not in`, and column names in backquotes.

A bare number is a number, a bare ISO date a date and a bare `last 30 days` a span of time; digits with a leading
zero are a code, hence text.
In quotes, backslash escapes a quote, a backslash, and n, r, t; before anything else it stands for itself.
"""

from __future__ import annotations

import re
from decimal import Decimal

from mailtui.audience.rules import AllOf, AnyOf, BareNumber, Clause, Not, Rule, Value, reads_two_ways

_BARE = re.compile(r"[^\W\d][\w.@-]*")
_KEYWORDS = frozenset(
    "and or not is in empty within contains startswith endswith matches before after".split()  # noqa: SIM905
)
_UNESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def parse_rule(text: str) -> Rule:
    """The tree that one line of text spells. Raises `RuleError` whose problem has the column, from 1."""
    from mailtui.audience.rules_grammar import parse  # here, since the parser library is slow to load

    return parse(text)


def format_rule(rule: Rule) -> str:
    """The one line that `parse_rule` reads back as the same tree."""
    if isinstance(rule, Clause):
        return _format_clause(rule)
    if isinstance(rule, Not):
        return f"not ({format_rule(rule.rule)})"
    if isinstance(rule, AllOf):
        return " and ".join(_format_member(member, AllOf, AnyOf) for member in rule.rules)
    return " or ".join(_format_member(member, AnyOf) for member in rule.rules)


def format_value(value: Value) -> str:
    """A value as it is written in the one-line spelling."""
    if isinstance(value, tuple):
        return f"({', '.join(format_value(item) for item in value)})"
    if isinstance(value, str):
        return '"' + re.sub(r'[\\"\n\r\t]', lambda match: _UNESCAPES[match.group()], value) + '"'
    if isinstance(value, BareNumber):
        return value.text
    if isinstance(value, float):
        digits = format(Decimal(repr(value)), "f")
        digits = digits if "." in digits else digits + ".0"
        return digits + "0" if reads_two_ways(digits) else digits
    return "" if value is None else str(value)


def _format_member(rule: Rule, *enclose: type) -> str:
    text = format_rule(rule)
    return f"({text})" if isinstance(rule, enclose) else text


def format_column(name: str) -> str:
    """A column's name as it is written in the one-line spelling: in backquotes where it is more than a word."""
    bare = _BARE.fullmatch(name) and name.casefold() not in _KEYWORDS
    return name if bare else "`" + name.replace("`", "``") + "`"


def _format_clause(clause: Clause) -> str:
    return f"{format_column(clause.column)} {clause.operator.value} {format_value(clause.value)}".rstrip()
