"""Owns where mailtui keeps its files, and that only their owner can read them.

Nothing here touches the disk until a caller asks for a folder to be made.
"""

from __future__ import annotations

import errno
import os
import tempfile
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

PRIVATE_FOLDER = 0o700
PRIVATE_FILE = 0o600


@dataclass(frozen=True, slots=True)
class Home:
    """The five folders of one user's mailtui."""

    config: Path
    data: Path
    cache: Path
    state: Path
    run: Path

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Home:
        """The home that `MAILTUI_HOME` names, else the platform's own folders."""
        root = environ.get("MAILTUI_HOME")
        if root:
            return cls.under(Path(root).expanduser().absolute())
        import platformdirs  # here, since it costs start-up time that a set MAILTUI_HOME need not pay

        dirs = platformdirs.PlatformDirs("mailtui", appauthor=False)
        with warnings.catch_warnings():  # it warns where a system has no folder for this; ours is below the state then
            warnings.simplefilter("error")
            try:
                runtime = dirs.user_runtime_path
                run = runtime if runtime.parent.is_dir() else dirs.user_state_path / "run"
            except UserWarning:
                run = dirs.user_state_path / "run"
        return cls(
            config=dirs.user_config_path,
            data=dirs.user_data_path,
            cache=dirs.user_cache_path,
            state=dirs.user_state_path,
            run=run,
        )

    @classmethod
    def under(cls, root: Path) -> Home:
        """All five folders below one."""
        return cls(root / "config", root / "data", root / "cache", root / "state", root / "run")

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.yaml"

    @property
    def outbox_file(self) -> Path:
        return self.data / "outbox.db"

    @property
    def audiences(self) -> Path:
        return self.cache / "audiences"

    @property
    def sheets(self) -> Path:
        """The copies of Google sheets."""
        return self.cache / "sheets"

    @property
    def pages(self) -> Path:
        """Mails as pages for a browser, while they are looked at."""
        return self.cache / "pages"

    @property
    def mail_domains(self) -> Path:
        """What is known of domains, whether they take mail."""
        return self.cache / "mx.db"

    @property
    def lists(self) -> Path:
        """The user's own lists of roles and domains."""
        return self.config / "lists"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def unsaved(self) -> Path:
        """Texts of messages that nobody saved yet."""
        return self.state / "unsaved"

    @property
    def sightings(self) -> Path:
        """How far each outbox has come, as last seen from here."""
        return self.state / "outboxes"


def private_folder(path: Path) -> Path:
    """Make a folder, and what is missing above it, readable by its owner alone, whatever the umask."""
    missing = []
    step = path
    while not step.exists():
        missing.append(step)
        step = step.parent
    for folder in reversed(missing):
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        folder.chmod(PRIVATE_FOLDER)
    return path


def touch_private(path: Path) -> Path:
    """Make an empty file of mode 0600 if there is none yet, so that a library opening it inherits the mode."""
    private_folder(path.parent)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))
    except FileExistsError:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path)) from None
        return path
    path.chmod(PRIVATE_FILE)
    return path


def create_private(path: Path) -> BinaryIO:
    """A new file of mode 0600 for writing, whatever the umask. Raises FileExistsError rather than overwrite one."""
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE), "wb")


def sync(path: Path) -> None:
    """Have what was written to a file, or the names in a folder, on the disk before this returns."""
    if path.is_dir() and os.name == "nt":
        return  # Windows opens no folders, and keeps their names by itself
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, data: bytes, *, mode: int = PRIVATE_FILE) -> None:
    """Replace a file whole or not at all: a reader, or a crash, sees the old text or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
