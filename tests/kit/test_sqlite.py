"""Durable means durable, old SQLite is refused, and every file is private."""

from __future__ import annotations

import stat
from pathlib import Path

import apsw
import pytest

from mailtui.errors import MailtuiError
from mailtui.kit.sqlite import open_disposable, open_durable, open_reader, require_safe_sqlite


def test_durable_is_wal_and_full_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a" / "x.db"
    connection = open_durable(path, busy_ms=10)
    connection.execute("CREATE TABLE t (a)")
    assert (connection.pragma("journal_mode"), connection.pragma("synchronous")) == ("wal", 2)
    assert connection.pragma("foreign_keys") == 1
    modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert (modes, len(list(path.parent.iterdir()))) == ({0o600}, 3), "the file, its log and its shared memory"
    connection.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "odd name?#%.db"
    writer = open_durable(path, busy_ms=10)
    writer.execute("CREATE TABLE t (a)")
    reader = open_reader(path)
    assert reader.execute("SELECT count(*) FROM t").get == 0
    with pytest.raises(apsw.ReadOnlyError):
        reader.execute("INSERT INTO t VALUES (1)")


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(apsw.CantOpenError):
        open_reader(tmp_path / "none.db").execute("SELECT 1")
    assert not list(tmp_path.iterdir())


def test_an_old_sqlite_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    require_safe_sqlite()
    for version in ("3.40.1", "3.51.2", "3.7.0"):
        monkeypatch.setattr(apsw, "sqlite_lib_version", lambda version=version: version)
        for open_it in (lambda path: open_durable(path, busy_ms=1), open_reader, open_disposable):
            with pytest.raises(MailtuiError, match=version):
                open_it(tmp_path / "x.db")
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_durable_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Lazy(apsw.Connection):
        def pragma(self, name: str, *args: object) -> object:  # type: ignore[override]
            return 1 if name == "synchronous" else super().pragma(name)

    monkeypatch.setattr(apsw, "Connection", Lazy)
    with pytest.raises(MailtuiError, match="cannot be opened durably"):
        open_durable(tmp_path / "x.db", busy_ms=1)
