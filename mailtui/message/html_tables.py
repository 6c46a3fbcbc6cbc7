"""Owns tables of a mail's HTML: which ones hold data, and how their rows look as lines.

Most tables of mails only put things in their places; those are read cell after cell, with short cells that stand
beside each other on one line. A table of data has its columns below each other, and long cells go on in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mailtui.kit.text_width import clusters, text_width
from mailtui.message.html_blocks import Block, Kind, Run

WIDTH = 72  # columns of a terminal that a table takes at the most
_BETWEEN = "  "
_BAR = " | "
_SHORT = 40  # columns of a cell that needs no sign that it holds data
_LABEL = 24
_NARROWEST = 8
_TALLEST = 4  # lines of a cell of data
_MOST_COLUMNS = 30
_LOOKED_AT = 12  # blocks of a cell; one with more holds no data
_BULLETS = frozenset("•·*-–▪◦✓✔")

Line = tuple[Run, ...]


@dataclass(slots=True)
class Cell:
    """A cell: its blocks are those from `start` up to `end` of all that were read."""

    start: int
    heads: bool = False
    right: bool = False
    columns: int = 1
    rows: int = 1
    end: int = -1  # not yet


@dataclass(slots=True)
class Table:
    """A table that is being read. `plain`: nothing in it but text; `placed`: it says that it holds no data."""

    start: int
    indent: int
    quoted: int
    lead: str
    placed: bool
    bordered: bool
    plain: bool = True
    rows: list[list[Cell]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A cell with what stands in it, a line each."""

    cell: Cell
    lines: tuple[Line, ...]
    simple: bool
    kind: Kind

    @property
    def width(self) -> int:
        return max(map(_width, self.lines), default=0)


_NOTHING = _Seen(Cell(0), lines=(), simple=True, kind=Kind.TEXT)


def finish(table: Table, blocks: Sequence[Block], *, whole: bool) -> tuple[list[Block], bool]:
    """What a table's blocks become, and whether it holds data. `whole`: as mail programs show text, nothing aligned."""
    if max(map(len, table.rows), default=0) < 2:
        return list(blocks[table.start :]), False
    rows = [[_seen(cell, table, blocks) for cell in row] for row in table.rows]
    spanned = _spanned(rows)
    if _holds_data(table, spanned, whole=whole):
        first = min((cell.start for row in table.rows for cell in row), default=table.start)
        made = _with_bars(rows) if whole else list(_in_columns(spanned))
        lead, gap = table.lead, True
        grid = list(blocks[table.start : first])
        for runs in made:
            grid.append(Block(Kind.ROW, runs, table.indent, table.quoted, lead, gap))
            lead, gap = " " * len(lead), False
        return grid, True
    return _flowing(table, rows, blocks, room=0 if whole else WIDTH), False


def _seen(cell: Cell, table: Table, blocks: Sequence[Block]) -> _Seen:
    own = blocks[cell.start : min(cell.end, cell.start + _LOOKED_AT)]
    said = [block for block in own if block.runs]
    simple = cell.end - cell.start < _LOOKED_AT and all(
        block.kind in (Kind.TEXT, Kind.HEADING)
        and block.indent == table.indent
        and block.quoted == table.quoted
        and (not block.lead.strip() or (block is blocks[table.start] and block.lead == table.lead))
        for block in own
    )
    headings = sum(block.kind is Kind.HEADING for block in said)
    lines = tuple(block.runs for block in said)
    return _Seen(cell, lines, simple and headings in (0, len(said)), Kind.HEADING if headings else Kind.TEXT)


