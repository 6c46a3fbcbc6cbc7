"""The SQLite file itself: modes, durability, identity, and errors that tell what to do (S-01, S-08, S-10, S-11)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import apsw
import pytest

from mailtui.errors import ExitCode, MailtuiError, OutboxBusy, OutboxError, OutboxFull, UsageError
from mailtui.kit import sqlite
from mailtui.outbox.health import examine
from mailtui.outbox.named_sql import migrations
from mailtui.outbox.opening import parse_outbox, sqlite_url
from mailtui.outbox.sqlite_file import RUNNER_BUSY_MS, open_for_reading, open_for_writing
from mailtui.outbox.sqlite_ledger import SqliteLedger
from mailtui.outbox.sqlite_log import LogKeeper
from tests.outbox.conftest import T0, deliveries, new_campaign


def test_s10_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        path = tmp_path / "new" / "outbox.db"
        connection = open_for_writing(path, busy_ms=5)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        connection.close()
    finally:
        os.umask(old)


def test_s01_the_outbox_is_opened_durably(tmp_path: Path) -> None:
    connection = open_for_writing(tmp_path / "o.db", busy_ms=5)
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    connection.close()


def test_s08_an_sqlite_with_the_wal_reset_bug_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "sqlite_version", lambda: (3, 51, 2))
    with pytest.raises(MailtuiError, match="refused"):
        open_for_writing(tmp_path / "o.db", busy_ms=5)
    assert not (tmp_path / "o.db").exists()


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    other = apsw.Connection(str(path))
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    with pytest.raises(OutboxError, match="another program"):
        open_for_writing(path, busy_ms=5)


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    path.write_bytes(b"not a database at all, but long enough to look at" * 40)
    before = path.read_bytes()
    for opener in (partial(open_for_writing, busy_ms=5), open_for_reading):
        with pytest.raises(OutboxError, match="not a readable outbox") as caught:
            opener(path)
        assert caught.value.exit_code is ExitCode.UNEXPECTED and caught.value.hint
    assert path.read_bytes() == before


def test_s11_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    connection = open_for_writing(path, busy_ms=5)
    connection.pragma("user_version", len(migrations("sqlite")) + 1)
    connection.close()
    with pytest.raises(OutboxError, match="newer mailtui"):
        open_for_writing(path, busy_ms=5)
    with pytest.raises(OutboxError, match="newer mailtui"):
        open_for_reading(path)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(OutboxError, match="cannot be opened") as caught:
        open_for_writing(blocked / "outbox.db", busy_ms=5)
    assert "--outbox" in caught.value.hint


async def test_a_busy_database_is_not_waited_for_by_the_runner(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    ledger = SqliteLedger(path)
    other = open_for_writing(path, busy_ms=5)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(OutboxBusy, match="an open mailtui app"):
        await ledger.recover(now=T0)
    other.execute("COMMIT")
    await ledger.recover(now=T0)
    other.close()
    ledger.close()


async def test_a_full_disk_is_told_and_changes_nothing(tmp_path: Path) -> None:
    outbox = parse_outbox(f"sqlite:///{tmp_path}/o.db")
    desk = outbox.desk()
    draft = await desk.create_draft(new_campaign(), now=T0)
    assert draft is not None
    pages = desk._connection.pragma("page_count")  # type: ignore[attr-defined]
    desk._connection.pragma("max_page_count", pages + 2)  # type: ignore[attr-defined]
    with pytest.raises(OutboxFull, match="no room"):
        await desk.add(draft.number, deliveries(5_000), now=T0)
    reader = outbox.reader()
    assert (await reader.counts(draft.number)).total == 0
    desk.close()
    reader.close()


async def test_the_log_is_moved_into_the_file_beside_the_runner(tmp_path: Path) -> None:
    outbox = parse_outbox(f"sqlite:///{tmp_path}/o.db")
    desk, ledger = outbox.desk(), outbox.ledger()
    desk._connection.wal_autocheckpoint(0)  # type: ignore[attr-defined]
    draft = await desk.create_draft(new_campaign(), now=T0)
    assert draft is not None
    await desk.add(draft.number, deliveries(60_000), now=T0)
    before = outbox.path.stat().st_size
    await ledger.set_terms(draft.number, actor="a", now=T0)
    ledger.tidy()
    ledger.close()
    assert outbox.path.stat().st_size > before
    desk.close()


def _page_writer(path: Path) -> tuple[apsw.Connection, Callable[[int], None]]:
    """A connection to an outbox, and what has it commit so many pages."""
    open_for_writing(path, busy_ms=RUNNER_BUSY_MS).close()
    connection = open_for_writing(path, busy_ms=RUNNER_BUSY_MS)
    connection.execute("CREATE TABLE filler (page BLOB)")

    def write(pages: int) -> None:
        with connection:
            connection.executemany("INSERT INTO filler VALUES (zeroblob(4000))", [()] * pages)

    return connection, write


def test_a_busy_writers_log_is_written_over(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    connection, write = _page_writer(path)
    keeper = LogKeeper(connection, path, busy_ms=RUNNER_BUSY_MS)
    write(2_100)
    reader = open_for_reading(path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM filler").get == 2_100
    keeper.tidy(at_once=False)
    assert keeper._thread is not None
    keeper._thread.join()
    write(20)  # while somebody still reads: it follows what the thread has moved, as it does when nobody waits for it
    reader.execute("COMMIT")
    reader.close()
    assert keeper._pages > 2_100
    longest = (tmp_path / "o.db-wal").stat().st_size
    keeper.start_over()
    write(20)
    assert 0 < keeper._pages < 50, "begun again at its start"
    assert (tmp_path / "o.db-wal").stat().st_size == longest
    keeper.close()
    connection.close()
    assert examine(path).ok


def test_a_log_that_is_read_is_kept_and_not_moved_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "o.db"
    connection, write = _page_writer(path)
    keeper = LogKeeper(connection, path, busy_ms=RUNNER_BUSY_MS)
    write(1_000)
    reader = open_for_reading(path)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM filler").get == 1_000
    write(1_100)
    keeper.tidy(at_once=False)
    thread = keeper._thread
    assert thread is not None
    thread.join()
    keeper.start_over()
    write(1)
    assert keeper._pages > 2_000, "what somebody reads stays in the log"
    keeper.tidy(at_once=False)
    assert keeper._thread is thread, "there is no use in moving it before it has grown"
    assert reader.execute("SELECT count(*) FROM filler").get == 1_000
    reader.execute("COMMIT")
    reader.close()
    keeper.close()
    connection.close()


@pytest.mark.parametrize("url", ["", "outbox.db", "sqlite://", "sqlite:///", "mysql://x/y", "postgresql://h/db"])
def test_what_is_no_outbox_url_is_told(url: str) -> None:
    with pytest.raises(UsageError):
        parse_outbox(url)


def test_an_outbox_url_is_absolute() -> None:
    assert parse_outbox("sqlite:////tmp/a b.db").path == Path("/tmp/a b.db")
    assert parse_outbox("sqlite:///tmp/x.db").path == Path("/tmp/x.db")
    assert parse_outbox("sqlite:///tmp/a%20b.db").path == Path("/tmp/a b.db")


@pytest.mark.parametrize("name", ["a#b", "what?", "50%25 off", "a b", "ü"])
def test_any_folder_can_hold_an_outbox(name: str) -> None:
    path = Path("/tmp") / name / "outbox.db"
    found = parse_outbox(sqlite_url(path))
    assert found.path == path
    assert parse_outbox(found.url) == found, "a runner is given the URL, and must find the same file"
