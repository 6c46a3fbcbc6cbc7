"""Owns the copies of sheets that are kept: what a sheet held when it was last fetched, for when Google is out of reach.

A copy is a CSV file named after its content and a JSON file named after what was asked for, which tells the newest
content. The JSON file is replaced last, so a crash leaves the copy before it. All of it is of mode 0600.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mailtui.kit.paths import private_folder, write_atomically

_VERSION = 1
_AGE_LIMIT = 90 * 86_400.0
_REPLACED_AGE = 3_600.0  # who reads the copy before this one is given time to finish


@dataclass(frozen=True, slots=True)
class Copy:
    """A sheet as it was at a time.

    `title` is what a person calls it, `tab` its tab; '' when Google does not tell. `digest` is over its cells. The
    file's first row is row `first_row` of the sheet. `notes` tell of what happened while it was fetched.
    """

    content: str
    title: str
    tab: str
    digest: str
    fetched_at: float
    first_row: int
    notes: tuple[str, ...] = ()


class KeptCopies:
    """The copies in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, copy: Copy) -> Path:
        """The file with a copy's cells."""
        return self._folder / copy.content

    def scratch(self) -> Path:
        """The folder, made when it is missing, for files on their way to being kept."""
        return private_folder(self._folder)

    def find(self, key: str) -> Copy | None:
        """The newest copy of what was asked for; None when there is none, or it is not whole."""
        try:
            data = json.loads((self._folder / f"{key}.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(data, dict) or data.pop("version", None) != _VERSION:
            return None
        copy = Copy(**{**data, "notes": tuple(data["notes"])})
        return copy if self.path(copy).is_file() else None

    def keep(self, key: str, copy: Copy, cells: Path) -> None:
        """Keep a copy, whose cells are moved from a file in the same folder."""
        cells.replace(self.path(copy))
        data = {**asdict(copy), "version": _VERSION}
        write_atomically(self._folder / f"{key}.json", json.dumps(data).encode())
        self._clear()

    def _clear(self) -> None:
        """Delete copies that nobody asked for in a long time, and content that no copy tells of any more."""
        now = time.time()
        told: set[str] = set()
        for path in sorted(self._folder.glob("*.json")):
            if now - path.stat().st_mtime > _AGE_LIMIT:
                path.unlink(missing_ok=True)
                continue
            copy = self.find(path.stem)
            if copy is not None:
                told.add(copy.content)
        for path in self._folder.iterdir():
            # When it was renamed counts, not when it was written: whoever holds it may still be reading.
            if path.suffix != ".json" and path.name not in told and now - path.stat().st_ctime > _REPLACED_AGE:
                path.unlink(missing_ok=True)
