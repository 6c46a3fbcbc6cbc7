"""Owns the grammar of the one-line spelling, and telling what in a line does not fit it.

`rules_text` imports it when there is a line to parse, not before: most lists have no filter.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import lark

from mailtui.audience.rules import (
    AllOf,
    AnyOf,
    BareNumber,
    Clause,
    Not,
    Operator,
    Rule,
    Scalar,
    reads_two_ways,
    too_large,
)
from mailtui.errors import Place, Problem, RuleError
from mailtui.kit.suggest import did_you_mean

TEXT_LIMIT = 20_000
TITLE = "The filter cannot be read"

_GRAMMAR = r"""
?start: either
?either: both (_OR both)*                   -> any_of
?both: single (_AND single)*                -> all_of
?single: _NOT single                        -> negation
       | "(" either ")"                     -> enclosed
       | column OPERATOR value              -> comparison
       | column WORD value                  -> comparison
       | column _NOT WORD value             -> denied
       | column IN list                     -> comparison
       | column _NOT IN list                -> denied
       | column WITHIN (value | list)       -> comparison
       | column _NOT WITHIN (value | list)  -> denied
       | column _IS? EMPTY                  -> emptiness
       | column _IS _NOT EMPTY              -> presence
       | WORD "(" column "," value ")"      -> call
       | EMPTY "(" column ")"               -> call
       | column                             -> presence
list: "(" value ("," value)* ")" | "[" value ("," value)* "]"
column: NAME | BACKQUOTED
value: STRING -> text | DATE -> date | NUMBER -> number | SPAN -> span

