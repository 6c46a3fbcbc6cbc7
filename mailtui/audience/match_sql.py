"""Owns a rule as a condition in SQL over a list's index, with exactly the meaning that `match` gives it.

SQL decides what it can be trusted with: texts of cells that are ASCII, where its `lower` is Unicode's case folding,
and numbers and dates by their shadows, which were read from the cells by the same functions. A cell beyond ASCII, a
regular expression, a number in a column that has no shadow: there the clause's own test in Python is called from the
SQL, for that cell. So one statement counts, sorts and searches, and other threads go on while it runs.

A condition is never NULL, whose NOT would be NULL again where the rule says yes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import cast

import apsw

from mailtui.audience.column_facts import BLANKS, DAY, ColumnFacts, date_key
from mailtui.audience.comparing import CellTest, Comparison
from mailtui.audience.match import Matcher
from mailtui.audience.rules import AllOf, Clause, Not, Operator, Rule, members
from mailtui.audience.typed import Moment

Bound = str | int | float
_BINDINGS = 20_000  # of 32,766 that a statement may have
_WIDEST = 1 << 63
_PATTERN = 10_000  # characters; LIKE takes 50,000 bytes
_SIGNS = {
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
    Operator.AFTER: ">",
    Operator.BEFORE: "<",
}
_CODE = "(({0} GLOB '+*') OR ({0} GLOB '0[0-9]*') OR ({0} GLOB '-0[0-9]*'))"
_numbers = count(1)  # a function's name is taken for as long as its connection lives


@dataclass(frozen=True, slots=True)
class SqlRule:
    """A condition over the columns of `entry`, the values it binds by name, and the functions it calls."""

    text: str
    bindings: dict[str, Bound]
    functions: tuple[tuple[str, CellTest], ...]

    def install(self, connection: apsw.Connection) -> None:
        """Make the functions known to a connection, which has to come before the condition is used there."""
        for name, test in self.functions:
            sql_function(connection, name, test)

    def remove(self, connection: apsw.Connection) -> None:
        """Forget the functions again."""
        for name, _ in self.functions:
            connection.create_scalar_function(name, None, 1)


def sql_function(connection: apsw.Connection, name: str, function: Callable[[str], str | bool]) -> None:
    """Make a function of one text known to a connection."""
    connection.create_scalar_function(name, cast("Callable[..., str | bool]", function), 1, deterministic=True)


def compile_rule(matcher: Matcher, facts: Sequence[ColumnFacts]) -> SqlRule:
    """The condition for a matcher's rule. `facts` are those of the columns, in the order of the list."""
    compiler = _Compiler(matcher, facts)
    text, _ = compiler.rule(matcher.rule)
    return SqlRule(text, compiler.bindings, tuple(compiler.functions))


class _Compiler:
    def __init__(self, matcher: Matcher, facts: Sequence[ColumnFacts]) -> None:
        self.bindings: dict[str, Bound] = {}
        self.functions: list[tuple[str, CellTest]] = []
        self._matcher = matcher
        self._facts = facts

    def rule(self, rule: Rule) -> tuple[str, bool]:
        """A condition, and whether it always calls Python."""
        if isinstance(rule, Clause):
            position = self._matcher.position(rule)
            text = _Cell(self, rule, position, self._facts[position]).condition()
            return (self.python(rule, position), True) if text is None else (text, False)
        if isinstance(rule, Not):
            text, slow = self.rule(rule.rule)
            return f"NOT ({text})", slow
        # What SQL decides alone comes first: Python is asked about the rows that are left.
        parts = sorted(map(self.rule, members(rule)), key=lambda part: part[1])
        word = "AND" if isinstance(rule, AllOf) else "OR"
        return _balanced([text for text, _ in parts], word), any(slow for _, slow in parts)

    def python(self, clause: Clause, position: int) -> str:
        """The clause's own test, called for a cell."""
        name = f"held_{next(_numbers)}"
        self.functions.append((name, self._matcher.cell_test(clause)))
        return f"{name}(c{position})"

    def compared(self, clause: Clause) -> Comparison:
        return self._matcher.compared(clause)

    def bind(self, value: Bound) -> str:
        """The name of a value in the statement."""
        name = f"v{len(self.bindings)}"
        self.bindings[name] = value
        return f":{name}"

    @property
    def full(self) -> bool:
        return len(self.bindings) > _BINDINGS


