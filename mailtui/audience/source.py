"""Owns finding the list a person named, and telling kindly when it cannot be one."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailtui.audience.findings import Finding
from mailtui.audience.packed import GZIP, unpack
from mailtui.audience.sheets.link import is_link
from mailtui.audience.spec import STDIN, AudienceSpec
from mailtui.errors import AudienceError
from mailtui.kit.paths import private_folder
from mailtui.kit.suggest import nearest_in_folder

if TYPE_CHECKING:
    from mailtui.audience.sheets.sheets import Sheets

_BLOCK = 1 << 20
_HEAD = 4_096
_CLOCK_TICK = 0.02


@dataclass(frozen=True, slots=True)
class SheetCopy:
    """What is known of the copy of a Google sheet: when it was fetched, and the row of the sheet it begins with.

    `offline` marks one that was taken without asking Google, since a person said so. `tab` and `range` are for people.
    """

    fetched_at: float
    first_row: int
    offline: bool
    tab: Finding
    range: Finding


@dataclass(frozen=True, slots=True)
class Source:
    """A file to read. `name` is what a person calls it; `identity` changes when its content does.

    `temporary` marks a private copy, of standard input or of what was unpacked or fetched, which its reader deletes;
    `origin` is the file it was made of, when there is one. `notes` tell what was done to get at the list. `heard` is
    called now and then while it is looked through to be understood; what it raises ends that.
    """

    path: Path
    name: str
    identity: str
    temporary: bool
    origin: Path | None = None
    notes: tuple[str, ...] = ()
    sheet: SheetCopy | None = None
    heard: Callable[[], None] | None = field(default=None, repr=False, compare=False)

    def discard(self) -> None:
        """Delete the private copy; nothing else is ever deleted."""
        if self.temporary:
            self.path.unlink(missing_ok=True)

    def changed(self) -> bool:
        """Whether the file is another one than when it was found."""
        file = self.origin if self.temporary else self.path
        return file is not None and _identity(file) != self.identity


def find_source(
    spec: AudienceSpec,
    folder: Path,
    spool: Path | None = None,
    *,
    sheets: Sheets | None = None,
    heard: Callable[[], None] | None = None,
    packed: bool = False,
) -> Source:
    """The file that `spec.source` names, relative to `folder`, or the sheet it links to. Raises `AudienceError`.

    Standard input and sheets are copied into a private temporary file in `spool` (the system's temporary folder when
    left out), since a list is read more than once. Links are followed by `sheets`, and by nothing when there is none;
    `heard` is called meanwhile, and what it raises ends that. A gzip file is unpacked likewise, unless `packed` says
    that it may stay as it is: for whoever may have no need to read it.
    """
    if is_link(spec.source):
        if sheets is None:
            raise AudienceError("A list on the web is not read here", detail=spec.source, hint="Name a file.")
        source = sheets.find(spec, spool, heard)
    else:
        source = _spooled(spool) if spec.source == STDIN else _existing(spec.source, folder)
    try:
        _check_content(source)
        if spec.offline and source.sheet is None:
            source = replace(
                source, notes=("offline was given, which is for Google sheets alone: it changes nothing.",)
            )
        source = replace(source, heard=heard)
        return source if packed else unpacked(source, spool)
    except BaseException:
        source.discard()
        raise


def unpacked(source: Source, spool: Path | None) -> Source:
    """The list itself, or what is in it when it is a gzip file, as a private copy. Raises `AudienceError`."""
    if not _head(source.path).startswith(GZIP):
        return source
    found = unpack(source, spool)
    try:
        _check_content(found)
    except AudienceError:
        found.discard()
        raise
    return found


def _existing(given: str, folder: Path) -> Source:
    path = (folder / Path(given).expanduser()).absolute()
    try:
        if path.is_dir():
            raise AudienceError(f"{given} is a folder, not a list", hint="Name the file in it, such as contacts.csv.")
        identity = _identity(path)
        if not path.is_file():  # before it is opened: a pipe would keep us waiting for somebody to write
            raise AudienceError(f"{given} is not a regular file", hint="Pipe it in instead: mailtui audience - < FILE")
        with path.open("rb"):
            pass
    except FileNotFoundError:
        in_campaign = folder != Path()
        raise AudienceError(
            f"There is no list {given}",
            detail=f"Looked for {path.name} in {path.parent}",
            hint=nearest_in_folder(path) or ("Paths are relative to the campaign file." if in_campaign else ""),
        ) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise AudienceError(f"The list {given} cannot be read", detail=f"{path}: {why}") from None
    return Source(path, given, identity, temporary=False)


def _identity(path: Path) -> str:
    found = path.stat()
    if 0 <= time.time() - found.st_mtime < _CLOCK_TICK:
        # File times advance in ticks of a few milliseconds. Outlast one, so that a later change of a file just
        # written cannot carry the same time.
        time.sleep(_CLOCK_TICK)
        found = path.stat()
    identity = f"{os.path.realpath(path)}\0{found.st_size}\0{found.st_mtime_ns}"
    try:
        # What was last written to a SQLite file stands beside it.
        beside = path.with_name(path.name + "-wal").stat()
    except (OSError, ValueError):
        return identity
    return f"{identity}\0{beside.st_size}\0{beside.st_mtime_ns}"


def _spooled(spool: Path | None) -> Source:
    if spool is not None:
        private_folder(spool)
    # mkstemp makes the file with mode 0600.
    handle, name = tempfile.mkstemp(prefix=".stdin-", suffix=".tmp", dir=spool)
    digest = hashlib.sha256()
    try:
        with os.fdopen(handle, "wb") as copy:
            while block := sys.stdin.buffer.read(_BLOCK):
                digest.update(block)
                copy.write(block)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise AudienceError("Standard input cannot be read", detail=str(error.strerror or error)) from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Source(Path(name), "standard input", f"stdin\0{digest.hexdigest()}", temporary=True)


def _check_content(source: Source) -> None:
    head = _head(source.path)
    if len(head) < _HEAD and not head.strip(b" \t\r\n\0\xef\xbb\xbf\xff\xfe"):
        raise AudienceError(f"{source.name} is empty", hint="A list has a line of column names and a line a person.")


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEAD)