_AND.3: /and(?![\w.@-])/i | "&&"
_OR.3: /or(?![\w.@-])/i | "||"
_NOT.3: /not(?![\w.@-])/i | /!(?!=)/
_IS.3: /is(?=\s+(not\s+)?empty\b)/i
IN.3: /in(?![\w.@-])/i
EMPTY.3: /empty(?![\w.@-])/i
WITHIN.3: /within(?![\w.@-])/i
WORD.3: /(contains|startswith|endswith|matches|before|after)(?![\w.@-])/i
OPERATOR: "==" | "!=" | ">=" | "<=" | ">" | "<" | "="
NAME: /[^\W\d][\w.@-]*/
BACKQUOTED: /`(?:[^`]|``)+`/
STRING: /"(?:[^"\\]|\\.)*"/s | /'(?:[^'\\]|\\.)*'/s
DATE.2: /[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]+)?(?![\w.])/
SPAN.2: /((last|next|past)\s+)?[0-9]{1,5}\s*(days?|weeks?|months?|years?|d|w|m|y)(?![\w.@-])/i
NUMBER: /[+-]?[0-9]+(\.[0-9]+)?(?![\w.])/
%ignore /\s+/
"""

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_BY_WORD = {operator.value.casefold(): operator for operator in Operator} | {"=": Operator.EQ}
_TEXT_OPERATORS = frozenset(
    {Operator.CONTAINS, Operator.STARTSWITH, Operator.ENDSWITH, Operator.MATCHES, Operator.BEFORE, Operator.AFTER}
)


def parse(text: str) -> Rule:
    """The tree that one line of text spells. Raises `RuleError` whose problem has the column, from 1."""
    if len(text) > TEXT_LIMIT:
        raise RuleError(TITLE, [Problem(_place(), f"it has more than {TEXT_LIMIT:,} characters.")])
    if not text.strip():
        raise RuleError(TITLE, [Problem(_place(), "it is empty.")], hint="Leave it out to mean everybody.")
    try:
        enclosed: Any = _parser().parse(text)
    except lark.UnexpectedInput as error:
        raise RuleError(TITLE, [_syntax_problem(text, error)]) from None
    except lark.exceptions.VisitError as error:
        cause = error.orig_exc
        if not isinstance(cause, RuleError):
            raise
        raise cause from None
    rule = _open(enclosed)
    problem = too_large(rule)
    if problem:
        raise RuleError(TITLE, [Problem(_place(), problem + ".")])
    return rule


def _place(column: int | None = None) -> Place:
    return Place("filter", column=column)


class _Enclosed:
    """A group in brackets, which must not melt into the group around it."""

    __slots__ = ("rule",)

    def __init__(self, rule: Rule) -> None:
        self.rule = rule


class _Presence(_Enclosed):
    """A column alone, as in `!company`, whose negation is plainly `company empty`."""

    __slots__ = ()


def _open(item: Any) -> Rule:
    rule: Rule = item.rule if isinstance(item, _Enclosed) else item
    return rule


class _Number:
    """A bare number, with its spelling kept for operators that compare text."""

    __slots__ = ("raw",)

    def __init__(self, raw: str) -> None:
        self.raw = raw

    def value(self) -> Scalar:
        digits = self.raw.lstrip("+-")
        if self.raw.startswith("+") or (len(digits) > 1 and digits[0] == "0" and digits[1] != "."):
            return self.raw
        if "." not in self.raw:
            return int(self.raw)
        return BareNumber(self.raw) if reads_two_ways(self.raw) else float(self.raw)


class _Builder(lark.Transformer[lark.Token, Any]):
    """Builds the tree while the parser reduces, so that no depth of nesting costs a recursion."""

    def any_of(self, items: list[Any]) -> Any:
        return items[0] if len(items) == 1 else AnyOf(tuple(map(_open, items)))

    def all_of(self, items: list[Any]) -> Any:
        return items[0] if len(items) == 1 else AllOf(tuple(map(_open, items)))

    def negation(self, items: list[Any]) -> Rule:
        last = items[-1]
        if isinstance(last, _Presence) and isinstance(last.rule, Not):
            return last.rule.rule
        return Not(_open(last))

    def enclosed(self, items: list[Any]) -> _Enclosed:
        return _Enclosed(_open(items[0]))

    def comparison(self, items: list[Any]) -> Clause:
        column, word, value = items
        return _clause(column, word, value)

    def denied(self, items: list[Any]) -> Not:
        return Not(self.comparison(items))

    def call(self, items: list[Any]) -> Clause:
        word, column, *value = items
        return _clause(column, word, value[0] if value else None)

    def emptiness(self, items: list[Any]) -> Clause:
        return Clause(_name(items[0]), Operator.EMPTY)

    def presence(self, items: list[Any]) -> _Presence:
        return _Presence(Not(self.emptiness(items)))

    def column(self, items: list[Any]) -> Any:
        return items[0]

    def text(self, items: list[Any]) -> str:
        return re.sub(r"\\(.)", _unescape, items[0][1:-1], flags=re.DOTALL)

    def date(self, items: list[Any]) -> str:
        return str(items[0])

    def span(self, items: list[Any]) -> str:
        return " ".join(items[0].split())

    def number(self, items: list[Any]) -> _Number:
        return _Number(str(items[0]))

    def list(self, items: list[Any]) -> tuple[Any, ...]:
        return tuple(items)


def _unescape(match: re.Match[str]) -> str:
    return _ESCAPES.get(match.group(1), match.group())


def _name(token: lark.Token) -> str:
    if token.type == "BACKQUOTED":
        return token[1:-1].replace("``", "`")
    return str(token)


def _clause(column: lark.Token, word: lark.Token, given: Any) -> Clause:
    operator = _BY_WORD[word.casefold()]
    raw = operator in _TEXT_OPERATORS

    def plain(item: Any) -> Any:
        if isinstance(item, _Number):
            return item.raw if raw else item.value()
        return item

    value = tuple(map(plain, given)) if isinstance(given, tuple) else plain(given)
    try:
        return Clause(_name(column), operator, value)
    except ValueError as error:
        raise RuleError(TITLE, [Problem(_place(column.column), f"{error}.")]) from None


@cache
def _parser() -> lark.Lark:
    return lark.Lark(_GRAMMAR, parser="lalr", transformer=_Builder(), maybe_placeholders=False)


