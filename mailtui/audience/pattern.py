"""Owns which regular expressions a filter may use, and that none can stall a run (CWE-1333).

Python's engine tries one way to match after the other and cannot be interrupted. So a pattern is taken apart first
and the ways it could match are counted, for a cell of a given length: repeats multiply, a repeat of something that
itself can match in several ways multiplies with every turn, and a search may begin anywhere. Cells for which they are
few go to that engine. For others an automaton answers, whose time grows with the cell's length only. A pattern that
has none, since it looks around or back, goes to that engine or is refused. So a cell takes some milliseconds, and never
more than about a tenth of a second; longer cells than `CELL_LIMIT` are read no further.
"""

from __future__ import annotations

import re
import warnings
from typing import Any

from mailtui.audience.automaton import Automaton, ops, parser

PATTERN_LIMIT = 300
CELL_LIMIT = 1_000
_FEW_WAYS = 100_000
_WAYS_LIMIT = 1_100_000
_LENGTHS = (1_000, 500, 250, 120, 60, 30, 15, 0)
_NO_LENGTH = -1  # there are too many ways even in an empty cell

_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_SINGLE = (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN, ops.AT, ops.GROUPREF, ops.CATEGORY)
_STARTS = (ops.AT_BEGINNING, ops.AT_BEGINNING_STRING)


class PatternError(ValueError):
    """The pattern is not a regular expression, or could take too long; the message says which."""


class Pattern:
    """A pattern that answers in time, whatever the cell."""

    def __init__(self, compiled: re.Pattern[str], quick_to: int, automaton: Automaton | None) -> None:
        self._search = compiled.search
        self._quick_to = quick_to
        self._automaton = automaton

    def search(self, cell: str) -> bool:
        """Whether it is found in the first `CELL_LIMIT` characters of a cell."""
        if len(cell) <= self._quick_to:
            return self._search(cell) is not None
        cell = cell[:CELL_LIMIT]
        return self._search(cell) is not None if self._automaton is None else self._automaton.search(cell)


def compile_pattern(text: str) -> Pattern:
    """The pattern, ready to search. Raises `PatternError`."""
    if len(text) > PATTERN_LIMIT:
        raise PatternError(f"the pattern has more than {PATTERN_LIMIT} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "possible nested set": nothing a list's author can act on
            tokens = parser.parse(text)
            compiled = re.compile(text)
        quick_to = next((length for length in _LENGTHS if _work(tokens, length) <= _FEW_WAYS), _NO_LENGTH)
        automaton = None if quick_to == CELL_LIMIT else Automaton.of(tokens)
        bearable = quick_to == CELL_LIMIT or automaton is not None or _work(tokens, CELL_LIMIT) <= _WAYS_LIMIT
    except re.error as error:
        raise PatternError(f"the pattern is not valid: {error}") from None
    except (RecursionError, OverflowError):
        raise PatternError("the pattern is nested too deep") from None
    if not bearable:
        raise PatternError("the pattern could take too long: it repeats what repeats, and looks around or counts far")
    return Pattern(compiled, quick_to, automaton)


def _work(tokens: Any, length: int) -> int:
    """About how many ways there are to try in a cell of a length, from all places where a match may begin."""
    begins = len(tokens) > 0 and tokens[0][0] is ops.AT and tokens[0][1] in _STARTS
    anchored = begins and not tokens.state.flags & re.MULTILINE
    return _ways(tokens, length) * (1 if anchored else max(1, length))


def _ways(tokens: Any, length: int) -> int:
    """In how many ways a sequence could match from one place; anything past the limit is about as bad."""
    product = 1
    for op, argument in tokens:
        product = min(product * _ways_of_one(op, argument, length), _WAYS_LIMIT + 1)
    return product


def _ways_of_one(op: Any, argument: Any, length: int) -> int:
    if op in _SINGLE:
        return 1
    if op in _REPEATS:
        least, most, body = argument
        least, most = min(int(least), length), min(int(most), length)
        inner = _ways(body, length)
        if inner > 1 and most > 40:
            return _WAYS_LIMIT + 1
        return int((most - least + 1) * inner**most)
    if op is ops.BRANCH:
        return sum(_ways(branch, length) for branch in argument[1])
    if op is ops.SUBPATTERN:
        return _ways(argument[-1], length)
    if op is ops.ATOMIC_GROUP:
        return _ways(argument, length)
    if op in (ops.ASSERT, ops.ASSERT_NOT):
        return _ways(argument[1], length)
    if op is ops.GROUPREF_EXISTS:
        return _ways(argument[1], length) + (_ways(argument[2], length) if argument[2] else 1)
    return _WAYS_LIMIT + 1
