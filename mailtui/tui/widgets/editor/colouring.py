"""Owns what of a text has which colour: the language it is written in, and over it what is filled in from rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
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
_BLOCK = 32  # lines
_LONGEST = 4_000  # characters of a line; longer ones are shown without colours


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
    """The colours of one text, line by line; `look` takes a changed text over.

    Everything is found for some lines at a time, and only where they are drawn: a text may be long, and it is looked at
    again at every key.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        self._grammar = grammar(language)
        self._text = ""
        self._starts: list[int] = [0]
        self._filled: dict[int, list[_Filled]] = {}
        self._captured: dict[int, dict[int, list[tuple[str, Any]]]] = {}
        self._sheets: dict[str, Any] = {}
        self._tree: Any = None if self._grammar is None else self._grammar.parsed(b"", b"", None)

    def look(self, lines: Sequence[str]) -> None:
        """The text as it is now."""
        text = "\n".join(lines)
        if text == self._text:
            return
        if self._grammar is not None:
            self._tree = self._grammar.parsed(_bytes(self._text), _bytes(text), self._tree)
        self._text = text
        self._starts = [0, *accumulate(len(line) + 1 for line in lines)]
        self._filled.clear()
        self._captured.clear()

    def spans(self, number: int, line: str) -> Iterator[Span]:
        """The coloured parts of a line, those that cover others behind them."""
        if len(line) > _LONGEST or number + 1 >= len(self._starts):
            return
        for name, node in self._nodes(number):
            if name == EMBEDDED:
                yield from self._of_sheet(number, line, node)
            else:
                yield from _clipped(node, number, line, name)
        if self.language == "markdown":
            for match in _MARKDOWN.finditer(line):
                kind = match.lastgroup or ""
                yield Span(match.start(), match.end(), "attribute" if kind == "link" else kind)
        yield from self._of_braces(number, line)

    def _nodes(self, number: int) -> list[tuple[str, Any]]:
        """The nodes that a line has a part of."""
        if self._grammar is None:
            return []
        block = number // _BLOCK
        if block not in self._captured:
            first, last = block * _BLOCK, (block + 1) * _BLOCK
            by_line: dict[int, list[tuple[str, Any]]] = {}
            for name, nodes in self._grammar.captures(self._tree.root_node, first, last).items():
                for node in nodes:
                    for row in range(max(node.start_point[0], first), min(node.end_point[0] + 1, last)):
                        by_line.setdefault(row, []).append((name, node))
            self._captured[block] = by_line
        return self._captured[block].get(number, [])

    def _of_sheet(self, number: int, line: str, node: Any) -> Iterator[Span]:
        """A line within a page's style sheet, which has a grammar of its own."""
        css = grammar("css")
        (first, column), (last, end) = node.start_point, node.end_point
        if css is None or not first <= number <= last:
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
        start = self._starts[number]
        end = start + len(line)
        block = number // _BLOCK
        if block not in self._filled:
            last = min((block + 1) * _BLOCK, len(self._starts) - 1)
            self._filled[block] = list(_filled_in(self._text, self._starts[block * _BLOCK], self._starts[last]))
        for part in self._filled[block]:
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


def _filled_in(text: str, start: int, stop: int) -> Iterator[_Filled]:
    """What stands between braces from one place to another. What is never closed goes to the end of its line."""
    before = max(text.rfind(opener, 0, start) for opener in _CLOSERS)
    if before >= 0:
        closed = text.find(_CLOSERS[text[before : before + 2]], before + 2, start)
        start = before if closed < 0 else start
    unclosed: set[str] = set()  # what is not closed here is not closed further on, and is looked for once
    while (match := _OPENERS.search(text, start, stop)) is not None:
        opener = match.group()
        end = -1 if opener in unclosed else text.find(_CLOSERS[opener], match.end())
        if end < 0:
            unclosed.add(opener)
            line_end = text.find("\n", match.end())
            start = len(text) if line_end < 0 else line_end
        else:
            start = end + 2
        yield _Filled(match.start(), start, opener)


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
