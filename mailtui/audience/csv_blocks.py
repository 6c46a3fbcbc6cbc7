"""Owns reading a delimited file quickly, with exactly the outcome of reading it carefully.

A file is taken in blocks of whole lines. A block without quotes, escapes, damage or odd line ends is cut by its
delimiters alone, and believed when every line has as many cells as there are columns. A block with quotes is parsed
in one go, and believed when every line turned out to be one record. Whatever is not proved that way goes to the
careful reader, which hands back at the first line that starts a record beyond the block.
"""

from __future__ import annotations

import csv
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from io import StringIO
from itertools import chain
from typing import TextIO

from mailtui.audience.csv_reader import FIELD_LIMIT, Layout, Lines, Record, fitted, open_text, read_carefully
from mailtui.audience.source import Source
from mailtui.errors import AudienceError

_BLOCK = 64 << 10
_RUN = 8  # sound lines in a row are worth columns of their own


@dataclass(frozen=True, slots=True)
class Columns:
    """Consecutive records without a flaw, `count` of them, one on each line from `line` on.

    `cells` has all their cells in a row, `width` a record.
    """

    line: int
    count: int
    width: int
    cells: list[str]

    def column(self, position: int) -> list[str]:
        """One cell of each record."""
        return self.cells[position :: self.width]

    def records(self) -> Iterator[Record]:
        """The same as records."""
        cells, width = self.cells, self.width
        for number, start in enumerate(range(0, len(cells), width), start=self.line):
            yield number, cells[start : start + width]


Batch = Columns | list[Record]


def read_source(source: Source, layout: Layout) -> Iterator[Record]:
    """All data records of a list, in order, the header left out. Raises `AudienceError` when it cannot be read."""
    for batch in read_columns(source, layout):
        yield from batch if isinstance(batch, list) else batch.records()


def read_columns(source: Source, layout: Layout) -> Iterator[Batch]:
    """The same, many at a time."""
    try:
        with open_text(source, layout) as stream:
            for _ in range(layout.skip_lines):
                stream.readline()
            batches = read_batches(stream, layout, layout.skip_lines + 1)
            yield from _without_first(batches) if layout.has_header else batches
    except UnicodeError as error:
        raise AudienceError(
            f"{source.name} is not written in {layout.codec}",
            detail=str(error),
            hint="Say which encoding it has, such as: encoding: cp1252",
        ) from None
    except OSError as error:
        raise AudienceError(f"{source.name} cannot be read", detail=str(error.strerror or error)) from None


