"""Owns Parquet files as a kind of list, read by DuckDB, which is installed by those who want it.

DuckDB is used to read one file and for nothing else: it may open no other, loads no extension, and asks no network.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailtui.audience.csv_reader import BadRecord, Record, shown_text
from mailtui.audience.findings import Finding, Understanding
from mailtui.audience.formats.columns import SAMPLE_ROWS, require_readable_width, settle, shown_names
from mailtui.audience.formats.format import Format
from mailtui.audience.heading import unique_names
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.words import counted

if TYPE_CHECKING:
    import duckdb

_BATCH = 1_000
_MEMORY = "256MB"
_BINARY = "BLOB"
_GLOB = frozenset("*?[]{}")


@dataclass(frozen=True, slots=True)
class Parquet:
    """`texts` has an SQL expression a column, which makes text of it; `width` is their number."""

    texts: tuple[str, ...]
    width: int


def _understand(source: Source, spec: AudienceSpec, format: Finding) -> tuple[Parquet, Understanding]:
    with _opened(source) as (connection, path):
        described = connection.execute("DESCRIBE SELECT * FROM read_parquet($1)", [path]).fetchall()
        require_readable_width(source, len(described))
        names, notes = unique_names([str(item[0]) for item in described])
        kinds = [str(item[1]) for item in described]
        texts = tuple(_text_of(str(item[0]), kind) for item, kind in zip(described, kinds, strict=True))
        layout = Parquet(texts, len(texts))
        rows = [_cells(row) for row in _select(connection, path, layout).fetchmany(SAMPLE_ROWS)]
    binary = [at for at, kind in enumerate(kinds) if kind == _BINARY and any("\0" in row[at] for row in rows)]
    if binary:
        texts = tuple("NULL" if at in binary else text for at, text in enumerate(texts))
        layout = Parquet(texts, len(texts))
        rows = [["" if at in binary else cell for at, cell in enumerate(row)] for row in rows]
        lost = shown_names([names[at] for at in binary])
        notes = (*notes, f"{counted(len(binary), 'column')} with binary data, left empty here: {lost}")
    nested = [name for name, kind in zip(names, kinds, strict=True) if _is_nested(kind)]
    if nested:
        notes = (*notes, f"Columns with values inside values are read as one text: {shown_names(nested)}")
    understanding = settle(source, spec, format=format, settings=[], columns=names, rows=rows, unit="row", notes=notes)
    return layout, understanding


def _read(source: Source, layout: Parquet) -> Iterator[Record]:
    number = 0
    with _opened(source) as (connection, path):
        rows = _select(connection, path, layout)
        while batch := rows.fetchmany(_BATCH):
            for row in batch:
                number += 1
                cells = _cells(row)
                if any("\0" in cell for cell in cells):
                    yield number, BadRecord("it holds a NUL character or binary data", shown_text([", ".join(cells)]))
                else:
                    yield number, cells


@contextmanager
def _opened(source: Source) -> Iterator[tuple[duckdb.DuckDBPyConnection, str]]:
    """A database that may read this file alone, and the name it knows it by."""
    try:
        import duckdb
    except ImportError:
        raise AudienceError(
            f"{source.name} is a Parquet file, and DuckDB, which reads those, is not installed",
            hint="Install it: pipx inject mailtui duckdb (or: pip install 'mailtui[parquet]'). "
            "Or save the list as CSV.",
        ) from None
    with tempfile.TemporaryDirectory(prefix="mailtui-") as folder:
        path = str(source.path)
        if _GLOB & set(path):
            # DuckDB takes some characters of a name for a pattern, and has no way to write them plainly.
            link = Path(folder) / "list.parquet"
            link.symlink_to(source.path)
            path = str(link)
        connection = duckdb.connect(
            config={
                "memory_limit": _MEMORY,
                "threads": 2,
                "temp_directory": "",
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            }
        )
        try:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute("SET allowed_paths = [" + "'" + path.replace("'", "''") + "']")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            yield connection, path
        except (duckdb.Error, UnicodeDecodeError) as error:
            first = str(error).partition("\n")[0].replace(path, source.name)
            raise AudienceError(
                f"{source.name} is no sound Parquet file",
                detail=first,
                hint="Copy or export it again; a Parquet file that is cut off cannot be read at all.",
            ) from None
        finally:
            connection.close()


def _select(connection: duckdb.DuckDBPyConnection, path: str, layout: Parquet) -> duckdb.DuckDBPyConnection:
    columns = ", ".join(layout.texts)
    # Each expression is made by _text_of, which quotes the name of its column.
    return connection.execute(f"SELECT {columns} FROM read_parquet($1)", [path])  # noqa: S608


def _text_of(name: str, kind: str) -> str:
    """SQL for a column as text: dates and times in ISO 8601, decimals with all their digits, lists with commas."""
    column = '"' + name.replace('"', '""') + '"'
    if kind == _BINARY:  # texts, as some programs write them; a NUL stands for what is none
        return f"coalesce(TRY(decode({column})), CASE WHEN {column} IS NOT NULL THEN chr(0) END)"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST({column} AT TIME ZONE 'UTC' AS VARCHAR) || 'Z'"
    if kind.endswith("[]") and not _is_nested(kind):
        return f"array_to_string(CAST({column} AS VARCHAR[]), ', ')"
    return f"CAST({column} AS VARCHAR)"


def _is_nested(kind: str) -> bool:
    return kind.startswith(("STRUCT", "MAP", "UNION")) or kind.endswith("[][]") or (")" in kind and kind.endswith("]"))


def _cells(row: tuple[str | None, ...]) -> list[str]:
    return ["" if cell is None else cell for cell in row]


PARQUET = Format("parquet", Parquet, _understand, _read)
