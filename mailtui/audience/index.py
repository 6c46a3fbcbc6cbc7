"""Owns the audience index: one disposable SQLite file a list, so that a million rows need no memory.

The file's name is a hash over what the source is and how it is read; the filter is no part of it. It is built
under another name and renamed when it is whole, so a crash leaves no half index. Columns are `c0` to `cN`,
whatever a stranger called them; a missing cell is ''. `twin` marks rows whose key occurs more than once:
only those can be duplicates, under any filter. `alike` has the rows whose key differs from another one in capital
letters alone: two recipients, since only the host that has the mailbox may say otherwise (RFC 5321 section 2.4).
`flag` has the bits of `Hygiene` for the address. `n0` or `d0` is the shadow of a column of numbers or dates, and
`meta` holds what is known of every column (`column_facts`).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from mailtui.audience.column_facts import ColumnFacts, facts_from_json
from mailtui.audience.filling import fill
from mailtui.audience.hygiene import Hygiene
from mailtui.audience.problem import RowProblem
from mailtui.audience.reading import Reading, reading_from_json, understand
from mailtui.audience.source import Source, unpacked
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.paths import private_folder
from mailtui.kit.sqlite import open_disposable, open_scratch

VERSION = 7
SIZE_LIMIT = 4 << 30
AGE_LIMIT = 30 * 86_400.0
_ORPHAN_AGE = 86_400.0
# What is made of the rows once they are read, and where they come from: the index is the same.
_NOT_OF_READING = {"source", "filter", "suppress", "columns", "group", "exclude", "list", "offline"}


class ListChanged(AudienceError):
    """The list is not any more what it was when it was looked at."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "The list has changed since it was opened",
            detail=f"{name} was written to: rows that are shown, and their numbers, may not be in it any more.",
            hint="Read it again: r on the list screen.",
        )


@dataclass(frozen=True, slots=True)
class Index:
    """An open index. Its tables are those of `filling`; beside them a scratch database takes what is made of them.

    `rows` counts all data records, bad ones too. `facts` are those of the columns, in their order.
    """

    connection: apsw.Connection
    reading: Reading
    facts: tuple[ColumnFacts, ...]
    rows: int


def open_index(
    source: Source,
    spec: AudienceSpec,
    cache: Path,
    *,
    hygiene: Hygiene,
    progress: Callable[[int], None] | None = None,
) -> Index:
    """The index of a list, built when there is none yet, opened for reading. Raises `AudienceError`.

    `progress` hears how many rows were read while it is built; what it raises ends that.
    """
    try:
        private_folder(cache)
    except OSError as error:
        raise AudienceError(
            "The folder for audience indexes cannot be made",
            detail=f"{cache}: {error.strerror or error}",
            hint="Set MAILTUI_HOME to a folder you may write to.",
        ) from None
    path = cache / f"{_name(source, spec, hygiene)}.db"
    found = _open_existing(path)
    if found is None:
        _build(source, spec, path, hygiene, progress)
        found = _open_existing(path)
        if found is None:
            raise AudienceError(f"The index of {source.name} cannot be opened", detail=str(path))
    evict(cache, keep=path)
    return found


def evict(cache: Path, *, keep: Path, size_limit: int = SIZE_LIMIT, age_limit: float = AGE_LIMIT) -> None:
    """Delete the indexes used longest ago until age (seconds) and total size (bytes) are within limits.

    `keep` stays whatever its size. What a crash left half built goes after a day.
    """
    now = time.time()
    entries = []
    for path in cache.iterdir():
        if path == keep or path.suffix not in (".db", ".tmp"):
            continue
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if now - found.st_mtime > (age_limit if path.suffix == ".db" else _ORPHAN_AGE):
            path.unlink(missing_ok=True)
        elif path.suffix == ".db":
            entries.append((found.st_mtime, found.st_size, path))
    total = (keep.stat().st_size if keep.exists() else 0) + sum(size for _, size, _ in entries)
    for _, size, path in sorted(entries):
        if total <= size_limit:
            return
        path.unlink(missing_ok=True)
        total -= size


def _name(source: Source, spec: AudienceSpec, hygiene: Hygiene) -> str:
    options = spec.model_dump(exclude=_NOT_OF_READING)
    # What was found out about a sheet is not all in its cells: the same ones may come from another tab, or anew.
    told = [source.notes, None if source.sheet is None else [source.sheet.tab.value, source.sheet.range.value]]
    text = json.dumps([VERSION, source.identity, told, options, hygiene.digest], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _open_existing(path: Path) -> Index | None:
    """The index, or None when it is not there or is no whole index; then it is deleted."""
    if not path.exists():
        return None
    connection: apsw.Connection | None = None
    try:
        connection = open_scratch(path, "list")
        meta: dict[Any, Any] = dict(iter(connection.execute("SELECT name, value FROM meta")))
        found = Index(
            connection,
            reading_from_json(str(meta["reading"])),
            facts_from_json(str(meta["facts"])),
            int(str(meta["rows"])),
        )
    except (apsw.SQLError, apsw.NotADBError, apsw.CorruptError, KeyError):
        if connection is not None:
            connection.close()
        path.unlink(missing_ok=True)
        return None
    os.utime(path)  # the time of last use, by which old ones are evicted
    return found


def _build(
    source: Source, spec: AudienceSpec, path: Path, hygiene: Hygiene, progress: Callable[[int], None] | None
) -> None:
    whole = unpacked(source, path.parent)
    try:
        _build_from(whole, spec, path, hygiene, progress)
    finally:
        whole.discard()


def _build_from(
    source: Source, spec: AudienceSpec, path: Path, hygiene: Hygiene, progress: Callable[[int], None] | None
) -> None:
    reading = understand(source, spec)
    handle, name = tempfile.mkstemp(prefix=".building-", suffix=".tmp", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        connection = open_disposable(temporary)
        try:
            fill(connection, source, reading, hygiene.flags, progress)
        finally:
            connection.close()
        if source.changed():
            raise AudienceError(f"{source.name} changed while it was read", hint="Run the same command again.")
        temporary.replace(path)
    except (apsw.FullError, apsw.IOError):
        raise AudienceError(
            f"There is no room for the index of {source.name}",
            detail=str(path.parent),
            hint="Free some space, or set MAILTUI_HOME to a larger disk.",
        ) from None
    finally:
        temporary.unlink(missing_ok=True)


def read_problems(connection: apsw.Connection) -> Iterator[RowProblem]:
    """Bad rows and bad addresses, in the order of the list."""
    for row, line, kind, reason, text in connection.execute(
        "SELECT row, line, kind, reason, text FROM problem ORDER BY row"
    ):
        yield RowProblem(line, row, kind, reason, text)
