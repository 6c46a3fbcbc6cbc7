"""Owns which regular expressions a filter may use, so that none can stall a run (CWE-1333).

Python's engine backtracks and cannot be interrupted. So a pattern is taken apart first and the ways it could
match from one position are counted: repeats multiply, and a repeat of something that itself can match in
several ways multiplies with every turn. Past a million the pattern is refused. The worst accepted pattern
takes about a quarter of a second on a cell of 1,000 characters, and longer cells are read no further.
"""

from __future__ import annotations

import re
import warnings
from re import _constants as ops
from re import _parser as parser
from typing import Any

PATTERN_LIMIT = 300
CELL_LIMIT = 1_000
_WAYS_LIMIT = 1_100_000

_REPEATS = (ops.MAX_REPEAT, ops.MIN_REPEAT, ops.POSSESSIVE_REPEAT)
_SINGLE = (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN, ops.AT, ops.GROUPREF, ops.CATEGORY)


class PatternError(ValueError):
    """The pattern is not a regular expression, or could take too long; the message says which."""


def compile_pattern(text: str) -> re.Pattern[str]:
    """The compiled pattern. Raises `PatternError`."""
    if len(text) > PATTERN_LIMIT:
        raise PatternError(f"the pattern has more than {PATTERN_LIMIT} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "possible nested set": nothing a list's author can act on
            ways = _ways(parser.parse(text))
            compiled = re.compile(text)
    except re.error as error:
        raise PatternError(f"the pattern is not valid: {error}") from None
    except (RecursionError, OverflowError):
        raise PatternError("the pattern is nested too deep") from None
    if ways > _WAYS_LIMIT:
        raise PatternError("the pattern could take too long: it repeats what repeats or branches, or repeats thrice")
    return compiled


def _ways(tokens: Any) -> int:
    """In how many ways a sequence could match from one position; anything past the limit is about as bad."""
    product = 1
    for op, argument in tokens:
        product = min(product * _ways_of_one(op, argument), _WAYS_LIMIT + 1)
    return product


def _ways_of_one(op: Any, argument: Any) -> int:
    if op in _SINGLE:
        return 1
    if op in _REPEATS:
        least, most, body = argument
        least, most = min(int(least), CELL_LIMIT), min(int(most), CELL_LIMIT)
        inner = _ways(body)
        if inner > 1 and most > 40:
            return _WAYS_LIMIT + 1
        return int((most - least + 1) * inner**most)
    if op is ops.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if op is ops.SUBPATTERN:
        return _ways(argument[-1])
    if op is ops.ATOMIC_GROUP:
        return _ways(argument)
    if op in (ops.ASSERT, ops.ASSERT_NOT):
        return _ways(argument[1])
    if op is ops.GROUPREF_EXISTS:
        return _ways(argument[1]) + (_ways(argument[2]) if argument[2] else 1)
    return _WAYS_LIMIT + 1
