"""S-11: a crash at any statement of a migration leaves the old schema or the new one, never half of one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import apsw
import apsw.ext
import pytest

from mailtui.outbox import sqlite_file
from mailtui.outbox.health import examine
from mailtui.outbox.named_sql import migrations
from mailtui.outbox.sqlite_file import open_for_writing

_DIED = 77
_STEPS = migrations("sqlite")


def _schema(path: Path) -> tuple[int, set[str]]:
    """The version that the file says, and the names of what is in it."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        version: Any = connection.pragma("user_version")
        return version, {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    finally:
        connection.close()


def _made(path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, set[str]]:
    """An outbox as the release with so many migrations made it."""
    with monkeypatch.context() as older:
        older.setattr(sqlite_file, "migrations", lambda _: _STEPS[:version])
        open_for_writing(path, busy_ms=5).close()
    return _schema(path)


def _dies_before(path: Path, statement: int) -> bool:
    """Bring the outbox up to date in a process that ends before its n-th statement; False when it came through."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _DIED
    seen = 0

    def traced(_: object) -> None:
        nonlocal seen
        seen += 1
        if seen == statement:
            os._exit(_DIED)

    apsw.connection_hooks.append(lambda connection: connection.trace_v2(apsw.SQLITE_TRACE_STMT, traced))
    try:
        open_for_writing(path, busy_ms=5)
    finally:
        os._exit(0)


@pytest.mark.parametrize("version", range(1, len(_STEPS)))
def test_s11_a_crash_at_each_statement_of_an_upgrade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    first = tmp_path / "first.db"
    schemas = {number: _made(tmp_path / f"{number}.db", number, monkeypatch) for number in range(1, len(_STEPS) + 1)}
    _made(first, version, monkeypatch)
    statement = 0
    while True:
        statement += 1
        path = tmp_path / f"died{statement}.db"
        path.write_bytes(first.read_bytes())
        died = _dies_before(path, statement)
        found = _schema(path)
        assert found == schemas[found[0]], f"half of a schema after a crash at statement {statement}"
        open_for_writing(path, busy_ms=5).close()
        assert _schema(path) == schemas[len(_STEPS)]
        assert examine(path).ok
        if not died:
            break
    print(f"\nfrom schema {version}: {statement - 1} crashes, each the old or the new")
    assert statement > 8, "it died at statements"


def test_s11_a_crash_while_an_outbox_is_made_leaves_none_of_that_name(tmp_path: Path) -> None:
    statement = 0
    while True:
        statement += 1
        path = tmp_path / f"new{statement}.db"
        died = _dies_before(path, statement)
        assert not path.exists() or _schema(path)[0] == len(_STEPS), f"half an outbox after statement {statement}"
        open_for_writing(path, busy_ms=5).close()
        assert _schema(path)[0] == len(_STEPS)
        if not died:
            break
    assert statement > len(_STEPS) * 3
