"""Owns a person's text files while they are edited: reading one, saving it without losing anything, noticing changes.

What is not touched stays as it was to the byte: the line ends of every line that is not edited, a byte order mark, the
file's mode. A file that another program changed since it was read is never written over unasked.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mailtui.errors import MailtuiError, UsageError

LIMIT = 1024 * 1024
"""Bytes; more than this is no text that anybody writes by hand."""
_BOM = b"\xef\xbb\xbf"
_ENDS = re.compile(r"\r\n|\r|\n")
_OTHER_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")


class NotEditable(UsageError):
    """A file that cannot be edited here; the hint says what can be done instead."""


class NotThere(NotEditable):
    """There is no such file yet."""


class NotSaved(MailtuiError):
    """The file could not be written, and is as it was."""


class ChangedMeanwhile(MailtuiError):
    """Another program wrote the file since it was read here; nothing was written over it."""

    def __init__(self, path: Path, *, gone: bool) -> None:
        what = "was removed" if gone else "was changed"
        super().__init__(
            f"{path.name} {what} by another program since it was read here",
            detail=str(path),
            hint="Save it all the same, or read it again and lose what was changed here.",
        )


@dataclass(frozen=True, slots=True)
class Stamp:
    """How a file was when it was looked at. `digest` is the SHA-256 of its bytes, '' for one that is not there."""

    modified: int = 0  # ns
    size: int = -1
    inode: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file as it was read. `text` has its lines parted by a line feed alone, and no byte order mark.

    `locked` says why it can be read and not written, '' where it can.
    """

    path: Path
    text: str
    stamp: Stamp
    ends: tuple[str, ...] = ()
    """What each line ended with, where not all end with a line feed."""
    bom: bool = False
    locked: str = ""


def open_text(path: Path, folder: Path) -> TextFile:
    """Read a file of the campaign in `folder`. Raises `NotThere`, `NotEditable`."""
    real = Path(os.path.realpath(path))
    name = path.name
    if not real.is_relative_to(os.path.realpath(folder)):
        raise NotEditable(
            f"{name} lies outside the campaign's folder",
            detail=f"{path} is {real}",
            hint="Templates must lie in the campaign's folder: put a copy there.",
        )
    try:
        state = real.stat()
        if not stat.S_ISREG(state.st_mode):
            raise NotEditable(f"{name} is a folder or device, not a file", detail=str(real))
        if state.st_size > LIMIT:
            raise NotEditable(
                f"{name} is larger than {LIMIT // 1024 // 1024} MB",
                detail=f"{real}: {state.st_size:,} bytes",
                hint="It is not edited here: ctrl+o opens it with an editor of yours.",
            )
        raw = real.read_bytes()
    except FileNotFoundError:
        raise NotThere(f"There is no file {name} yet", detail=str(real)) from None
    except OSError as error:
        raise NotEditable(f"{name} cannot be read", detail=f"{real}: {error.strerror or error}") from None
    text = _decoded(raw, real)
    ends = tuple(_ENDS.findall(text))
    stamp = Stamp(state.st_mtime_ns, len(raw), state.st_ino, hashlib.sha256(raw).hexdigest())
    return TextFile(
        real,
        _ENDS.sub("\n", text),
        stamp,
        ends if any(end != "\n" for end in ends) else (),
        raw.startswith(_BOM),
        _locked(text, real),
    )


