"""Owns what is said of a template that cannot be parsed: where the mistake stands, what it is, and what to write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from jinja2.exceptions import TemplateSyntaxError
from jinja2.lexer import ignored_tokens
from jinja2.parser import Parser

from mailtui.errors import Place, Problem
from mailtui.kit.safe_text import safe_text
from mailtui.message.hardening import HardenedEnvironment

_POSITION = re.compile(r" at (\d+)$")
_STRAY = re.compile(r"unexpected '[)\]}]'")  # the lexer's word for a bracket that was never opened
_UNCLOSED = re.compile(r"unexpected end of template.*block that needs to be closed is '(\w+)'", re.IGNORECASE)
_DROPPED_TOKENS = ignored_tokens | {"raw_begin", "raw_end"}


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a template with the exact place of its first character, counted from 1."""

    kind: str
    text: str
    line: int
    column: int


def syntax_problem(
    environment: HardenedEnvironment, name: str, source: str, parser: Parser | None, error: TemplateSyntaxError
) -> Problem:
    """A mistake in the template `name`, at which the parser stood."""
    message = error.message or "this is not valid template syntax"
    place = _syntax_place(environment, name, source, parser, error, message)
    return Problem(place, _tidied(message), _syntax_hint(message))


def tokenize(environment: HardenedEnvironment, source: str) -> Iterator[Token]:
    """The tokens the parser sees, each with its exact place. Raises `TemplateSyntaxError` at a stray sign."""
    source = "\n".join(re.split(r"\r\n|\r|\n", source))
    position = 0
    line_start = 0
    line = 1
    for _, kind, text in environment.lexer.tokeniter(source, None):
        start = source.find(text, position)  # the lexer leaves out nothing but white space
        if start < 0:
            continue
        line += source.count("\n", position, start)
        line_start = source.rfind("\n", 0, start) + 1
        if kind not in _DROPPED_TOKENS:
            yield Token(kind, text, line, start - line_start + 1)
        line += text.count("\n")
        position = start + len(text)


def _syntax_place(
    environment: HardenedEnvironment,
    name: str,
    source: str,
    parser: Parser | None,
    error: TemplateSyntaxError,
    message: str,
) -> Place:
    at = _POSITION.search(message)
    if at is not None:  # the lexer met a character it cannot read, and says how far into the text
        before = "\n".join(re.split(r"\r\n|\r|\n", source))[: int(at.group(1))]
        return Place(name, before.count("\n") + 1, len(before) - before.rfind("\n"))
    unclosed = _UNCLOSED.match(message)
    if unclosed is not None:
        return _opening(environment, name, source, unclosed.group(1)) or Place(name, error.lineno)
    current = parser.stream.current if parser is not None else None
    stray = _STRAY.match(message) is not None
    last: Token | None = None
    try:
        for token in tokenize(environment, source):
            last = token
            if current is None or stray or token.line != current.lineno:
                continue
            if _same(token, current.type, str(current.value)):
                return Place(name, token.line, token.column)
    except TemplateSyntaxError:
        if stray:
            return _after(name, source, last)
    return Place(name, error.lineno)


def _opening(environment: HardenedEnvironment, name: str, source: str, tag: str) -> Place | None:
    """The last tag of a name that no other closes; None for one that need not be closed."""
    opened: list[Token] = []
    before = ""
    for token in tokenize(environment, source):
        if before == "block_begin" and token.text == tag:
            opened.append(token)
        elif before == "block_begin" and token.text == f"end{tag}":
            opened = opened[:-1]
        before = token.kind
    return Place(name, opened[-1].line, opened[-1].column) if opened and tag != "set" else None


def _after(name: str, source: str, token: Token | None) -> Place:
    """The first character that is not blank behind a token: where the lexer stopped."""
    lines = "\n".join(re.split(r"\r\n|\r|\n", source)).split("\n")
    start = sum(len(line) + 1 for line in lines[: token.line - 1]) + token.column - 1 if token else 0
    end = start + len(token.text) if token else 0
    rest = "\n".join(lines)
    position = end + len(rest[end:]) - len(rest[end:].lstrip())
    return Place(name, rest.count("\n", 0, position) + 1, position - rest.rfind("\n", 0, position))


def _same(token: Token, kind: str, value: str) -> bool:
    if kind == "string":
        return token.kind == "string" and token.text[1:-1] == value
    return token.text.strip() == value or (kind == token.kind and kind.endswith(("_begin", "_end")))


def _tidied(message: str) -> str:
    unclosed = _UNCLOSED.match(message)
    if unclosed is not None:
        return f"this {{% {unclosed.group(1)} %}} is never closed."
    text = safe_text(_POSITION.sub("", message), limit=200)
    text = text[:1].lower() + text[1:]
    return text if text.endswith((".", "?", "!")) else text + "."


def _syntax_hint(message: str) -> str:
    unclosed = _UNCLOSED.match(message)
    if unclosed is not None:
        return f"Write {{% end{unclosed.group(1)} %}} where it ends."
    folded = message.lower()
    if "end of template, expected" in folded:
        return "A {{ or {% is not closed by its }} or %}."
    if "end of template" in folded or "missing end of" in folded:
        return "A tag such as {% if %} or {% for %} is not closed."
    if "end of print statement" in folded:
        return 'Inside {{ }} goes one value; a column with a space in its title is written row["First name"].'
    return ""