def _holds_data(table: Table, rows: list[list[_Seen]], *, whole: bool) -> bool:
    """Whether a table is one to its reader, too."""
    columns = max((sum(item.cell.columns for item in row) for row in rows), default=0)
    if table.placed or not 1 < columns <= _MOST_COLUMNS:
        return False
    cells = [item for row in rows for item in row]
    if all(_is_bullet(row[0]) for row in rows if row):
        return False
    if not all(item.simple and item.kind is Kind.TEXT and len(item.lines) <= _TALLEST for item in cells):
        return False
    heads = any(item.cell.heads for item in cells)
    full = sum(len(row) > 1 for row in rows)
    if full < (1 if heads else 2):
        return False
    if heads or table.bordered or sum(item.cell.right for item in cells) > 1:
        return True
    if columns == 2 and all(row and len(row[0].lines) <= 1 and row[0].width <= _LABEL for row in rows):
        return True
    if whole:
        return table.plain  # what stands in its place is of any length
    return all(len(item.lines) <= 1 and item.width <= _SHORT for item in cells)


def _with_bars(rows: list[list[_Seen]]) -> list[Line]:
    made: list[Line] = []
    for row in rows:
        runs: list[Run] = []
        for number, item in enumerate(row):
            if number:
                runs.append(Run(_BAR))
            runs += _bold(item, _strung(item.lines, " "))
        made.append(tuple(runs))
    return made


def _spanned(rows: list[list[_Seen]]) -> list[list[_Seen]]:
    """The rows with empty cells where one from above goes on."""
    made: list[list[_Seen]] = []
    waiting: dict[int, int] = {}  # column: rows that it is taken for
    for row in rows:
        full: list[_Seen] = []
        at = 0
        cells = iter(row)
        taken, waiting = waiting, {column: left - 1 for column, left in waiting.items() if left > 1}
        while at < _MOST_COLUMNS:
            if at in taken:
                full.append(_NOTHING)
                at += 1
                continue
            item = next(cells, None)
            if item is None:
                break
            full.append(item)
            if item.cell.rows > 1:
                waiting |= dict.fromkeys(range(at, at + item.cell.columns), item.cell.rows - 1)
            at += item.cell.columns
        made.append(full)
    return made


def _in_columns(rows: list[list[_Seen]]) -> Iterator[Line]:
    widths = _widths(rows)
    right = _right_columns(rows)
    for row in rows:
        columns: list[tuple[int, list[Line], bool]] = []
        at = 0
        for item in row:
            span = min(item.cell.columns, len(widths) - at)
            if span < 1:
                break
            room = sum(widths[at : at + span]) + len(_BETWEEN) * (span - 1)
            wrapped = [part for line in item.lines for part in wrap(_bold(item, line), room)]
            columns.append((room, wrapped, item.cell.right or (span == 1 and at in right)))
            at += span
        for number in range(max((len(lines) for _, lines, _ in columns), default=0)):
            yield _one_line([(room, _nth(lines, number), flush) for room, lines, flush in columns])


def _nth(lines: list[Line], number: int) -> Line:
    return lines[number] if number < len(lines) else ()


def _one_line(parts: Iterable[tuple[int, Line, bool]]) -> Line:
    runs: list[Run] = []
    blanks = ""
    for room, line, flush in parts:
        left = " " * max(room - _width(line), 0)
        if flush and line:
            blanks, left = blanks + left, ""
        if line and blanks:
            runs.append(Run(blanks))
        if line:
            runs += line
            blanks = ""
        blanks += left + _BETWEEN
    return tuple(runs)


def _widths(rows: list[list[_Seen]]) -> list[int]:
    """Of the columns; those that are too wide share what is left."""
    count = max(sum(item.cell.columns for item in row) for row in rows)
    widths = [0] * count
    for row in rows:
        at = 0
        for item in row:
            if item.cell.columns == 1 and at < count:
                widths[at] = max(widths[at], item.width)
            at += item.cell.columns
    room = max(WIDTH - len(_BETWEEN) * (count - 1), count * _NARROWEST)
    waiting = sorted(range(count), key=lambda column: widths[column])
    while waiting:
        share = room // len(waiting)
        column = waiting.pop(0)
        widths[column] = min(widths[column], max(share, _NARROWEST))
        room -= widths[column]
    return widths


