"""Owns what the sandbox caught, on disk: `messages.mbox` (mboxrd) and `accepted.jsonl`, the acceptance log.

A line of the log is one accepted message, written before the client hears 250; with `sync` it is on the disk by
then, one fsync for everything that arrived in the same turn of the event loop. So whatever a client was told
was accepted is in the log, however the sandbox dies. The converse does not hold: a message can be in the log
whose 250 never arrived, which is exactly the case a sender has to cope with.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailtui.errors import MailtuiError
from mailtui.kit.paths import PRIVATE_FILE, private_folder

MBOX = "messages.mbox"
LOG = "accepted.jsonl"

_QUOTE = re.compile(rb"^(>*From )", re.MULTILINE)
_UNQUOTE = re.compile(rb"^>(>*From )", re.MULTILINE)
_MESSAGE_ID = re.compile(rb"^message-id:\s*(<[^>\r\n]*>|\S+)", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = b"\r\n\r\n"
_OPEN = os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
_fsync = getattr(os, "fdatasync", os.fsync)

Stored = Callable[[OSError | None], None]


@dataclass(frozen=True, slots=True)
class Captured:
    """One accepted message as the log has it.

    `number` counts from 1 in the order of acceptance; `size` is the message's length in bytes after dot-unstuffing,
    `sha256` the hex digest of those bytes; `offset` and `length` frame it in the mbox file, its From line included.
    `connection` counts from 1 and begins anew with each start of a sandbox in the same folder.
    """

    number: int
    at: datetime
    connection: int
    mail_from: str
    mail_options: tuple[str, ...]
    rcpt_to: tuple[str, ...]
    size: int
    message_id: str
    sha256: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that has just been accepted: its envelope and its exact bytes."""

    connection: int
    mail_from: str
    mail_options: tuple[str, ...]
    rcpt_to: tuple[str, ...]
    content: bytes


class Capture:
    """The writing side; one for a folder at a time. Call it on the event loop only."""

    def __init__(self, folder: Path, *, sync: bool = False) -> None:
        """Open the folder's files, made with mode 0600, and cut off what a crash left half written."""
        private_folder(folder)
        self._sync = sync
        self._boxes: list[bytes] = []
        self._lines: list[bytes] = []
        self._waiting: list[Stored] = []
        self._log_size, last = _whole_lines(folder / LOG)
        self.count = last.number if last else 0
        self._mbox_size = last.offset + last.length if last else 0
        self._mbox = _open_at(folder / MBOX, self._mbox_size)
        self._log = _open_at(folder / LOG, self._log_size)
        self._second = -1
        self._asctime = b""
        self.last_recipient = ""
        """To whom the last message went that came since the start; empty before the first."""

    def add(self, arrival: Arrival, stored: Stored) -> int:
        """Take a message and return its number; `stored` is called once it is written, or with what went wrong.

        After an error the number is free again and nothing of the message remains.
        """
        now = time.time()
        content = arrival.content
        quoted = _QUOTE.sub(rb">\1", content) if b"From " in content else content
        box = b"".join((self._from_line(arrival.mail_from, now), quoted, b"\n"))
        header = content[: content.find(_BLANK_LINE) + 2] if _BLANK_LINE in content else content
        found = _MESSAGE_ID.search(header)
        self.count += 1
        entry = {
            "number": self.count,
            "at": datetime.fromtimestamp(now, UTC).isoformat(),
            "connection": arrival.connection,
            "mail_from": arrival.mail_from,
            "mail_options": arrival.mail_options,
            "rcpt_to": arrival.rcpt_to,
            "size": len(content),
            "message_id": found[1].decode("utf-8", "surrogateescape") if found else "",
            "sha256": hashlib.sha256(content).hexdigest(),
            "offset": self._mbox_size,
            "length": len(box),
        }
        if not self._waiting:
            asyncio.get_running_loop().call_soon(self.commit)
        self.last_recipient = arrival.rcpt_to[-1]
        self._mbox_size += len(box)
        self._boxes.append(box)
        self._lines.append(json.dumps(entry).encode("ascii") + b"\n")
        self._waiting.append(stored)
        return self.count

    def commit(self) -> None:
        """Write what has gathered, and tell those who wait for it. Runs by itself after every turn of the loop."""
        if not self._waiting:
            return
        boxes, lines, waiting = b"".join(self._boxes), b"".join(self._lines), self._waiting
        self._boxes, self._lines, self._waiting = [], [], []
        problem: OSError | None = None
        try:
            _write_all(self._mbox, boxes)
            if self._sync:
                _fsync(self._mbox)
            _write_all(self._log, lines)
            if self._sync:
                _fsync(self._log)
            self._log_size += len(lines)
        except OSError as error:
            problem = error
            self.count -= len(waiting)
            self._mbox_size -= len(boxes)
            os.ftruncate(self._log, self._log_size)
            os.ftruncate(self._mbox, self._mbox_size)
        for stored in waiting:
            stored(problem)

    def close(self) -> None:
        """Write what has gathered and close the files."""
        self.commit()
        os.close(self._mbox)
        os.close(self._log)

    def _from_line(self, mail_from: str, now: float) -> bytes:
        second = int(now)
        if second != self._second:
            self._second = second
            self._asctime = time.asctime(time.gmtime(second)).encode("ascii")
        sender = mail_from.encode("utf-8", "surrogateescape") or b"MAILER-DAEMON"
        return b"From %b %b\n" % (sender, self._asctime)


def read_captured(folder: Path) -> Iterator[Captured]:
    """The accepted messages, oldest first; none when nothing was ever caught. Safe while a sandbox writes."""
    try:
        stream = (folder / LOG).open("rb")
    except FileNotFoundError:
        return
    with stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return  # still being written, or torn by a crash: nobody was told 250 for it
            yield _captured(json.loads(line))


def message_of(folder: Path, captured: Captured) -> bytes:
    """The exact bytes of a message, as the client gave them, dots unstuffed."""
    with (folder / MBOX).open("rb") as stream:
        stream.seek(captured.offset)
        box = stream.read(captured.length)
    content = box[box.index(b"\n") + 1 : -1]
    return _UNQUOTE.sub(rb"\1", content) if b">From " in content else content


def captured_message(folder: Path, number: int) -> bytes:
    """The exact bytes of the n-th message, counted from 1. Raises `MailtuiError` when there are fewer."""
    for captured in read_captured(folder):
        if captured.number == number:
            return message_of(folder, captured)
    raise MailtuiError(f"The sandbox has caught no message {number}", detail=str(folder))


def _captured(entry: dict[str, Any]) -> Captured:
    return Captured(
        **{
            **entry,
            "at": datetime.fromisoformat(entry["at"]),
            "mail_options": tuple(entry["mail_options"]),
            "rcpt_to": tuple(entry["rcpt_to"]),
        }
    )


def _whole_lines(log: Path) -> tuple[int, Captured | None]:
    """How many bytes of the log are whole lines, and the last of them."""
    size, last = 0, b""
    if log.exists():
        with log.open("rb") as stream:
            for line in stream:
                if line.endswith(b"\n"):
                    size, last = size + len(line), line
    return size, _captured(json.loads(last)) if last else None


def _open_at(path: Path, size: int) -> int:
    handle = os.open(path, os.O_WRONLY | _OPEN, PRIVATE_FILE)
    os.ftruncate(handle, size)
    return handle


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