def _decoded(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - raw.rfind(b"\n", 0, error.start)
        raise NotEditable(
            f"{path.name} is not UTF-8 text",
            detail=f"{path}:{line}:{column}: here is a byte that is not UTF-8.",
            hint="Save it as UTF-8: ctrl+o opens it with an editor of yours.",
        ) from None


def _locked(text: str, path: Path) -> str:
    found = _OTHER_ENDS.search(text)
    if found is not None:
        line = len(_ENDS.findall(text, 0, found.start())) + 1
        return f"line {line} has the character U+{ord(found.group()):04X}, which would become a line break here"
    if not os.access(path, os.W_OK):
        return "you may read this file, and not write it"
    if not os.access(path.parent, os.W_OK):
        return "its folder takes no new files, and saving puts a new one in its place"
    return ""


def has_changed(file: TextFile) -> bool:
    """Whether the file on disk is another one than was read; its bytes are looked at only where its date differs."""
    try:
        state = file.path.stat()
    except OSError:
        return file.stamp.digest != ""
    if (state.st_mtime_ns, state.st_size, state.st_ino) == (file.stamp.modified, file.stamp.size, file.stamp.inode):
        return False
    return _digest(file.path) != file.stamp.digest


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""


def save_text(file: TextFile, text: str, *, anyway: bool = False) -> TextFile:
    """Put `text` in the file's place in one step, and give the file as it is then.

    Raises `ChangedMeanwhile` unless `anyway`, and `NotSaved`; then the file is as it was.
    """
    path = file.path
    if not anyway and _digest(path) != file.stamp.digest:
        raise ChangedMeanwhile(path, gone=not path.exists())
    ends = _ends_for(file, text)
    lines = text.split("\n")
    whole = "".join(line + end for line, end in zip(lines, (*ends, ""), strict=True)) if ends else text
    try:
        raw = (_BOM if file.bom else b"") + whole.encode("utf-8")
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise NotSaved(f"{path.name} cannot be saved", detail=f"{path}:{line}: half a character stands here.") from None
    try:
        _replace(path, raw)
        state = path.stat()
    except OSError as error:
        raise NotSaved(
            f"{path.name} cannot be saved",
            detail=f"{path}: {error.strerror or error}",
            hint="It is as it was; what was changed here is still here.",
        ) from None
    stamp = Stamp(state.st_mtime_ns, len(raw), state.st_ino, hashlib.sha256(raw).hexdigest())
    return TextFile(path, text, stamp, ends if any(end != "\n" for end in ends) else (), file.bom, file.locked)


def make_text(path: Path, folder: Path) -> TextFile:
    """Make an empty file, and the folders above it that are missing. Raises `NotEditable`, `NotSaved`."""
    real = Path(os.path.realpath(path))
    if not real.is_relative_to(os.path.realpath(folder)):
        raise NotEditable(f"{path.name} would lie outside the campaign's folder", detail=str(real))
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with real.open("xb"):
            pass
    except FileExistsError:
        return open_text(path, folder)
    except OSError as error:
        raise NotSaved(f"{path.name} cannot be made", detail=f"{real}: {error.strerror or error}") from None
    return open_text(path, folder)


def _ends_for(file: TextFile, text: str) -> tuple[str, ...]:
    """What each line of the text ends with: untouched lines as before, new ones as most do. Empty for line feeds."""
    if not file.ends:
        return ()
    usual = max(set(file.ends), key=file.ends.count)
    old, new = file.text.split("\n"), text.split("\n")
    same = 0
    while same < min(len(old), len(new)) - 1 and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < min(len(old), len(new)) - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    kept_after = max(tail - 1, 0)  # the last line has no end
    between = len(new) - 1 - same - kept_after
    return (*file.ends[:same], *[usual] * between, *file.ends[len(file.ends) - kept_after :])


def _replace(path: Path, raw: bytes) -> None:
    """Write a new file beside the old one, with its mode and, where one may, its owner; put it in its place."""
    try:
        former: os.stat_result | None = path.stat()
    except FileNotFoundError:
        former = None
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    new = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(raw)
            stream.flush()
            if former is not None:
                _like(stream.fileno(), former)
            else:
                new.chmod(0o666 & ~_umask())
            os.fsync(stream.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _like(handle: int, former: os.stat_result) -> None:
    if not hasattr(os, "fchmod"):  # Windows: a new file has the rights of its folder
        return
    own = os.fstat(handle)
    if (own.st_uid, own.st_gid) != (former.st_uid, former.st_gid):
        with contextlib.suppress(PermissionError):  # only root gives files away; whoever may write it may own it
            os.fchown(handle, former.st_uid, former.st_gid)
    os.fchmod(handle, stat.S_IMODE(former.st_mode))


def _umask() -> int:
    now = os.umask(0o077)
    os.umask(now)
    return now
