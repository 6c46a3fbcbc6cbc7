"""Owns writing the settings file: whole or not at all, by its owner alone, and not over what others wrote."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mailtui.errors import ConfigError, MailtuiError
from mailtui.kit.file_lock import exclusive
from mailtui.kit.paths import private_folder, sync, write_atomically

_BOM = b"\xef\xbb\xbf"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRGRP | stat.S_IROTH


@dataclass(frozen=True, slots=True)
class Written:
    """A settings file before and after a change. `before` is None where there was none."""

    path: Path
    before: bytes | None
    after: bytes

    def undo(self) -> None:
        """Put back what was there, unless another program has written the file since. Raises `MailtuiError`."""
        if _bytes(self.path) != self.after:
            return
        if self.before is None:
            self.path.unlink()
        else:
            _write(self.path, self.before)


def is_there(path: Path) -> bool:
    """Whether there is such a file. Raises `ConfigError` where one cannot even look, as in a folder that went away."""
    try:
        return path.exists()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read", detail=error.strerror or str(error)) from None


def text_of(path: Path) -> str:
    """The text of a settings file, empty where there is none. Raises `ConfigError`."""
    return _text(_bytes(Path(os.path.realpath(path))) or b"", path)


def require_changeable(path: Path) -> None:
    """Raises `ConfigError` for a file that is not to be changed: others can write it, or its owner may not.

    A link is where it leads to, as people have it who share their settings among machines.
    """
    path = Path(os.path.realpath(path))
    if os.name == "posix" and path.exists() and not _mode(path) & stat.S_IWUSR:
        raise ConfigError(
            f"{path} is read-only, so nothing is written into it",
            detail=f"Its mode is {_mode(path):04o}.",
            hint=f"If you want it changed: chmod u+w {shlex.quote(str(path))}",
        )
    for place in (path, path.parent):
        if place.exists() and _mode(place) & _OTHERS_WRITE and not (place.is_dir() and _mode(place) & stat.S_ISVTX):
            raise ConfigError(
                f"Others than you can write {place}, so nothing is written into it",
                detail=f"Its mode is {_mode(place):04o}. Who can write the settings says where passwords go.",
                hint=f"Make it yours alone: {chmod_of(place)}",
            )


def change(path: Path, edit: Callable[[str], str]) -> Written:
    """Replace a settings file by what `edit` makes of its text; afterwards its owner alone can read it.

    Raises `ConfigError`, `MailtuiError` where it cannot be written, and what `edit` raises; then it is as it was.
    """
    real = Path(os.path.realpath(path))
    require_changeable(real)
    before = _bytes(real)
    text = _text(before or b"", path)
    after = (_BOM if (before or b"").startswith(_BOM) else b"") + edit(text).encode()
    if _bytes(real) != before:
        raise MailtuiError(
            f"{path.name} was changed by another program just now",
            detail=str(path),
            hint="Nothing was written. Do it again.",
        )
    _write(real, after)
    return Written(real, before, after)


async def change_in_turn(path: Path, edit: Callable[[str], str], *, lock: Path) -> Written:
    """The same, one process of ours after the other, outside of the loop. Whoever is cancelled leaves it as it was."""
    async with exclusive(lock):
        writing = asyncio.create_task(asyncio.to_thread(change, path, edit))
        try:
            return await asyncio.shield(writing)
        except asyncio.CancelledError:
            (await writing).undo()  # a thread goes on
            raise


def chmod_of(path: Path) -> str:
    """The command that makes a file or folder its owner's alone."""
    return f"chmod {'700' if path.is_dir() else '600'} {shlex.quote(str(path))}"


def exposure(path: Path) -> str:
    """Who else can see or change a settings file, in words; empty where nobody can, or nothing is there."""
    if os.name != "posix" or not path.exists():
        return ""
    mode = _mode(path)
    if mode & _OTHERS_WRITE:
        return "others can write it, and so say where passwords go"
    return "others can read it" if mode & _OTHERS_READ else ""


def others_can_write(path: Path) -> bool:
    """Whether somebody else than its owner can change a file."""
    return os.name == "posix" and path.exists() and bool(_mode(path) & _OTHERS_WRITE)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode) if os.name == "posix" else 0


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read", detail=str(error.strerror or error)) from None


def _text(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8 text", hint="Save it as UTF-8.") from None


def _write(path: Path, data: bytes) -> None:
    try:
        private_folder(path.parent)
        write_atomically(path, data)
    except OSError as error:
        raise MailtuiError(f"{path} cannot be written", detail=str(error.strerror or error)) from None
    with contextlib.suppress(OSError):  # it is written; not every file system syncs names
        sync(path.parent)
