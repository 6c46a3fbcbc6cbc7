"""Owns the texts of a message that nobody saved yet, kept on disk so that they outlive an app that was ended or broke.

Each editor has a file of its own in a private folder, and holds a lock beside it for as long as it lives: a file whose
lock is free was left behind, and is offered where the same campaign is edited next.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mailtui.errors import MailtuiError
from mailtui.kit.file_lock import try_lock
from mailtui.kit.paths import private_folder, touch_private, write_atomically


class NotKept(MailtuiError):
    """Texts that are not saved could not be kept, or what was kept cannot be read."""


@dataclass(frozen=True, slots=True)
class RescuedText:
    """One text as it was written last. `digest` is the SHA-256 of the file it was made from, '' where none was."""

    path: str
    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class Rescued:
    """What an editor left behind: its texts, when they were written (seconds since 1970), and the file they are in."""

    file: Path
    written: float
    texts: tuple[RescuedText, ...]


class Rescue:
    """The texts of one editor, and those that others left behind. Its methods may be called from any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._own: tuple[Path, int] | None = None  # our file, and the handle that holds its lock
        self._kept: tuple[str, tuple[RescuedText, ...]] = ("", ())

    def keep(self, campaign: Path, texts: Sequence[RescuedText]) -> None:
        """Have these on disk, and nothing else of ours; none remove the file. Raises `NotKept`."""
        with self._lock:
            name, wanted = _name_of(campaign), tuple(texts)
            if (name, wanted) == self._kept or not (wanted or self._own):
                return
            try:
                if self._own is not None and (not wanted or name != self._kept[0]):
                    self._let_go()
                if wanted:
                    self._write(name, wanted)
            except OSError as error:
                raise NotKept(
                    "What is not saved cannot be kept for the case that the app ends",
                    detail=f"{self._folder}: {error.strerror or error}",
                    hint="Save it soon: ctrl+s.",
                ) from None
            self._kept = (name, wanted)

    def left_behind(self, campaign: Path) -> Rescued | None:
        """The newest texts of this campaign that an editor left which is no more. Raises `NotKept`."""
        files = [file for file in self._folder.glob(f"{_name_of(campaign)}-*.json") if _is_free(file)]
        newest = max(files, key=lambda file: file.stat().st_mtime, default=None)
        if newest is None:
            return None
        try:
            said = json.loads(newest.read_bytes())
            texts = tuple(RescuedText(**{key: str(value) for key, value in text.items()}) for text in said["texts"])
            return Rescued(newest, float(said["written"]), texts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotKept(
                "Texts of this campaign that were not saved were kept, and cannot be read",
                detail=f"{newest}: {error}",
                hint="Look at that file, and remove it.",
            ) from None

    def drop(self, rescued: Rescued) -> None:
        """Remove what was left behind. Raises `NotKept`."""
        try:
            rescued.file.unlink(missing_ok=True)
            _lock_of(rescued.file).unlink(missing_ok=True)
        except OSError as error:
            raise NotKept(
                "What was kept cannot be removed", detail=f"{rescued.file}: {error.strerror or error}"
            ) from None

    def close(self) -> None:
        """Leave behind what is kept now."""
        with self._lock:
            if self._own is not None:
                os.close(self._own[1])
            self._own, self._kept = None, ("", ())

    def _write(self, name: str, texts: Sequence[RescuedText]) -> None:
        private_folder(self._folder)
        if self._own is None:
            file = self._folder / f"{name}-{secrets.token_hex(4)}.json"
            handle = os.open(touch_private(_lock_of(file)), os.O_RDWR)
            try_lock(handle)  # nobody else knows this name
            self._own = (file, handle)
        said = {"written": time.time(), "texts": [asdict(text) for text in texts]}
        write_atomically(self._own[0], json.dumps(said).encode())

    def _let_go(self) -> None:
        assert self._own is not None
        (file, handle), self._own = self._own, None
        os.close(handle)
        file.unlink(missing_ok=True)
        _lock_of(file).unlink(missing_ok=True)


def _name_of(campaign: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(campaign))).hexdigest()[:24]


def _lock_of(file: Path) -> Path:
    return file.with_suffix(".lock")


def _is_free(file: Path) -> bool:
    """Whether the editor that wrote a file is no more."""
    with _opened(_lock_of(file)) as handle:
        return handle is None or try_lock(handle, shared=True)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int | None]:
    """A file's handle; None where there is no such file."""
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)
