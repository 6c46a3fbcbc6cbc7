"""Owns remembering, outside an outbox, how far it has come, so that an older copy of it is known for one (S-07).

A copy that is put back has forgotten whom it was sent to since, and nothing in it says so. So each runner leaves its
name twice: in the outbox, and in a small file of the user's state folder, named after the outbox's generation. The
rule is that an outbox must know whatever the witness saw: the last runner that began, that it ended, and, where it
did not end, the last moment at which it was seen at work.

The outbox is always written first and the witness after, so a crash between the two never accuses a good file. What
cannot be told is a copy made in the first instant of a runner, or in the last second before it was killed.
"""

from __future__ import annotations

import json
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw

from mailtui.errors import OutboxOutdated
from mailtui.kit.paths import private_folder, write_atomically
from mailtui.outbox.sqlite_file import FACE_BUSY_MS, open_for_reading, open_for_writing, transaction
from mailtui.outbox.storage_errors import storage_errors

_ON, _OFF = "runner on", "runner off"
_ROUNDING = 0.001  # seconds

_GENERATION = "SELECT value FROM meta WHERE key = 'generation'"
_SET_GENERATION = "UPDATE meta SET value = ? WHERE key = 'generation'"
_INSERT_EVENT = "INSERT INTO event (at, actor, kind, detail) VALUES (?, 'runner', ?, ?)"
_FIND_EVENT = "SELECT id FROM event WHERE campaign IS NULL AND kind = ? AND detail = ?"
_LAST_ON = "SELECT max(id) FROM event WHERE campaign IS NULL AND kind = ?"
_BEAT = "SELECT max(heartbeat_at) FROM runner"
_LAST_MOMENT = (
    "SELECT max(moment) FROM (SELECT max(at) AS moment FROM event UNION ALL SELECT max(heartbeat_at) FROM runner)"
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was last seen of an outbox from here. `beat`: epoch seconds up to which its runner was seen at work."""

    path: str
    session: str
    ended: bool
    beat: float

    def to_text(self) -> bytes:
        """Of one length for one outbox, so that it can be written over in place."""
        return json.dumps(
            {"path": self.path, "session": self.session, "ended": int(self.ended), "beat": f"{self.beat:020.6f}"}
        ).encode()

    @classmethod
    def read(cls, file: Path) -> Sighting | None:
        """The sighting in a file; None when there is none, or it was lost with the power."""
        try:
            raw = json.loads(file.read_bytes())
            return cls(str(raw["path"]), str(raw["session"]), bool(raw["ended"]), float(raw["beat"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None


class Witness:
    """Watches one runner's session on an outbox: `begin` it, `look` now and then, `end` it."""

    def __init__(self, path: Path, folder: Path) -> None:
        """`folder` is where sightings are kept, one file a generation."""
        self._path = path
        self._folder = folder
        self._session = secrets.token_hex(8)
        self._file = folder

    def begin(self) -> bool:
        """Put the session on record; False for an outbox that was worked on, though never seen from here.

        Raises `OutboxOutdated` for an older copy than the one last seen.
        """
        # By a reader, since the last writer to leave empties the log into the file, and what is refused stays as it is.
        seen = not self._path.exists() or require_newest(self._path, self._folder)
        connection = open_for_writing(self._path, busy_ms=FACE_BUSY_MS)
        try:
            self._enter(connection, _ON)
        finally:
            connection.close()
        self._keep(ended=False, beat=0.0)
        return seen

    def accept(self) -> None:
        """Take the outbox as it is for one of its own from now on: the one it is a copy of goes on being known."""
        connection = open_for_writing(self._path, busy_ms=FACE_BUSY_MS)
        try:
            with transaction(connection, self._path):
                connection.execute(_SET_GENERATION, (secrets.token_hex(8),))
            self._enter(connection, _ON)
            self._enter(connection, _OFF)
        finally:
            connection.close()
        self._keep(ended=True, beat=time.time())

    def look(self) -> None:
        """Note the runner's last durable heartbeat. Takes a millisecond, and syncs nothing."""
        connection = open_for_reading(self._path)
        try:
            with storage_errors(self._path):
                beat = _beat(connection)
        finally:
            connection.close()
        if beat:
            with self._file.open("r+b", buffering=0) as stream:
                stream.write(self._sighting(ended=False, beat=beat).to_text())

    def end(self) -> None:
        """The session is over, and everything it did is on record; call it before the runner's row is removed.

        The log is emptied into the file: whoever puts a copy in its place often forgets the log beside it.
        """
        connection = open_for_writing(self._path, busy_ms=FACE_BUSY_MS)
        try:
            self._enter(connection, _OFF)
            connection.set_busy_timeout(0)
            # Somebody reads, or the disk refuses: the log keeps what it would have moved, and the next end does it.
            with suppress(apsw.Error):
                connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)
        finally:
            connection.close()
        self._keep(ended=True, beat=time.time())

    def _enter(self, connection: apsw.Connection, kind: str) -> None:
        with transaction(connection, self._path):
            connection.execute(_INSERT_EVENT, (time.time(), kind, self._session))
            self._file = _file(connection, self._folder)

    def _sighting(self, *, ended: bool, beat: float) -> Sighting:
        return Sighting(str(self._path), self._session, ended, beat)

    def _keep(self, *, ended: bool, beat: float) -> None:
        private_folder(self._folder)
        write_atomically(self._file, self._sighting(ended=ended, beat=beat).to_text())


def require_newest(path: Path, folder: Path) -> bool:
    """Whether the outbox is new or was seen from here before; raises `OutboxOutdated` for an older copy."""
    connection = open_for_reading(path)
    try:
        with storage_errors(path):
            return _require_newest(connection, path, folder)
    finally:
        connection.close()


def _file(connection: apsw.Connection, folder: Path) -> Path:
    generation = connection.execute(_GENERATION).get
    return folder / f"{generation}.json"


def _require_newest(connection: apsw.Connection, path: Path, folder: Path) -> bool:
    seen = Sighting.read(_file(connection, folder))
    if seen is None:
        return connection.execute(_LAST_ON, (_ON,)).get is None
    if not _remembers(connection, seen):
        ends = connection.execute(_LAST_MOMENT).get
        raise OutboxOutdated(str(path), ends=_moment(ends), went_on=_moment(seen.beat))
    return True


def _remembers(connection: apsw.Connection, seen: Sighting) -> bool:
    began = connection.execute(_FIND_EVENT, (_ON, seen.session)).get
    if began is None:
        return False
    if connection.execute(_FIND_EVENT, (_OFF, seen.session)).get is not None:
        return True
    if seen.ended:
        return False
    if connection.execute(_LAST_ON, (_ON,)).get != began:
        return True  # it was worked on elsewhere since
    return _beat(connection) >= seen.beat - _ROUNDING


def _beat(connection: apsw.Connection) -> float:
    """The last heartbeat on record; 0 for none."""
    found: Any = connection.execute(_BEAT).get
    return found or 0.0


def _moment(at: float | None) -> str:
    if not at:
        return "a moment that is not known"
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