_SAID = {
    **dict.fromkeys(["is", "equals", "eq", "equal", "being"], "=="),
    **dict.fromkeys(["like", "includes", "include", "has", "containing"], "contains"),
    **dict.fromkeys(["begins", "beginswith", "starts", "startwith"], "startsWith"),
    **dict.fromkeys(["ends", "endwith"], "endsWith"),
    **dict.fromkeys(["ne", "isnt"], "!="),
    **dict.fromkeys(["gt", "more", "over", "above"], ">"),
    **dict.fromkeys(["lt", "less", "under", "below"], "<"),
    **dict.fromkeys(["since", "later"], "after"),
    **dict.fromkeys(["until", "earlier"], "before"),
    **dict.fromkeys(["regex", "regexp", "match"], "matches"),
}
"""What people write for a comparison, and what it is called here."""
_NOTHING = ("null", "none", "nil", "empty", "blank")
_VALUES = {"STRING", "DATE", "NUMBER", "SPAN"}
_JOINTS = {"_AND", "_OR", "$END"}


def _syntax_problem(text: str, error: lark.UnexpectedInput) -> Problem:
    found, column, position = "", len(text.rstrip()) + 1, len(text)
    expected: set[str] = set(getattr(error, "accepts", None) or getattr(error, "expected", None) or ())
    if isinstance(error, lark.UnexpectedToken) and error.token.type != "$END":
        found, column, position = str(error.token), error.column, _start(error)
    elif isinstance(error, lark.UnexpectedCharacters):
        expected, column, position = set(error.allowed or ()), error.column, _start(error)
        word = re.match(r"[\w.@-]+|.", text[position:], re.DOTALL)
        found = word.group() if word else ""
    if found and found in "\"'`":
        return Problem(_place(column), f"the {found} that opens here is never closed.")
    message, hint = _sentence(text[:position], found, expected)
    figures = "" if "NAME" in expected else _figures(text, position)
    return Problem(_place(column), message, f'Put it in quotes: "{figures}"' if figures else hint)


def _figures(text: str, position: int) -> str:
    """The number or date that stands at a place and is more than a plain one, such as `5000,50` or `01.02.2026`."""
    written = re.finditer(r"(?<!\d)\d++(?:[.,/-]\d++)+", text)
    return next((figures.group() for figures in written if figures.start() <= position < figures.end()), "")


def _start(error: lark.UnexpectedInput) -> int:
    position: int | None = error.pos_in_stream
    return 0 if position is None else position


def _sentence(before: str, found: str, expected: set[str]) -> tuple[str, str]:
    word = re.match(r"[^\W\d][\w.@-]*", found)
    if expected & _VALUES and not expected & {"NAME"}:
        if found.casefold() in _NOTHING:
            return f"a value is expected here, and {found} is a bare word.", "An empty cell: company empty, or !company"
        if found[:1] in "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb" and found:
            return f"{found[:1]} is not a quotation mark here.", "Put text in straight ones: \"London\" or 'London'"
        if word:
            return f"a value is expected here, and {found} is a bare word.", f'Put text in quotes: "{found}"'
        wanted = 'a value is expected here, such as "London" or 30'
        return (f"{wanted}, not {found}." if found else f"{wanted}, but the filter ends."), ""
    if expected <= {"LPAR", "LSQB"} and expected:
        return "a list in brackets is expected here.", 'For example: city in ("London", "Paris")'
    if expected & {"OPERATOR", "WORD"} and "NAME" not in expected and word:
        said = f"{found} is not a known comparison."
        if found.casefold() == "between":
            return said, "From one to the other: age >= 30 and age <= 40"
        if found.casefold() in _SAID:
            return said, f"Did you mean {_SAID[found.casefold()]}?"
        return said, did_you_mean(found, [operator.value for operator in Operator] + ["and", "or"])
    if "NAME" in expected:
        wanted = "a column name is expected here"
        return (f"{wanted}, not {found}." if found else f"{wanted}, but the filter ends."), (
            "A name with blanks goes in backquotes: `first name`" if found else ""
        )
    if expected & _JOINTS or "RPAR" in expected:
        if not found:
            return "a bracket that opens is never closed.", "Add a )"
        return f"{found} does not fit here.", "Join comparisons with and, or; names with blanks go in backquotes."
    return (f"{found} does not fit here." if found else f"the filter ends too early: {before.strip()}"), ""
