"""Owns turning the lines of a delimited file into records, such that no damage in one row reaches the next.

Quoting follows RFC 4180, read liberally (`"Bob" Jones` is `Bob Jones`). What liberal readers get wrong is one
quote that is never closed: it swallows every line up to the next quote, or the rest of the file. So a record
of several lines is believed only when a strict reading agrees; it may go over 100 lines and 64 KiB at most.
If not, its first line alone is reported, and reading goes on with the second.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import TextIO

from mailtui.audience.problem import TEXT_LIMIT
from mailtui.audience.source import Source

RECORD_LINES = 100
RECORD_CHARACTERS = 64 << 10
FIELD_LIMIT = 64 << 20

_DAMAGE = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is cut into records and cells.

    `escape`, when there is one, keeps a quote after it inside its cell, beside doubled quotes; also a delimiter, a line
    end, and itself. `width` is the
    number of columns; None accepts any. `least` is how many cells a record needs at least: fewer than `width`
    when the last columns have no name. `skip_lines` physical lines come before the header. `damaged` asks for
    a look at every line for NUL and for bytes that did not decode, `mixed` for one at lines that are UTF-8 in a file
    that is not.
    """

    codec: str
    damaged: bool
    delimiter: str
    quote: str
    escape: str = ""
    skip_space: bool = False
    skip_lines: int = 0
    has_header: bool = True
    width: int | None = None
    least: int = 0
    mixed: bool = False

    def cut(self, lines: Iterable[str], *, strict: bool = False, quoted: bool = True) -> Iterator[list[str]]:
        """The cells of lines, as `csv.reader` cuts them."""
        if not self.quote or not quoted:
            return csv.reader(lines, delimiter=self.delimiter, strict=strict, quoting=csv.QUOTE_NONE, quotechar=None)
        if self.escape:
            keep = _escapes(self.escape, self.quote + self.delimiter).sub
            lines = (keep(_as_it_stands, line) if self.escape in line else line for line in lines)
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            strict=strict,
            quotechar=self.quote,
            skipinitialspace=self.skip_space,
            escapechar=self.escape or None,
        )


@cache
def _escapes(escape: str, signs: str) -> re.Pattern[str]:
    """An escape and what it keeps in its cell, a line end too; or one before anything else, which is a sign as any."""
    return re.compile(rf"{re.escape(escape)}([{re.escape(escape + signs)}\r\n]?)")


