"""S-11: a crash at any statement of a migration leaves the old schema or the new one, never half of one."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import apsw
import apsw.ext
import pytest

from mailtui.outbox import sqlite_file
from mailtui.outbox.health import examine
from mailtui.outbox.named_sql import migrations, statements
from mailtui.outbox.sqlite_file import open_for_writing
from mailtui.outbox.states import DeliveryState

_DIED = 77
_ANY = dict.fromkeys(("campaign", "state", "after", "until", "now", "limit"), 1)
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


@pytest.mark.parametrize("version", range(1, len(_STEPS) + 1))
def test_an_outbox_of_any_age_refuses_a_state_that_there_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = tmp_path / "o.db"
    _made(path, version, monkeypatch)
    connection = open_for_writing(path, busy_ms=5)
    schema = str(connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'delivery'").get)
    assert "state IN" not in schema, "a set of states is built for every row that is written"
    connection.execute("PRAGMA foreign_keys = OFF")
    insert = (
        "INSERT INTO delivery (campaign, key, row, address, fields, state, updated_at) VALUES (1, ?1, 1, '', '', ?1, 0)"
    )
    for state in DeliveryState:
        connection.execute(insert, (state,))
    with pytest.raises(apsw.ConstraintError):
        connection.execute(insert, ("posted",))
    connection.close()


def test_what_did_not_arrive_is_read_by_its_own_index(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    connection = open_for_writing(path, busy_ms=5)
    for file, name in (("reader", "deliveries_in_trouble"), ("reader", "failures"), ("orders", "waiting_for_redo")):
        query = statements("sqlite", file)[name]
        bindings: Any = (1,) * query.count("?") or _ANY
        plan = str(connection.execute(f"EXPLAIN QUERY PLAN {query}", bindings).fetchall())
        assert "delivery_trouble" in plan, (name, plan)
    connection.close()


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("reader", "deliveries"),
        ("reader", "deliveries_in_states"),
        ("orders", "states_of"),
        ("ledger", "claim_fresh"),
        ("ledger", "claim_due"),
        ("ledger", "next_due"),
        ("ledger", "mark"),
        ("ledger", "settle"),
    ],
)
def test_what_is_asked_again_and_again_neither_reads_nor_sorts_a_whole_campaign(
    tmp_path: Path, file: str, name: str
) -> None:
    connection = open_for_writing(tmp_path / "o.db", busy_ms=5)
    query = statements("sqlite", file)[name]
    numbered = max(map(int, re.findall(r"\?(\d+)", query)), default=query.count("?"))
    names = re.findall(r":(\w+)", query)
    bindings: Any = dict.fromkeys(names, 1) if names else (1,) * numbered
    plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", bindings)]
    connection.close()
    assert any("INTEGER PRIMARY KEY (rowid" in step or "delivery_due (campaign=?" in step for step in plan), plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


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
