"""SQLite and Parquet files as lists: read and never written, one query, values as they stand."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import apsw
import duckdb
import pytest

from mailtui.audience.audience import Audience
from mailtui.audience.formats import sqlite_query
from mailtui.errors import AudienceError
from tests.audience.conftest import Opener

PEOPLE = """
CREATE TABLE people (email TEXT, name TEXT, n, photo BLOB);
INSERT INTO people VALUES ('a@example.com', 'Ann', 9007199254740993, x'00ff'), ('b@example.com', 'Bob', 1.5, NULL),
  ('c@example.com', NULL, '0042', x'00'), (CAST(x'63ff40' AS TEXT), 'broken', 1, NULL),
  ('e@example.com', CAST(x'c3a9' AS BLOB), 1, NULL), ('f@example.com', 'N' || char(0), 1, NULL);
"""


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "list.db"
    make(path, PEOPLE)
    return path


def make(path: Path, sql: str) -> None:
    connection = apsw.Connection(str(path))
    connection.execute(sql)
    connection.close()


def opened_at(opened_as: Opener, path: Path, **options: Any) -> Audience:
    return opened_as(path.name, path.read_bytes(), **options)


def value(audience: Audience, key: str) -> str:
    found = audience.understanding.setting(key)
    assert found is not None
    return found.value


def test_the_only_table_is_read_with_its_values_as_they_stand(opened_as: Opener, database: Path) -> None:
    audience = opened_at(opened_as, database)
    assert audience.understanding.format.value == "sqlite"
    assert value(audience, "query") == "people"
    found = [(one.row, one.fields["name"], one.fields["n"], one.fields["photo"]) for one in audience.recipients()]
    assert found == [
        (1, "Ann", "9007199254740993", ""),
        (2, "Bob", "1.5", ""),
        (3, "", "0042", ""),
        (5, "é", "1", ""),
    ]
    assert [(one.line, one.reason, one.text) for one in audience.problems()] == [
        (4, "it holds a text that is not UTF-8", "c\\xff@"),
        (6, "it holds a NUL character", "f@example.com, N\\x00, 1, "),
    ]
    assert "1 column with binary data, left empty here: photo" in audience.understanding.notes


def test_binary_data_that_comes_late_is_a_problem_and_not_nothing(opened_as: Opener, tmp_path: Path) -> None:
    make(
        tmp_path / "list.db",
        "CREATE TABLE t (email, x); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
        " INSERT INTO t SELECT 'u' || i || '@example.com', iif(i = 390, x'00ff', 'x') FROM n",
    )
    (problem,) = opened_at(opened_as, tmp_path / "list.db").problems()
    assert (problem.line, problem.reason) == (390, "it holds 2 bytes of binary data")


def test_of_several_tables_the_one_with_addresses_is_read_and_others_by_name(opened_as: Opener, database: Path) -> None:
    make(database, "CREATE TABLE orders (id, sum); INSERT INTO orders VALUES (1, 2)")
    audience = opened_at(opened_as, database)
    assert value(audience, "query") == "people"
    assert "Of 2 tables only people is read, not orders." in audience.understanding.notes
    make(database, "CREATE VIEW \"my view\" AS SELECT email AS mail FROM people WHERE name = 'Bob'")
    with pytest.raises(AudienceError, match=r"3 tables, and 2 with addresses\n.*my view\n.*\nName one, or write a SEL"):
        opened_at(opened_as, database)
    assert [one.address for one in opened_at(opened_as, database, query="MY VIEW").recipients()] == ["b@example.com"]
    with pytest.raises(AudienceError, match=r"no table poeple\n.*\nDid you mean people\?"):
        opened_at(opened_as, database, query="poeple")


def test_a_select_is_read_in_its_order(opened_as: Opener, database: Path) -> None:
    query = (
        "-- the last first\nSELECT email, name AS Name, upper(name) AS name FROM people"
        " WHERE n = 1.5 OR name = 'Ann' ORDER BY email DESC;"
    )
    audience = opened_at(opened_as, database, query=query)
    assert audience.columns == ("email", "Name", "name_2")
    assert [one.address for one in audience.recipients()] == ["b@example.com", "a@example.com"]


FORBIDDEN = {
    "DELETE FROM people": "may only read",
    "SELECT 1; DELETE FROM people": "may only read|several statements",
    "SELECT email FROM people; SELECT 1": "several statements",
    "ATTACH 'other.db' AS other": "may only read",
    "PRAGMA user_version = 5": "may only read",
    "SELECT * FROM pragma_table_info('people')": "may only read",
    "VACUUM INTO 'copy.db'": "may only read",
    "CREATE TEMP TABLE x AS SELECT 1": "may only read",
    "SELECT load_extension('x') AS email": "may only read",
    "BEGIN IMMEDIATE": "may only read",
    "SELEC email FROM people": "cannot be carried out",
    "SELECT emial FROM people": "no such column: emial",
}


@pytest.mark.parametrize("query", FORBIDDEN)
def test_a_query_can_do_nothing_but_read(opened_as: Opener, database: Path, query: str) -> None:
    before = database.read_bytes()
    with pytest.raises(AudienceError, match=FORBIDDEN[query]):
        opened_at(opened_as, database, query=query)
    assert database.read_bytes() == before
    assert {path.name for path in database.parent.iterdir()} <= {"list.db", "cache"}


def test_a_query_that_never_ends_is_stopped(opened_as: Opener, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_query, "PATIENCE", 0.2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS email FROM n"
    started = time.monotonic()
    with pytest.raises(AudienceError, match="without a row, and was stopped"):
        opened_at(opened_as, database, query=endless)
    assert time.monotonic() - started < 30


WRITER = """
import apsw, sys, time
connection = apsw.Connection(sys.argv[1])
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("INSERT INTO people VALUES ('new@example.com', 'New', 1, NULL)")
print("written", flush=True)
sys.stdin.read()
"""


def test_what_another_program_wrote_last_is_read_beside_it(tmp_path: Path, opened_as: Opener, database: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdin is not None
        assert writer.stdout.readline() == "written\n"
        assert (tmp_path / "list.db-wal").exists()
        from mailtui.audience.audience import open_audience
        from mailtui.audience.spec import AudienceSpec

        with open_audience(AudienceSpec(source="list.db"), folder=tmp_path, cache=tmp_path / "cache") as audience:
            assert audience.find("new@example.com") is not None
        writer.stdin.close()
        writer.wait()


def test_reading_a_file_in_wal_mode_leaves_nothing_beside_it(tmp_path: Path, database: Path) -> None:
    from mailtui.audience.counting import count_stream
    from mailtui.audience.spec import AudienceSpec

    make(database, "PRAGMA journal_mode = WAL")
    assert [path.name for path in tmp_path.iterdir()] == ["list.db"]
    assert count_stream(AudienceSpec(source="list.db"), tmp_path).rows == 6
    assert [path.name for path in tmp_path.iterdir()] == ["list.db"]


def test_a_corrupt_or_empty_database_is_explained(opened_as: Opener, database: Path, tmp_path: Path) -> None:
    make(
        database,
        "BEGIN; DELETE FROM people WHERE name IN ('broken', 'N' || char(0));"
        + "".join(f"INSERT INTO people VALUES ('u{n}@example.com', '{'x' * 400}', 1, NULL);" for n in range(60))
        + "COMMIT;",
    )
    whole = database.read_bytes()
    for spoiled in (
        whole[:5_000],
        whole[:100] + b"\xff" * 4_000 + whole[4_100:],
        whole[:9_000] + b"\xaa" * 4_096 + whole[13_096:],
    ):
        with pytest.raises(AudienceError, match=r"list\.db") as caught:
            opened_as("list.db", spoiled).counts()
        assert caught.value.hint
    nobody = opened_as("list.db", whole, query="SELECT email, name AS Who FROM people WHERE n = 99")
    assert (nobody.columns, nobody.size) == (("email", "Who"), 0)
    empty = tmp_path / "empty.db"
    make(empty, "PRAGMA user_version = 1")
    with pytest.raises(AudienceError, match="has no tables"):
        opened_at(opened_as, empty)


def test_a_change_that_a_crash_left_half_done_is_explained(opened_as: Opener, tmp_path: Path) -> None:
    make(tmp_path / "list.db", "CREATE TABLE people (email); INSERT INTO people VALUES ('a@example.com')")
    connection = apsw.Connection(str(tmp_path / "list.db"))
    connection.execute("PRAGMA cache_size = 1; BEGIN; CREATE TABLE more (x)")
    connection.execute("INSERT INTO more VALUES (randomblob(400000))")
    for suffix in ("", "-journal"):
        (tmp_path / f"left.db{suffix}").write_bytes((tmp_path / f"list.db{suffix}").read_bytes())
    connection.close()
    with pytest.raises(AudienceError, match=r"left\.db was left in the middle of a change"):
        opened_at(opened_as, tmp_path / "left.db")


def parquet(path: Path, select: str) -> bytes:
    connection = duckdb.connect()
    connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    connection.close()
    return path.read_bytes()


def test_parquet_values_are_text_as_they_stand(opened_as: Opener, tmp_path: Path) -> None:
    data = parquet(
        tmp_path / "made.parquet",
        "SELECT 'a@example.com' AS email, '00012' AS plz, 1.50::DECIMAL(9, 2) AS price, 9007199254740993 AS big,"
        " DATE '2026-02-28' AS day, TIMESTAMP '2026-02-28 03:04:05' AS at, TIMESTAMPTZ '2026-02-28 03:04:05+02' AS z,"
        " true AS yes, NULL::VARCHAR AS nothing,"
        " [1, 2] AS list, {'a': 1} AS inner, 0.1::FLOAT AS f, encode('é') AS bytes,"
        " 'x' AS \"EMAIL\"",
    )
    parquet(tmp_path / "odd1xy.parquet", "SELECT 'other@example.com' AS email")  # what the name means as a pattern
    audience = opened_as("odd[1]*?.parquet", data)
    (person,) = audience.recipients()
    assert dict(person.fields) == {
        "email": "a@example.com",
        "plz": "00012",
        "price": "1.50",
        "big": "9007199254740993",
        "day": "2026-02-28",
        "at": "2026-02-28 03:04:05",
        "z": "2026-02-28 01:04:05Z",
        "yes": "true",
        "nothing": "",
        "list": "1, 2",
        "inner": "{'a': 1}",
        "f": "0.1",
        "bytes": "é",
        "EMAIL_1": "x",
    }
    assert any("values inside values" in note and "inner" in note for note in audience.understanding.notes)


def test_parquet_columns_with_binary_data_are_left_empty_and_told(opened_as: Opener, tmp_path: Path) -> None:
    select = "SELECT 'u' || i || '@example.com' AS mail, if(i % 2 = 0, unhex('00ff'), NULL) AS photo,"
    late = " if(i = 390, unhex('ff'), encode('é')) AS note FROM range(400) t(i)"
    audience = opened_as("list", parquet(tmp_path / "made.parquet", select + late))
    assert "1 column with binary data, left empty here: photo" in audience.understanding.notes
    assert dict(next(audience.recipients()).fields) == {"mail": "u0@example.com", "photo": "", "note": "é"}
    assert [(one.line, one.reason) for one in audience.problems()] == [(391, "it holds a NUL character or binary data")]


def test_parquet_rows_come_in_order_and_count_from_one(opened_as: Opener, tmp_path: Path) -> None:
    data = parquet(
        tmp_path / "made.parquet", "SELECT 'u' || i || if(i = 4000, '', '@example.com') AS mail FROM range(5000) t(i)"
    )
    audience = opened_as("list", data)
    assert [(one.line, one.text) for one in audience.problems()] == [(4_001, "u4000")]
    assert [one.address for one in audience.recipients()][-1] == "u4999@example.com"


@pytest.mark.parametrize("cut", [4, 60, -8, -30])
def test_a_parquet_file_cut_off_is_explained(opened_as: Opener, tmp_path: Path, cut: int) -> None:
    data = parquet(tmp_path / "made.parquet", "SELECT 'u' || i || '@example.com' AS mail FROM range(500) t(i)")
    with pytest.raises(AudienceError, match="no sound Parquet file") as caught:
        opened_as("list.parquet", data[:cut])
    assert "cache" not in caught.value.detail


def test_without_duckdb_it_is_told_how_to_get_it(
    opened_as: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = parquet(tmp_path / "made.parquet", "SELECT 'a@example.com' AS mail")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(AudienceError, match="pipx inject mailtui duckdb"):
        opened_as("list.parquet", data)


def test_formats_load_their_libraries_when_they_are_used() -> None:
    program = (
        "import sys; import mailtui.audience.audience, mailtui.audience.reading, mailtui.audience.counting;"
        "assert not {'duckdb', 'python_calamine', 'openpyxl'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