def _as_it_stands(escaped: re.Match[str]) -> str:
    # csv.reader drops every escape: it would make N of MySQL's \N, and C:new of C:\new.
    return escaped.group() if escaped.group(1) else escaped.group() * 2


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record whose cells cannot be told apart, with a reason and its original text."""

    reason: str
    text: str


Record = tuple[int, "list[str] | BadRecord"]


def open_text(source: Source, layout: Layout) -> TextIO:
    """The decoded file. Line ends are kept as they are, and bytes that do not decode come as surrogates."""
    return source.path.open(encoding=layout.codec, errors="surrogateescape", newline="")


class _OverrunError(Exception):
    """A record goes on for longer than any record should."""


class Lines:
    """Lines to read: those in `waiting`, then one `further` after another until that is empty."""

    def __init__(self, waiting: Iterable[str], further: Callable[[], str]) -> None:
        self.waiting = deque(waiting)
        self._further = further

    def next(self) -> str:
        """The next line, or '' at the end."""
        return self.waiting.popleft() if self.waiting else self._further()

    def put_back(self, lines: list[str]) -> None:
        """Have lines read once more."""
        self.waiting.extendleft(reversed(lines))


class _Feed:
    """Hands lines to the CSV parser and remembers those of the record in progress."""

    def __init__(self, lines: Lines) -> None:
        self.taken: list[str] = []
        self.ended = False
        self._lines = lines

    def lines(self) -> Iterator[str]:
        taken = self.taken
        while line := self._lines.next():
            taken.append(line)
            if len(taken) > 1:
                self._check()
            yield line
        self.ended = True

    def _check(self) -> None:
        if len(self.taken) > RECORD_LINES or sum(map(len, self.taken[1:])) > RECORD_CHARACTERS:
            raise _OverrunError


def read_records(stream: Iterable[str], layout: Layout, *, first_line: int = 1) -> Iterator[Record]:
    """Records with the number of the line they start on; the header is a record like any other.

    Blank lines, and lines of delimiters only, are no records.
    """
    source = iter(stream)
    yield from read_carefully(Lines((), lambda: next(source, "")), layout, first_line)


def read_carefully(
    lines: Lines, layout: Layout, line: int, *, only_waiting: bool = False
) -> Generator[Record, None, int]:
    """Records line by line, from line number `line` to the end; returns the number of the line behind the last.

    With `only_waiting` it ends after the record that had the last of the lines waiting.
    """
    csv.field_size_limit(FIELD_LIMIT)  # the module's own 128 KiB refuses real exports; it has no other setting
    while True:
        feed = _Feed(lines)
        taken = feed.taken
        rows = layout.cut(feed.lines())
        replay = False
        while not replay:
            if only_waiting and not lines.waiting:
                return line
            try:
                cells = next(rows, None)
            except _OverrunError:
                cells, trouble = [], f"a {layout.quote} opens here and is not closed within {RECORD_LINES} lines"
            except csv.Error as error:
                cells, trouble = [], f"it cannot be read: {error}"
            else:
                trouble = ""
            if cells is None:
                return line
            count = len(taken)
            if not trouble and (count > 1 or feed.ended):
                trouble = _trouble(taken, cells, layout, at_end=feed.ended)
            if trouble:
                yield line, BadRecord(trouble, shown_text(taken[:1]))
                lines.put_back(taken[1:])
                replay = True
                count = 1
            elif cells and (cells[0] or any(cells)):
                yield line, fitted(cells, taken, layout)
            line += count
            taken.clear()


def _trouble(taken: list[str], cells: list[str], layout: Layout, *, at_end: bool) -> str:
    """Why a record of several lines, or one cut off by the end of the file, is not to be believed; or ''."""
    try:
        strict = len(next(layout.cut(taken, strict=True), []))
    except csv.Error:
        if at_end or len(taken) > 1:
            return f"a {layout.quote} opens here and is never closed"
        return ""
    if layout.width is None or strict == layout.width:
        return ""
    alone = len(next(layout.cut(taken[:1], quoted=False), []))
    # The first line has the right number of cells if quotes mean nothing: one quote too many, not a long record.
    return f"a {layout.quote} opens here and is never closed" if alone == layout.width and len(cells) != alone else ""


def fitted(cells: list[str], taken: list[str], layout: Layout) -> list[str] | BadRecord:
    """The record with exactly as many cells as there are columns, or what is wrong with it."""
    if layout.damaged:
        damage = _damage(taken, layout)
        if damage:
            return BadRecord(f"it holds {damage}", shown_text(taken))
    width = layout.width
    if width is None or len(cells) == width:
        return cells
    if len(cells) > width:
        if any(cells[width:]):
            return BadRecord(_ragged(len(cells), width), shown_text(taken))
        return cells[:width]
    if len(cells) < layout.least:
        return BadRecord(_ragged(len(cells), width), shown_text(taken))
    return cells + [""] * (width - len(cells))


def _damage(taken: list[str], layout: Layout) -> str:
    found = next(filter(None, map(_DAMAGE.search, taken)), None)
    if found is not None:
        return "a NUL character" if found.group() == "\0" else f"a byte that is not {layout.codec}"
    if layout.mixed and any(not line.isascii() and _is_utf8(line, layout.codec) for line in taken):
        return f"letters in UTF-8, in a file that is {layout.codec}"
    return ""


def _is_utf8(line: str, codec: str) -> bool:
    try:
        line.encode(codec).decode("utf-8")
    except UnicodeError:
        return False
    return True


def _ragged(found: int, width: int) -> str:
    return f"it has {found} {'cell' if found == 1 else 'cells'} where there are {width} columns"


def shown_text(lines: list[str]) -> str:
    """The original text of some lines, cut to a limit, with undecodable bytes and NULs as escapes."""
    text = "".join(lines)[:TEXT_LIMIT].rstrip("\r\n")
    if not _DAMAGE.search(text):
        return text
    readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return readable.replace("\0", "\\x00")
