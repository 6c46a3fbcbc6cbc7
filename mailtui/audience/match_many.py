"""Owns comparing many cells with one value in few steps, where the outcome is the one of comparing each by itself.

Texts are folded together, with a line end between them, which folding leaves alone. Numbers are read by `float` when
all of them are written plainly; whatever else there is goes back to be compared cell by cell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from operator import ge, gt, le, lt, not_

from mailtui.audience.comparing import fold
from mailtui.audience.match import Matcher
from mailtui.audience.rules import Clause, Operator

AtOnce = Callable[[Sequence[str]], "Iterable[bool] | None"]
"""An answer for each of some cells; None when they have to be asked one by one."""

_EXACT_DIGITS = 15  # whole numbers that a float has exactly
_PLAIN_NUMBERS = re.compile(r"(?:[+-]?[0-9]++(?:\.[0-9]++)?\n)*+")
_WHOLE_NUMBERS = re.compile(r"(?:[+-]?[0-9]++\n)*+")
_ORDER: dict[Operator, Callable[[float, float], bool]] = {
    Operator.GT: gt,
    Operator.GE: ge,
    Operator.LT: lt,
    Operator.LE: le,
}


def answer_at_once(clause: Clause, matcher: Matcher) -> AtOnce | None:
    """What compares many cells with a clause's value; None for comparisons that cannot be made so."""
    wanted, operator = matcher.compared(clause), clause.operator
    if operator in (Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH):
        return partial(_WITH_TEXT[operator], wanted.texts[0])
    if operator in (Operator.EQ, Operator.NE, Operator.IN) and not wanted.numbers and not wanted.moments:
        texts = frozenset(wanted.texts)
        return partial(_differ_from if operator is Operator.NE else _are_among, texts)
    if operator in _ORDER and wanted.numbers:
        plain = _WHOLE_NUMBERS if matcher.comparing(clause).number_style == "comma" else _PLAIN_NUMBERS
        return partial(_compare, _ORDER[operator], wanted.numbers[0], plain)
    return None


def _contain(part: str, cells: Sequence[str]) -> Iterable[bool] | None:
    folded = _folded(cells)
    return None if folded is None else [part in cell for cell in folded]


def _start_with(part: str, cells: Sequence[str]) -> Iterable[bool] | None:
    folded = _folded(cells)
    return None if folded is None else [cell.lstrip().startswith(part) for cell in folded]


def _end_with(part: str, cells: Sequence[str]) -> Iterable[bool] | None:
    folded = _folded(cells)
    return None if folded is None else [cell.rstrip().endswith(part) for cell in folded]


_WITH_TEXT = {Operator.CONTAINS: _contain, Operator.STARTSWITH: _start_with, Operator.ENDSWITH: _end_with}


def _are_among(texts: frozenset[str], cells: Sequence[str]) -> Iterable[bool] | None:
    folded = _folded(cells)
    return None if folded is None else map(texts.__contains__, map(str.strip, folded))


def _differ_from(texts: frozenset[str], cells: Sequence[str]) -> Iterable[bool] | None:
    equal = _are_among(texts, cells)
    return None if equal is None else map(not_, equal)


def _compare(
    holds: Callable[[float, float], bool], limit: int | float, plain: re.Pattern[str], cells: Sequence[str]
) -> Iterable[bool] | None:
    if max(map(len, cells), default=0) > _EXACT_DIGITS:
        return None
    joined = "\n".join(cells) + "\n"
    if joined.count("\n") != len(cells) or plain.fullmatch(joined) is None:
        return None
    return [holds(number, limit) for number in map(float, cells)]


def _folded(cells: Sequence[str]) -> list[str] | None:
    folded = fold("\n".join(cells)).split("\n")
    return folded if len(folded) == len(cells) else None  # a cell has line ends of its own
