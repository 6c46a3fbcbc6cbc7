"""Owns SQLite files as a kind of list: a table, a view, or what a SELECT gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from mailtui.audience.address_column import guess_address_column
from mailtui.audience.comparing import fold
from mailtui.audience.csv_reader import BadRecord, Record, shown_text
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.formats.columns import SAMPLE_ROWS, require_readable_width, settle, shown_names
from mailtui.audience.formats.format import Format
from mailtui.audience.formats.sqlite_query import Query, opened
from mailtui.audience.heading import unique_names
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.words import counted

_TABLES = (
    "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    " ORDER BY rowid"
)
_TABLES_TRIED = 50
_TRIED_ROWS = 50


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """The SELECT to read, how many columns it gives, and which of them have binary data and are left empty."""

    query: str
    width: int
    binary: tuple[int, ...]


def _understand(source: Source, spec: AudienceSpec, format: Finding) -> tuple[SqliteFile, Understanding]:
    with opened(source) as database:
        sql, finding, notes = _choose(database, source, spec)
        names, renamed = unique_names(database.columns(sql))
        require_readable_width(source, len(names))
        sample = [row for row in islice(database.rows(sql), SAMPLE_ROWS) if not isinstance(row, BadRecord)]
    binary = tuple(at for at in range(len(names)) if any(_is_binary(row[at]) for row in sample))
    if binary:
        columns = shown_names([names[at] for at in binary])
        notes = [*notes, f"{counted(len(binary), 'column')} with binary data, left empty here: {columns}"]
    layout = SqliteFile(sql, len(names), binary)
    rows = [cells for cells in (_cells(row, layout) for row in sample) if not isinstance(cells, BadRecord)]
    understanding = settle(
        source,
        spec,
        format=format,
        settings=[("query", finding)],
        columns=names,
        rows=rows,
        unit="row",
        notes=[*notes, *renamed],
    )
    return layout, understanding


def _read(source: Source, layout: SqliteFile) -> Iterator[Record]:
    with opened(source) as database:
        for number, row in enumerate(database.rows(layout.query), start=1):
            yield number, row if isinstance(row, BadRecord) else _cells(row, layout)


def _tables(source: Source, spec: AudienceSpec) -> tuple[str, ...]:  # noqa: ARG001 - as every `places`
    with opened(source) as database:
        return tuple(_table_names(database))


def _table_names(database: Query) -> list[str]:
    return [str(row[0]) for row in database.rows(_TABLES) if not isinstance(row, BadRecord)]


def _choose(database: Query, source: Source, spec: AudienceSpec) -> tuple[str, Finding, list[str]]:
    """What to read: the query or table that was given, else the only table, else the only one with addresses."""
    tables = _table_names(database)
    if spec.query is not None:
        given = spec.query.strip()
        for table in tables:
            if fold(table) == fold(given):
                return _whole(table), Finding(table, "given", "as you said"), []
        if not any(character.isspace() for character in given):
            raise AudienceError(
                f"{source.name} has no table {given}",
                detail=f"Its tables: {shown_names(tables)}",
                hint=did_you_mean(given, tables),
            )
        return given, Finding(" ".join(given.split()), "given", "as you said"), []
    if not tables:
        raise AudienceError(f"{source.name} has no tables")
    if len(tables) == 1:
        return _whole(tables[0]), Finding(tables[0], "certain", "its only table"), []
    usable = [table for table in tables[:_TABLES_TRIED] if _has_addresses(database, table)]
    if len(usable) == 1:
        others = shown_names([table for table in tables if table != usable[0]])
        note = f"Of {counted(len(tables), 'table')} only {usable[0]} is read, not {others}."
        return _whole(usable[0]), Finding(usable[0], "likely", "the only table with addresses"), [note]
    name = (usable or tables)[0]
    raise AudienceError(
        f"{source.name} has {counted(len(tables), 'table')}, and {len(usable) or 'none'} with addresses",
        detail=f"Its tables: {shown_names(tables)}" + (f"\nWith addresses: {shown_names(usable)}" if usable else ""),
        hint=f"Name one, or write a SELECT: --query {name}, or audience: {{query: {name}}} in a campaign file",
    )


def _has_addresses(database: Query, table: str) -> bool:
    """Whether a table looks like people; one that cannot be read does not."""
    try:
        names, _ = unique_names(database.columns(_whole(table)))
        rows = [row for row in islice(database.rows(_whole(table)), _TRIED_ROWS) if not isinstance(row, BadRecord)]
    except AudienceError:
        return False
    texts = [["" if cell is None or isinstance(cell, bytes) else str(cell) for cell in row] for row in rows]
    return bool(guess_address_column(names, texts).value)


def _whole(table: str) -> str:
    return 'SELECT * FROM "' + table.replace('"', '""') + '"'  # noqa: S608 - a name, quoted


def _is_binary(value: Any) -> bool:
    return isinstance(value, bytes) and _decoded(value) is None


def _decoded(value: bytes) -> str | None:
    """Some programs keep texts as blobs; those are texts."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return None
    return (
        text
        if text.isprintable() or not any(character < " " and character not in "\t\r\n" for character in text)
        else None
    )


def _cells(row: Sequence[Any], layout: SqliteFile) -> list[str] | BadRecord:
    cells: list[str] = []
    trouble = ""
    for at, value in enumerate(row):
        if isinstance(value, str):
            cells.append(value)
        elif value is None:
            cells.append("")
        elif isinstance(value, bytes):
            text = _decoded(value)
            if text is None and at not in layout.binary:
                trouble = f"it holds {counted(len(value), 'byte')} of binary data"
            cells.append(text or "")
        else:
            cells.append(str(value))
    if any("\0" in cell for cell in cells):
        trouble = "it holds a NUL character"
    if len(cells) != layout.width:
        trouble = f"it has {counted(len(cells), 'cell')} where there are {layout.width} columns"
    return BadRecord(trouble, shown_text([", ".join(cells)])) if trouble else cells


SQLITE_FILE = Format("sqlite", SqliteFile, _understand, _read, _tables)
