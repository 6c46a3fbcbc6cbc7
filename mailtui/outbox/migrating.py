"""Owns bringing an outbox to the schema of this version, and the copy of it as it was.

The copy lies beside the outbox. It is made while nobody else can write, and before anything is changed; all steps are
one transaction, so a crash at any moment leaves the old outbox whole or the new one. It is kept until the next one is
made, or a person deletes it.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw

from mailtui.errors import MailtuiError, OutboxError
from mailtui.kit.file_lock import holder_pid
from mailtui.kit.paths import sync
from mailtui.kit.sqlite import write_copy
from mailtui.outbox.opening import runner_lock_of
from mailtui.outbox.storage_errors import storage_errors

_EVENT = "INSERT INTO event (campaign, at, actor, kind, detail) VALUES (NULL, ?, 'mailtui', 'migrate', ?)"
_TELLING = ("campaign", "suppression")  # whatever else there is belongs to a campaign


def migrate(connection: apsw.Connection, path: Path, steps: Sequence[str], application_id: int) -> None:
    """Take the file to the schema after the last step. Raises `OutboxError`; then nothing was changed.

    One that holds anything is copied before, and not touched while a runner of the earlier version works on it: that
    one would go on by the rules it knows.
    """
    if connection.pragma("user_version") == len(steps):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version: int = connection.pragma("user_version")
        copied = _holds_something(connection) if 0 < version < len(steps) else False
        if copied:
            _require_no_runner(path, len(steps))
            _copy(path, copy_of(path, version), len(steps))
        for step in steps[version:]:
            connection.execute(step)
        if version == 0:
            connection.execute("INSERT INTO meta (key, value) VALUES ('generation', ?)", (secrets.token_hex(8),))
        elif version < len(steps):
            detail = {"from": version, "to": len(steps), "copy": copy_of(path, version).name if copied else None}
            connection.execute(_EVENT, (time.time(), json.dumps(detail)))
        connection.pragma("application_id", application_id)
        connection.pragma("user_version", len(steps))
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, apsw.SQLError):
            raise MailtuiError(f"{path} cannot be brought to schema {len(steps)}", detail=str(error)) from error
        raise
    if copied:
        for older in _copies(path):
            if older != copy_of(path, version):
                older.unlink(missing_ok=True)


def copy_of(path: Path, version: int) -> Path:
    """Where the copy of an outbox is kept that has the schema of an earlier version."""
    return path.with_name(f"{path.stem}-schema-{version}{path.suffix}")


def kept_copy(path: Path) -> Path | None:
    """The copy that was made before the outbox was last brought to another schema, where it is still there."""
    return max(_copies(path), key=lambda copy: copy.stat().st_mtime, default=None)


def _copies(path: Path) -> Iterator[Path]:
    name = re.compile(rf"{re.escape(path.stem)}-schema-\d+{re.escape(path.suffix)}")
    return (entry for entry in path.parent.iterdir() if name.fullmatch(entry.name))


def _holds_something(connection: apsw.Connection) -> bool:
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return any(
        connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").get  # noqa: S608 - names of our own
        for table in _TELLING
        if table in there
    )


def _require_no_runner(path: Path, schema: int) -> None:
    pid = holder_pid(runner_lock_of(path))
    if pid is None or pid == os.getpid():
        return
    process, ending = (f" (process {pid})", f": kill {pid}") if pid else ("", "")
    raise OutboxError(
        f"An earlier version of mailtui is still sending from this outbox{process}",
        detail=f"{path}\nIt has to be brought to schema {schema} first. Nothing was changed.",
        hint=f"Wait until it has finished, or end it{ending}. This version goes on where that one stopped.",
    )


def _copy(path: Path, target: Path, schema: int) -> None:
    """Write the copy, whole or not at all. The caller holds the lock for writing, so nobody else writes one."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)
        with storage_errors(target):
            write_copy(path, partial)
            sync(partial)
            partial.replace(target)
            sync(target.parent)
    except OutboxError as error:
        raise OutboxError(
            f"The outbox could not be copied, and so was not brought to schema {schema}",
            detail=f"{error.detail}\nNothing was changed. The copy takes as much room as {path} itself.",
            hint=error.hint,
        ) from error
    finally:
        partial.unlink(missing_ok=True)
