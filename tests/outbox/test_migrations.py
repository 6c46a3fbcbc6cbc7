"""S-11: a crash at any statement of a migration leaves the old schema or the new one, never half of one."""

from __future__ import annotations

import json
import os
import re
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
import apsw.ext
import pytest

from mailtui.errors import OutboxError
from mailtui.kit.file_lock import try_lock
from mailtui.outbox import sqlite_file
from mailtui.outbox.health import examine
from mailtui.outbox.migrating import copy_of, kept_copy
from mailtui.outbox.named_sql import migrations, statements
from mailtui.outbox.opening import runner_lock_of
from mailtui.outbox.sqlite_file import open_for_reading, open_for_writing
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


def _fill(path: Path) -> None:
    """Something to lose: one campaign, in words that every schema knows."""
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO blob (digest, body) VALUES ('d', x'00')")
    connection.execute(
        "INSERT INTO campaign (id, series, occurrence, name, state, message_digest, endpoint, plan, columns, source,"
        " secret, created_at) VALUES ('abc', 's', 1, 'Spring', 'running', 'd', '{}', '{}', '[]', 'x.csv', x'00', 0)"
    )
    connection.close()


def _campaigns(path: Path) -> list[str]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return [str(name) for (name,) in connection.execute("SELECT name FROM campaign")]
    finally:
        connection.close()


def _in_child(work: Callable[[], None]) -> int:
    """Fork, and do it there; the child's process id. It ends with 0 when nothing was raised."""
    child = os.fork()
    if not child:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    return child


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
    _fill(first)
    statement, stride = 0, 1 if version == len(_STEPS) - 1 else 7
    while True:
        statement += stride
        path = tmp_path / f"died{statement}.db"
        path.write_bytes(first.read_bytes())
        died = _dies_before(path, statement)
        found = _schema(path)
        assert found == schemas[found[0]], f"half of a schema after a crash at statement {statement}"
        assert found[0] in (version, len(_STEPS)), "all steps, or none"
        copy = copy_of(path, version)
        assert found[0] == version or copy.exists(), "a copy lies there before anything is changed"
        open_for_writing(path, busy_ms=5).close()
        assert _schema(path) == schemas[len(_STEPS)] and _campaigns(path) == ["Spring"]
        assert _schema(copy) == schemas[version] and _campaigns(copy) == ["Spring"]
        assert copy.stat().st_mode & 0o777 == 0o600 and kept_copy(path) == copy
        assert not list(tmp_path.glob(".*partial")), "no half a copy is left"
        assert examine(path).ok
        if not died:
            break
    print(f"\nfrom schema {version}: {statement // stride - 1} crashes, each the old or the new")
    assert statement > 8, "it died at statements"


def test_s11_an_outbox_that_cannot_be_copied_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "o.db"
    before = _made(path, 3, monkeypatch)
    _fill(path)
    limit = path.stat().st_size // 2

    def tries() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        with pytest.raises(OutboxError, match=r"could not be copied.*was not brought to schema") as told:
            open_for_writing(path, busy_ms=5)
        assert "o-schema-3.db" in told.value.detail and "Free some space" in told.value.hint

    assert os.waitstatus_to_exitcode(os.waitpid(_in_child(tries), 0)[1]) == 0
    assert _schema(path) == before
    assert [entry.name for entry in tmp_path.iterdir() if "schema" in entry.name] == []


def test_s11_several_who_come_at_once_make_one_copy_and_older_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "o.db"
    _made(path, 3, monkeypatch)
    _fill(path)
    (tmp_path / "o-schema-2.db").write_bytes(b"older")
    (tmp_path / "o-schema-mine.db").write_bytes(b"a person's")
    (tmp_path / "other-schema-2.db").write_bytes(b"another outbox's")
    children = [_in_child(lambda: open_for_writing(path, busy_ms=5).close()) for _ in range(4)]
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 4
    copies = sorted(entry.name for entry in tmp_path.iterdir() if "schema" in entry.name)
    assert copies == ["o-schema-3.db", "o-schema-mine.db", "other-schema-2.db"]
    assert _schema(copy_of(path, 3))[0] == 3
    connection = open_for_writing(path, busy_ms=5)
    told: Any = connection.execute("SELECT detail FROM event WHERE kind = 'migrate'").fetchall()
    connection.close()
    assert [json.loads(text) for (text,) in told] == [{"from": 3, "to": len(_STEPS), "copy": "o-schema-3.db"}]


