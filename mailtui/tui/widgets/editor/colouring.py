"""Owns what of a text has which colour: the language it is written in, and over it what is filled in from rows."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailtui.tui.widgets.editor.grammar import EMBEDDED, grammar

_OPENERS = re.compile(r"\{\{|\{%|\{#")
_CLOSERS = {"{{": "}}", "{%": "%}", "{#": "#}"}
_INSIDE = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?)|(?P<number>\b\d+(?:\.\d+)?\b)"""
    r"""|(?P<filter>\|\s*\w+)|(?P<word>[^\W\d]\w*)"""
)
_WORDS = frozenset(
    {
        "and", "or", "not", "in", "is", "if", "else", "elif", "endif", "for", "endfor", "set", "endset",
        "block", "endblock", "extends", "include", "import", "from", "macro", "endmacro", "call", "endcall",
        "filter", "endfilter", "with", "endwith", "raw", "endraw", "as", "ignore", "missing", "true",
        "false", "none",
    }
)  # fmt: skip
_MARKDOWN = re.compile(
    r"(?P<heading>\*\*[^*\n]+\*\*|__[^_\n]+__)|(?P<string>`[^`\n]+`)|(?P<link>\[[^\]\n]*\]\([^)\n]*\))"
)
_LONGEST = 4_000  # characters of a line; longer ones are shown without colours


Capture = Callable[[Any, tuple[int, int], tuple[int, int]], Mapping[str, list[Any]]]
"""The nodes that a query finds between two points of a text's tree, by name."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line by its columns, counted from 0; `name` is that of a colour."""

    start: int
    end: int
    name: str


@dataclass(frozen=True, slots=True)
class _Filled:
    """A part of a text between braces, by offsets into it."""

    start: int
    end: int
    opener: str


class Colouring:
    """The colours of one text, line by line; `look` takes a changed text over."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._grammar = grammar(language)
        self._text: str | None = None
        self._starts: list[int] = [0]
        self._filled: list[_Filled] = []
        self._sheets: dict[str, Any] = {}

    def look(self, lines: Sequence[str]) -> None:
        """The text as it is now."""
        text = "\n".join(lines)
        if text == self._text:
            return
        self._text = text
        self._starts = [0]
        for line in lines:
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._filled = list(_filled_in(text)) if self.language != "plain" else []

    def spans(self, number: int, line: str, capture: Capture | None) -> Iterator[Span]:
        """The coloured parts of a line, those that cover others behind them; `capture` asks the text's tree."""
        if len(line) > _LONGEST:
            return
        if capture is not None and self._grammar is not None:
            for name, nodes in capture(self._grammar.query, (number, 0), (number + 1, 0)).items():
                for node in nodes:
                    if name == EMBEDDED:
                        yield from self._of_sheet(number, line, node)
                    else:
                        yield from _clipped(node, number, line, name)
        if self.language == "markdown":
            for match in _MARKDOWN.finditer(line):
                kind = match.lastgroup or ""
                yield Span(match.start(), match.end(), "attribute" if kind == "link" else kind)
        yield from self._of_braces(number, line)

    def _of_sheet(self, number: int, line: str, node: Any) -> Iterator[Span]:
        """A line within a page's style sheet, which has a grammar of its own."""
        css = grammar("css")
        (first, column), (last, end) = node.start_point, node.end_point
        if css is None or not first <= number <= last or self._text is None:
            return
        lines = self._text[self._starts[first] : self._starts[last + 1] - 1].split("\n")
        lines[-1] = _bytes(lines[-1])[:end].decode("utf-8", "replace")
        before = _bytes(lines[0])[:column].decode("utf-8", "replace")
        lines[0] = " " * column + lines[0][len(before) :]  # the columns stay, counted in bytes
        sheet = "\n".join(lines)
        tree = self._sheets.get(sheet)
        if tree is None:
            tree = css.parser.parse(_bytes(sheet))
            self._sheets = {sheet: tree} if len(self._sheets) > 8 else {**self._sheets, sheet: tree}
        for name, nodes in css.captures(tree.root_node, number - first, number - first + 1).items():
            for found in nodes:
                yield from _clipped(found, number - first, line, name)

    def _of_braces(self, number: int, line: str) -> Iterator[Span]:
        if number + 1 >= len(self._starts):
            return
        start = self._starts[number]
        end = start + len(line)
        at = max(bisect_right(self._filled, start, key=lambda part: part.start) - 1, 0)
        for part in self._filled[at:]:
            if part.start >= end:
                break
            if part.end > start:
                first, last = max(part.start - start, 0), min(part.end - start, len(line))
                if part.opener == "{#":
                    yield Span(first, last, "comment")
                    continue
                yield Span(first, last, "filled")
                inside = range(max(part.start + 2 - start, first), min(part.end - 2 - start, last))
                for match in _INSIDE.finditer(line, inside.start, max(inside.stop, inside.start)):
                    name = _name_of(match, statement=part.opener == "{%")
                    if name:
                        yield Span(match.start(), match.end(), name)


def _name_of(match: re.Match[str], *, statement: bool) -> str:
    kind = match.lastgroup
    if kind == "word":
        word = match.group()
        return "keyword" if word in _WORDS and (statement or word not in ("block", "filter", "from")) else "field"
    return {"string": "string", "number": "number", "filter": "property"}[str(kind)]


def _filled_in(text: str) -> Iterator[_Filled]:
    """What stands between braces. One that is never closed goes to the end of its line."""
    position = 0
    unclosed: set[str] = set()  # what is not closed here is not closed further on, and is looked for once
    while (match := _OPENERS.search(text, position)) is not None:
        opener = match.group()
        end = -1 if opener in unclosed else text.find(_CLOSERS[opener], match.end())
        if end < 0:
            unclosed.add(opener)
            line_end = text.find("\n", match.end())
            position = len(text) if line_end < 0 else line_end
        else:
            position = end + 2
        yield _Filled(match.start(), position, opener)


def _clipped(node: Any, number: int, line: str, name: str) -> Iterator[Span]:
    """The part of a node that is in a line. A node's columns count bytes of UTF-8."""
    (first, start), (last, end) = node.start_point, node.end_point
    if not first <= number <= last:
        return
    raw = _bytes(line)
    start = start if first == number else 0
    end = end if last == number else len(raw)
    if len(raw) != len(line):
        start, end = (len(raw[:column].decode("utf-8", "ignore")) for column in (start, end))
    if start < end:
        yield Span(start, end, name)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
