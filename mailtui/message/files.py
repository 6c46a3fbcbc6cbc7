"""Owns files that mails carry: which may be taken, what they are called, and that they are still what was approved.

Paths come from lists that others wrote, so a file must lie in the campaign's folder once every link is followed
(CWE-22), and be a plain file: a FIFO would be waited for, a device never ends. A file is known by its SHA-256; who
sends it reads it again and compares.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from mailtui.kit.safe_text import safe_text

FILE_LIMIT = 100 * 1024 * 1024  # bytes; no server takes as much
SHOWN = 80
"""Characters of a name in a sentence."""
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)


class FileProblem(ValueError):
    """A file cannot be sent; the message is one sentence that says what was looked for, safe to show."""


class MissingFile(FileProblem):
    """There is no such file."""


class FileRef(NamedTuple):
    """A file of one recipient's own, as it was when the campaign was launched.

    `path` is real and absolute, `name` is what the reader sees, `digest` the SHA-256 in hexadecimal, `size` in bytes.
    One without a digest could not be had then: `name` says why, and reading it fails with that (`refusal`).
    """

    path: str
    name: str
    digest: str
    size: int


def refusal(reason: str) -> FileRef:
    """Stands for a file that could not be had, so that its recipient fails with that reason and alone."""
    return FileRef("", reason, "", 0)


def find_file(folder: Path, name: str, *, limit: int = FILE_LIMIT) -> Path:
    """The real path of a file in `folder`, looked at but not read.

    Raises `FileProblem` for one that is not there, outside of the folder, no plain file, not to be read or larger than
    `limit` bytes.
    """
    return looked_up(folder, name, limit=limit)[0]


def looked_up(folder: Path, name: str, *, limit: int = FILE_LIMIT) -> tuple[Path, int]:
    """The same, with its size in bytes."""
    shown = safe_text(name, limit=SHOWN)
    if not name.strip() or "\0" in name:
        raise FileProblem("a blank name is no file")
    root = os.path.realpath(folder)
    try:
        path = Path(os.path.realpath(Path(root, name)))
        if not path.is_relative_to(root):
            raise FileProblem(f"{shown} is outside the campaign folder")
        found = path.stat()
    except FileNotFoundError:
        raise MissingFile(f"{shown} is not there") from None
    except UnicodeEncodeError:
        raise FileProblem(f"{shown} is no file name") from None
    except OSError as error:
        raise FileProblem(f"{shown} cannot be read: {error.strerror or error}") from None
    _require_plain(found, shown, limit)
    if not os.access(path, os.R_OK):
        raise FileProblem(f"{shown} cannot be read: Permission denied")
    return path, found.st_size


def refer_to(path: Path, name: str, *, limit: int = FILE_LIMIT) -> FileRef:
    """The file at a path that `find_file` found, read and hashed. Raises `FileProblem`."""
    data = _read(path, safe_text(name, limit=SHOWN), limit)
    return FileRef(str(path), name, digest_of(data), len(data))


def read_file(ref: FileRef) -> bytes:
    """The bytes of a file, which are the ones that were approved. Raises `FileProblem` for a changed or missing one."""
    if not ref.digest:
        raise FileProblem(ref.name)
    changed = FileProblem(f"attachment changed: {safe_text(ref.name, limit=SHOWN)}")
    try:
        data = _read(Path(ref.path), ref.name, ref.size)
    except FileProblem:
        raise changed from None
    if len(data) != ref.size or digest_of(data) != ref.digest:
        raise changed
    return data


def read_plain(path: Path, shown: str, *, limit: int = FILE_LIMIT) -> bytes:
    """All bytes of a file that `find_file` found. Raises `FileProblem`."""
    return _read(path, shown, limit)


def digest_of(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _read(path: Path, shown: str, limit: int) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY)  # a FIFO that came in its place is not waited for
    except OSError as error:
        raise FileProblem(f"{shown} cannot be read: {error.strerror or error}") from None
    with os.fdopen(handle, "rb") as stream:
        found = os.fstat(handle)
        _require_plain(found, shown, limit)
        try:
            data = stream.read(found.st_size + 1)
        except OSError as error:
            raise FileProblem(f"{shown} cannot be read: {error.strerror or error}") from None
    if len(data) > limit:
        raise FileProblem(f"{shown} is larger than {limit // 1024 // 1024} MB")
    return data


def _require_plain(found: os.stat_result, shown: str, limit: int) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise FileProblem(f"{shown} is a folder, not a file")
    if not stat.S_ISREG(found.st_mode):
        raise FileProblem(f"{shown} is no plain file")
    if found.st_size > limit:
        raise FileProblem(f"{shown} is larger than {limit // 1024 // 1024} MB")