def _right_columns(rows: list[list[_Seen]]) -> set[int]:
    """Columns whose cells mostly stand at the right."""
    votes: dict[int, int] = {}
    for row in rows:
        at = 0
        for item in row:
            if item.cell.columns == 1 and not item.cell.heads and item.lines:
                votes[at] = votes.get(at, 0) + (1 if item.cell.right else -1)
            at += item.cell.columns
    return {column for column, vote in votes.items() if vote > 0}


def _flowing(table: Table, rows: list[list[_Seen]], blocks: Sequence[Block], *, room: int) -> list[Block]:
    """One cell after the other; those of a row for which there is room on one line, and long ones set apart."""
    made: list[Block] = []
    done = table.start
    apart = False
    for row in rows:
        full = [item for item in row if item.lines]
        if not full:
            continue
        made += blocks[done : row[0].cell.start]
        done = row[-1].cell.end
        total = sum(item.width for item in full) + len(_BETWEEN) * (len(full) - 1)
        fits = total <= room or (len(full) == 2 and _is_bullet(full[0]))
        if len(full) > 1 and fits and all(item.simple and len(item.lines) == 1 for item in full):
            first = next(block for block in blocks[full[0].cell.start : full[0].cell.end] if block.runs)
            made.append(replace(first, runs=tuple(_beside(full)), gap=first.gap or apart))
            apart = False
            continue
        long = len(full) > 1 and any(len(item.lines) > 1 for item in full)
        for item in row:
            part = list(blocks[item.cell.start : item.cell.end])
            if part and (long or apart) and item.lines:
                part[0] = replace(part[0], gap=True)
                apart = False
            made += part
        apart = long
    return [*made, *blocks[done:]]


def _beside(row: list[_Seen]) -> Iterator[Run]:
    for number, item in enumerate(row):
        if number:
            yield Run(" " if _is_bullet(row[number - 1]) else _BETWEEN)
        yield from item.lines[0]


def _is_bullet(item: _Seen) -> bool:
    return len(item.lines) == 1 and "".join(run.text for run in item.lines[0]).strip() in _BULLETS


def _bold(item: _Seen, line: Line) -> Line:
    if not item.cell.heads:
        return line
    return tuple(replace(run, look=replace(run.look, bold=True)) for run in line)


def _strung(lines: Sequence[Line], between: str) -> Line:
    runs: list[Run] = []
    for number, line in enumerate(lines):
        if number:
            runs.append(Run(between))
        runs += line
    return tuple(runs)


def _width(line: Line) -> int:
    return sum(text_width(run.text) for run in line)


def wrap(line: Line, room: int) -> list[Line]:
    """A line as so many as it takes within a width, broken at blanks where there are any."""
    if _width(line) <= room:
        return [line]
    lines: list[list[Run]] = [[]]
    used = 0
    for run in line:
        for word in _words(run.text):
            wide = text_width(word.rstrip(" "))
            if used and used + wide > room:
                lines.append([])
                used = 0
            for piece in [word] if wide <= room else _pieces(word, room):
                if used and used + text_width(piece.rstrip(" ")) > room:
                    lines.append([])
                    used = 0
                shown = piece if used or lines == [[]] else piece.lstrip(" ")
                lines[-1].append(replace(run, text=shown))
                used += text_width(shown)
    return [_stripped(part) for part in lines if part]


def _stripped(runs: list[Run]) -> Line:
    return (*runs[:-1], replace(runs[-1], text=runs[-1].text.rstrip(" ")))


def _words(text: str) -> Iterator[str]:
    """A text's words, each with the blanks behind it."""
    begin = 0
    for at in range(1, len(text)):
        if text[at - 1] == " " and text[at] != " ":
            yield text[begin:at]
            begin = at
    yield text[begin:]


def _pieces(word: str, room: int) -> Iterator[str]:
    piece, used = "", 0
    for cluster in clusters(word):
        wide = text_width(cluster)
        if used + wide > room:
            yield piece
            piece, used = "", 0
        piece += cluster
        used += wide
    yield piece