class _Cell:
    """One comparison with one column."""

    def __init__(self, compiler: _Compiler, clause: Clause, position: int, facts: ColumnFacts) -> None:
        self._compiler = compiler
        self._clause = clause
        self._position = position
        self._facts = facts
        self._compared = compiler.compared(clause)
        self._cell = f"c{position}"
        self._shadow = facts.shadow_name(position)

    def condition(self) -> str | None:
        """The condition, or None where only Python knows."""
        operator, compared = self._clause.operator, self._compared
        if not self._can():
            return None
        if operator is Operator.EMPTY:
            return f"({self._cell} = '')" if self._facts.bare else self._guarded(f"{self._trimmed()} = ''")
        if operator in (Operator.EQ, Operator.IN):
            return self._one_of()
        if operator is Operator.NE:
            return f"NOT ({self._one_of()})"
        if operator is Operator.WITHIN:
            first, last = (self._bind(date_key(moment) // DAY) for moment in compared.moments)
            return f"ifnull({self._shadow} / {DAY} BETWEEN {first} AND {last}, 0)"
        if compared.moments:
            return self._beside(_SIGNS[operator], compared.moments[0])
        if compared.numbers:
            return f"ifnull({self._shadow} {_SIGNS[operator]} {self._bind(compared.numbers[0])}, 0)"
        return self._by_text(compared.texts[0])

    def _can(self) -> bool:
        """Whether SQL has all that the comparison takes."""
        compared, facts = self._compared, self._facts
        if self._compiler.full or len(compared.texts) > _BINDINGS or self._clause.operator is Operator.MATCHES:
            return False
        if not all(map(speakable, compared.texts)):
            return False
        if compared.numbers and not (facts.shadow == "number" and facts.exact and all(map(_fits, compared.numbers))):
            return False
        return not compared.moments or facts.shadow == "date"

    def _one_of(self) -> str:
        compared = self._compared
        wanted = ", ".join(self._bind(text) for text in compared.texts)
        ways = [self._guarded(f"{self._folded()} IN ({wanted})")]
        if compared.numbers:
            listed = ", ".join(self._bind(number) for number in compared.numbers)
            code = _CODE.format(self._cell if self._facts.bare else f"trim({self._cell}, {self._bind(BLANKS)})")
            ways.append(f"(ifnull({self._shadow} IN ({listed}), 0) AND NOT {code})")
        ways.extend(self._beside("=", moment) for moment in compared.moments)
        return _balanced(ways, "OR")

    def _beside(self, sign: str, moment: Moment) -> str:
        """Before, after or at a moment: by the day unless both have a time."""
        key, shadow = date_key(moment), self._shadow
        by_day = f"{shadow} / {DAY} {sign} {self._bind(key // DAY)}"
        if not moment.has_time:
            return f"ifnull({by_day}, 0)"
        return f"ifnull(CASE WHEN {shadow} & 1 THEN {shadow} {sign} {self._bind(key)} ELSE {by_day} END, 0)"

    def _by_text(self, text: str) -> str:
        operator = self._clause.operator
        if operator in (Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH):
            return self._guarded(self._like(text))
        wanted = self._bind(text)
        folded = self._folded()
        return self._guarded(f"({self._trimmed()} <> '' AND {folded} {_SIGNS[operator]} {wanted})")

    def _like(self, text: str) -> str:
        """SQLite's LIKE takes no notice of the case of ASCII letters, and half the time of `lower` and `instr`."""
        operator = self._clause.operator
        pattern = like_pattern(text)
        if operator is Operator.CONTAINS:
            return f"{self._cell} LIKE {self._bind(f'%{pattern}%')} ESCAPE '!'"
        if operator is Operator.STARTSWITH:
            return f"{self._trimmed('ltrim')} LIKE {self._bind(f'{pattern}%')} ESCAPE '!'"
        return f"{self._trimmed('rtrim')} LIKE {self._bind(f'%{pattern}')} ESCAPE '!'"

    def _guarded(self, condition: str) -> str:
        """A condition that is true to ASCII cells, with Python for the others; `length` ends at a NUL."""
        if self._facts.ascii:
            return f"({condition})"
        other = self._compiler.python(self._clause, self._position)
        # The whole clause is asked in Python, which may say yes for a reason of its own: then it is yes anyway.
        other = f"NOT {other}" if self._clause.operator is Operator.NE else other
        cell = self._cell
        return f"CASE WHEN length({cell}) = octet_length({cell}) THEN {condition} ELSE {other} END"

    def _folded(self, trim: str = "trim") -> str:
        return f"lower({self._trimmed(trim)})"

    def _trimmed(self, trim: str = "trim") -> str:
        return self._cell if self._facts.bare else f"{trim}({self._cell}, {self._bind(BLANKS)})"

    def _bind(self, value: Bound) -> str:
        return self._compiler.bind(value)


def _balanced(parts: Sequence[str], word: str) -> str:
    """The parts joined two by two: SQLite refuses an expression that is nested a thousand deep."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return f"({_balanced(parts[:half], word)} {word} {_balanced(parts[half:], word)})"


def like_pattern(text: str) -> str:
    """A text as LIKE takes it, with ! before what would mean something else."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def speakable(text: str) -> bool:
    """Whether SQL can compare with a text: it has no half of a surrogate pair, and no NUL, where LIKE would end."""
    return len(text) <= _PATTERN and "\0" not in text and not any("\ud800" <= mark <= "\udfff" for mark in text)


def _fits(number: int | float) -> bool:
    return isinstance(number, float) or -_WIDEST <= number < _WIDEST