def _without_first(batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        if isinstance(batch, Columns):
            yield Columns(batch.line + 1, batch.count - 1, batch.width, batch.cells[batch.width :])
        elif batch:
            yield batch[1:]
        else:
            continue  # empty lines only
        break
    yield from batches


def read_batches(stream: TextIO, layout: Layout, first_line: int) -> Iterator[Batch]:
    """All records from where `stream` stands on, which is at line `first_line`, in order."""
    csv.field_size_limit(FIELD_LIMIT)
    line = first_line
    while text := stream.read(_BLOCK):
        text += stream.readline()  # also the \n of a \r\n that the block's end cut in two
        if _is_sound(text, layout):
            plain = _plain(text, layout)
            if plain is not None:
                batch = _cut(plain, layout, line)
                yield from (batch,) if batch is not None else _split(plain, layout, line)
                line += plain.count("\n")
                continue
            lines = _lines(text)
            rows = _parsed(lines, layout)
            if rows is not None:
                yield from _in_columns(rows, lines, layout, line)
                line += len(lines)
                continue
        line = yield from _read_slowly(text, stream, layout, line)


def _is_sound(text: str, layout: Layout) -> bool:
    """Whether it holds nothing that a record is refused for by its characters, and no cell can be too long."""
    if len(text) > FIELD_LIMIT:
        return False
    if not layout.damaged:
        return True
    if "\0" in text or (layout.mixed and not text.isascii()):
        return False
    try:
        text.encode()
    except UnicodeEncodeError:  # undecodable bytes stand in it as surrogates
        return False
    return True


def _plain(text: str, layout: Layout) -> str | None:
    r"""The block with \n at the end of every line, when only line ends and delimiters mean anything in it."""
    if layout.skip_space or (layout.quote and layout.quote in text) or (layout.escape and layout.escape in text):
        return None
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") else text + "\n"


def _cut(text: str, layout: Layout, line: int) -> Columns | None:
    """The records of a plain block, when each of its lines is one and none has a cell too few or too many."""
    width, delimiter = layout.width, layout.delimiter
    if width is None or "\n" + delimiter * (width - 1) + "\n" in "\n" + text:
        return None  # a line of nothing but delimiters, or an empty one, is no record
    count = text.count("\n")
    if text.count(delimiter) != count * (width - 1):
        return None
    cells = text.replace("\n", "\n" + delimiter).split(delimiter)
    cells.pop()  # what stands after the last line
    # A line end stands at the end of a cell. If the last cell of every `width` has one and there are no others, all
    # lines have `width` cells.
    ends = "".join(cells[width - 1 :: width]).split("\n")
    if len(cells) != count * width or len(ends) != count + 1:
        return None
    ends.pop()
    cells[width - 1 :: width] = ends
    return Columns(line, count, width, cells)


def _split(text: str, layout: Layout, line: int) -> Iterator[Batch]:
    """The records of a plain block with some lines that are not as they should be."""
    lines, delimiters = text[:-1].split("\n"), (layout.width or 0) - 1
    empty = layout.delimiter * delimiters
    sound = [whole.count(layout.delimiter) == delimiters and whole != empty for whole in lines]
    for first, last, good in _runs(sound):
        if good:
            batch = _cut("\n".join(lines[first:last]) + "\n", layout, line + first)
            assert batch is not None
            yield batch
        else:
            cut = [whole.split(layout.delimiter) for whole in lines[first:last]]
            yield list(_fit(cut, lines[first:last], layout, line + first))


def _runs(sound: list[bool]) -> Iterator[tuple[int, int, bool]]:
    """From where to where lines are sound, or are not; few sound ones between others are not worth a run."""
    first = 0
    while first < len(sound):
        good = sound[first]
        last = first
        while last < len(sound) and sound[last] is good:
            last += 1
        good = good and last - first >= _RUN
        yield first, last, good
        first = last


def _lines(text: str) -> list[str]:
    """Cut as a file is, at line ends only; `splitlines` cuts at other separators too."""
    return list(StringIO(text, newline=""))


def _parsed(lines: list[str], layout: Layout) -> list[list[str]] | None:
    """One record a line, or None when some record has several lines or goes on behind the block."""
    try:
        # The empty line at the end is a record of its own only if nothing before it is still open.
        rows = list(layout.cut(chain(lines, ("\n",))))
    except csv.Error:
        return None
    return rows[:-1] if len(rows) == len(lines) + 1 else None


def _in_columns(rows: list[list[str]], lines: list[str], layout: Layout, line: int) -> Iterator[Batch]:
    width = layout.width
    for first, last, good in _runs([len(cells) == width and any(cells) for cells in rows]):
        if good:
            assert width is not None
            yield Columns(line + first, last - first, width, list(chain.from_iterable(rows[first:last])))
        else:
            yield list(_fit(rows[first:last], lines[first:last], layout, line + first))


def _fit(rows: list[list[str]], lines: list[str], layout: Layout, line: int) -> Iterator[Record]:
    for number, (cells, whole) in enumerate(zip(rows, lines, strict=True), start=line):
        if any(cells):
            yield number, fitted(cells, [whole], layout)


def _read_slowly(text: str, stream: TextIO, layout: Layout, line: int) -> Generator[list[Record], None, int]:
    """Read a block line by line, and on to the end of its last record; returns the number of the line after it."""
    found = read_carefully(Lines(_lines(text), stream.readline), layout, line, only_waiting=True)
    batch: list[Record] = []
    while True:
        try:
            batch.append(next(found))
        except StopIteration as end:
            yield batch
            behind: int = end.value
            return behind
