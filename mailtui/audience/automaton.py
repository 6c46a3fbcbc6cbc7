"""Owns answering whether a regular expression is found in a text in a time that only its length decides.

Python's own engine tries one way after the other, and some patterns have millions of them. Here all ways are gone
together, character by character (Thompson 1968), and what was worked out once is remembered. Lookarounds,
backreferences, atomic groups, possessive repeats and `(?a:` cannot be told so; `Automaton.of` gives None for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib import import_module
from typing import Any

# What `re` takes patterns apart with; the type checker's stubs do not have it.
compiler: Any = import_module("re._compiler")
ops: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

_NODES_LIMIT = 400
_KEPT = 20_000
_ATOMS = (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN)
_WORD = re.compile(r"\w")
_ASCII_WORD = re.compile(r"\w", re.ASCII)
_NOTHING_HAS_NO_EDGE = re.search(r"\B", "") is not None  # only since Python 3.14

_Character = Callable[[str], object]
_Place = tuple[str, str, int]
"""The character before a place, the one after it, and what is left: 0 nothing, 1 a last line feed, 2 more."""


class _Unfit(Exception):
    """The pattern has something in it that no automaton can tell, or is too large for one."""


class Automaton:
    """One pattern as nodes that lead on to others, by a character, by a condition on the place, or freely."""

    def __init__(self) -> None:
        self._characters: dict[int, tuple[_Character, int]] = {}
        self._conditions: dict[int, tuple[Any, int, int]] = {}
        self._free: dict[int, list[int]] = {}
        self._count = 1
        self._start = 0
        self._known: dict[tuple[frozenset[int], _Place], frozenset[int] | None] = {}

    @classmethod
    def of(cls, tokens: Any) -> Automaton | None:
        """For a pattern as `re` takes it apart; None for one that it cannot be made for. Node 0 is its end."""
        made = cls()
        try:
            made._start = made._sequence(tokens, tokens.state.flags, 0)
        except _Unfit:
            return None
        return made

    def search(self, text: str) -> bool:
        """Whether the pattern is found anywhere in the text."""
        here: frozenset[int] = frozenset()
        before, length = "", len(text)
        for at in range(length + 1):
            after = text[at : at + 1]
            left = 0 if not after else 1 if after == "\n" and at == length - 1 else 2
            key = (here, (before, after, left))
            if key in self._known:
                onward = self._known[key]
            else:
                onward = self._step(*key)
                if len(self._known) < _KEPT:
                    self._known[key] = onward
            if onward is None:
                return True
            here, before = onward, after
        return False

    def _step(self, here: frozenset[int], place: _Place) -> frozenset[int] | None:
        """Where the next character leads from here, or from a new start; None when the end is reached without it."""
        reached: set[int] = set()
        waiting = [*here, self._start]
        while waiting:
            node = waiting.pop()
            if node in reached:
                continue
            if node == 0:
                return None
            reached.add(node)
            waiting.extend(self._free.get(node, ()))
            condition = self._conditions.get(node)
            if condition is not None and _holds(condition[0], condition[1], place):
                waiting.append(condition[2])
        after = place[1]
        leads = (self._characters[node] for node in reached if node in self._characters)
        return frozenset(target for fits, target in leads if after and fits(after))

    # building, from the end to the beginning: every part is given the node that comes after it

    def _node(self) -> int:
        if self._count >= _NODES_LIMIT:
            raise _Unfit
        self._count += 1
        return self._count - 1

    def _sequence(self, tokens: Iterable[Any], flags: int, after: int) -> int:
        for token in reversed(list(tokens)):
            after = self._token(token, flags, after)
        return after

    def _token(self, token: Any, flags: int, after: int) -> int:
        op, argument = token
        if op in _ATOMS:
            return self._atom(token, flags, after)
        if op is ops.AT:
            node = self._node()
            self._conditions[node] = (argument, flags, after)
            return node
        if op is ops.SUBPATTERN:
            _, added, removed, body = argument
            if added & parser.TYPE_FLAGS:
                raise _Unfit  # `re` itself is not sure what `(?a:\\W)` finds: it skips places by the pattern's own flag
            return self._sequence(body, (flags | added) & ~removed, after)
        if op is ops.BRANCH:
            return self._either(*(self._sequence(branch, flags, after) for branch in argument[1]))
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            return self._repeat(argument, flags, after)
        raise _Unfit

    def _atom(self, token: Any, flags: int, after: int) -> int:
        node = self._node()
        # A state of its own: that of the pattern would bring back a flag that `(?-i:` took away.
        one = compiler.compile(parser.SubPattern(parser.State(), [token]), flags)
        self._characters[node] = (one.fullmatch, after)
        return node

    def _either(self, *targets: int) -> int:
        node = self._node()
        self._free[node] = list(targets)
        return node

    def _repeat(self, argument: Any, flags: int, after: int) -> int:
        least, most, body = argument
        if most is ops.MAXREPEAT:
            node = self._either(after)
            self._free[node].append(self._sequence(body, flags, node))
        else:
            node = after
            for _ in range(int(most) - int(least)):
                node = self._either(after, self._sequence(body, flags, node))
        for _ in range(int(least)):
            node = self._sequence(body, flags, node)
        return node


def _holds(condition: Any, flags: int, place: _Place) -> bool:
    """Whether `^`, `$`, `\\A`, `\\Z`, `\\b` or `\\B` holds at a place."""
    before, after, left = place
    if condition is ops.AT_BEGINNING_STRING:
        return not before
    if condition is ops.AT_BEGINNING:
        return not before or bool(flags & re.MULTILINE and before == "\n")
    if condition is ops.AT_END_STRING:
        return left == 0
    if condition is ops.AT_END:
        return left < 2 or bool(flags & re.MULTILINE and after == "\n")
    if condition is ops.AT_NON_BOUNDARY and not before and not after:
        return _NOTHING_HAS_NO_EDGE
    word = _ASCII_WORD if flags & re.ASCII else _WORD
    edge = (word.match(before) is None) is not (word.match(after) is None)
    return edge is (condition is ops.AT_BOUNDARY)