def test_s11_one_that_holds_nothing_is_not_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "o.db"
    _made(path, 3, monkeypatch)
    open_for_writing(path, busy_ms=5).close()
    assert _schema(path)[0] == len(_STEPS) and kept_copy(path) is None


def test_s11_an_outbox_is_left_to_a_runner_of_an_earlier_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would go on by the rules it knows: one that knows no suppression list sends to everybody."""
    path = tmp_path / "o.db"
    before = _made(path, 3, monkeypatch)
    _fill(path)
    lock = runner_lock_of(path)
    handle = os.open(lock, os.O_RDWR | os.O_CREAT)
    assert try_lock(handle)
    lock.write_text('{"pid": 1}')
    with pytest.raises(OutboxError, match=r"still sending from this outbox \(process 1\)"):
        open_for_writing(path, busy_ms=5)
    with pytest.raises(OutboxError, match=r"still sending from this outbox \(process 1\)"):
        open_for_reading(path)
    assert _schema(path) == before and kept_copy(path) is None
    lock.write_text(json.dumps({"pid": os.getpid()}))  # the runner is this process, and of this version
    open_for_writing(path, busy_ms=5).close()
    os.close(handle)
    assert _schema(path)[0] == len(_STEPS)


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
        ("reader", "next_due"),
        ("orders", "states_of"),
        ("ledger", "claim_fresh"),
        ("ledger", "due"),
        ("ledger", "next_due"),
        ("ledger", "claim_fresh_bound"),
        ("ledger", "due_bound"),
        ("ledger", "next_due_bound"),
        ("ledger", "mark"),
        ("ledger", "mark_by"),
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
    by = "delivery_bound (campaign=? AND bound=?" if name.endswith("bound") else "delivery_due (campaign=?"
    assert any(by in step or ("INTEGER PRIMARY KEY (rowid" in step and "bound" not in name) for step in plan), plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan, plan


@pytest.mark.parametrize(
    ("file", "name", "indexes"),
    [
        ("timed", "next_wake", ["campaign_to_start", "campaign_to_resume", "recurrence_next"]),
        ("timed", "due_recurrences", ["recurrence_next"]),
        ("timed", "due_notices", ["notice_due"]),
        ("reader", "active_campaigns", ["campaign_at_work"]),
        ("reader", "to_start", ["campaign_to_start"]),
        ("reader", "to_resume", ["campaign_to_resume"]),
        ("desk", "occurrence_of", ["campaign_occurrence"]),
        ("ledger", "due_in_time", ["delivery_pause"]),
        ("ledger", "move_waiting", ["delivery_pause"]),
    ],
)
def test_r08_what_an_idle_runner_asks_reads_only_what_it_asks_for(
    tmp_path: Path, file: str, name: str, indexes: list[str]
) -> None:
    connection = open_for_writing(tmp_path / "o.db", busy_ms=5)
    query = statements("sqlite", file)[name]
    names = re.findall(r":(\w+)", query)
    bindings: Any = dict.fromkeys(names, 1) if names else (1,) * query.count("?")
    plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {query}", bindings)]
    connection.close()
    looks = [step for step in plan if " INDEX " in step]
    assert sorted({index for step in looks for index in indexes if index in step}) == sorted(indexes), plan
    assert not any(re.match(r"SCAN \w+$", step) for step in plan), plan
    assert not any("TEMP B-TREE FOR ORDER BY" in step for step in plan), plan


def test_s11_a_crash_while_an_outbox_is_made_leaves_none_of_that_name(tmp_path: Path) -> None:
    statement = 0
    while True:
        statement += 5
        path = tmp_path / f"new{statement}.db"
        died = _dies_before(path, statement)
        assert not path.exists() or _schema(path)[0] == len(_STEPS), f"half an outbox after statement {statement}"
        open_for_writing(path, busy_ms=5).close()
        assert _schema(path)[0] == len(_STEPS)
        if not died:
            break
    assert statement > len(_STEPS) * 3
