"""Owns whether the file behind an outbox can be trusted, and taking a copy of it that can.

A damaged file is never mended here and never replaced: a person decides, with the file as it was.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import apsw

from mailtui.errors import OutboxDamaged, UsageError
from mailtui.kit.paths import create_private, private_folder, sync
from mailtui.kit.sqlite import write_copy
from mailtui.outbox.log_file import log_faults
from mailtui.outbox.sqlite_file import open_for_reading
from mailtui.outbox.storage_errors import storage_errors

_SHOWN = 5  # of the faults SQLite found
_STEPS_A_LOOK = 50_000  # instructions of SQLite between two looks at the clock


@dataclass(frozen=True, slots=True)
class Health:
    """What looking at an outbox's file brought. `complete` is False when time ran out before its end."""

    faults: tuple[str, ...]
    complete: bool
    seconds: float

    @property
    def ok(self) -> bool:
        return not self.faults


def examine(path: Path, *, seconds: float | None = None) -> Health:
    """Read the whole file: its pages, every row against the schema, every index, and the counts against the rows.

    Takes about 3 seconds a million deliveries; `seconds` limits it. Raises `OutboxError` when the file cannot even
    be opened as an outbox.
    """
    started = time.monotonic()
    connection = open_for_reading(path)
    try:
        if seconds is not None:
            deadline = started + seconds
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_A_LOOK)
        try:
            faults, complete = _log_faults(connection, path) or _faults(connection), True
        except apsw.InterruptError:
            faults, complete = (), False
        except (apsw.CorruptError, apsw.NotADBError) as error:
            faults, complete = (str(error),), True
        except apsw.Error:
            with storage_errors(path):
                raise
    finally:
        connection.close()
    return Health(faults, complete, time.monotonic() - started)


def require_sound(path: Path, *, seconds: float | None = None) -> bool:
    """Raise `OutboxDamaged` when the file is; whether there was time to read all of it."""
    health = examine(path, seconds=seconds)
    if not health.ok:
        raise OutboxDamaged(str(path), faults=health.faults)
    return health.complete


def _log_faults(connection: apsw.Connection, path: Path) -> tuple[str, ...]:
    connection.pragma("user_version")  # has SQLite read the log
    frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    return log_faults(path.with_name(f"{path.name}-wal"), frames=max(0, frames))


def _faults(connection: apsw.Connection) -> tuple[str, ...]:
    # In full, not "quick": an index that points to another row would have somebody claimed who was sent to.
    told = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_SHOWN})")]
    if told != ["ok"]:
        return tuple(told)
    # A log that belongs to another copy of the file can leave every page well and still mix two moments.
    with connection:
        counted: Counter[tuple[int, str]] = Counter()
        for campaign, state, number in connection.execute(
            "SELECT campaign, state, count(*) FROM delivery GROUP BY campaign, state"
        ):
            counted[campaign, state] = number
        kept: Counter[tuple[int, str]] = Counter()
        for campaign, state, number in connection.execute("SELECT campaign, state, n FROM counter WHERE n <> 0"):
            kept[campaign, state] = number
    return tuple(
        f"campaign {campaign}: {counted[campaign, state]:,} are {state}, and {kept[campaign, state]:,} were counted"
        for campaign, state in sorted(counted.keys() | kept.keys())
        if counted[campaign, state] != kept[campaign, state]
    )[:_SHOWN]


def back_up(path: Path, target: Path) -> Path:
    """Write a whole and compact copy of an outbox to a new file of mode 0600; safe while a runner sends.

    The copy is checked before it gets its name. Raises `UsageError` when there is a file already.
    """
    partial = target.with_name(f".{target.name}.partial")
    private_folder(target.parent)
    try:
        create_private(target).close()  # takes the name; what was there is never overwritten
    except FileExistsError:
        raise UsageError(f"{target} exists already", hint="Name another: mailtui outbox backup FILE") from None
    try:
        partial.unlink(missing_ok=True)
        _copy(path, partial)
        sync(partial)
        partial.replace(target)
        sync(target.parent)
    except BaseException:
        partial.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
        raise
    return target


def _copy(path: Path, target: Path) -> None:
    """Copy, and check what came of it."""
    open_for_reading(path).close()
    with storage_errors(target):
        write_copy(path, target)
    health = examine(target)
    if not health.ok:
        raise OutboxDamaged(str(path), faults=health.faults)
