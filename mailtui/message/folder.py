"""Owns the files of a campaign folder that rows name: many may name one, and it is looked at and hashed once."""

from __future__ import annotations

from pathlib import Path

from mailtui.message.extras import Extras
from mailtui.message.files import FILE_LIMIT, FileProblem, FileRef, looked_up, refer_to, refusal


class Folder:
    """The files of one campaign folder, each looked at once and read once."""

    def __init__(self, path: Path, *, limit: int = FILE_LIMIT) -> None:
        """No file may have more than `limit` bytes."""
        self._path = path
        self._limit = limit
        self._found: dict[str, tuple[Path, int] | FileProblem] = {}
        self._refs: dict[Path, FileRef | FileProblem] = {}

    def look(self, name: str) -> tuple[Path, int]:
        """Where a file is and its size in bytes, without reading it. Raises `FileProblem`."""
        if name not in self._found:
            try:
                self._found[name] = looked_up(self._path, name, limit=self._limit)
            except FileProblem as problem:
                self._found[name] = problem
        found = self._found[name]
        if isinstance(found, FileProblem):
            raise found
        return found

    def refer(self, name: str, shown: str) -> FileRef:
        """A file by its hash; `shown` is what the reader sees it called, '' for its own name."""
        path, _ = self.look(name)
        if path not in self._refs:
            try:
                self._refs[path] = refer_to(path, name, limit=self._limit)
            except FileProblem as problem:
                self._refs[path] = problem
        ref = self._refs[path]
        if isinstance(ref, FileProblem):
            raise ref
        return ref._replace(name=shown or Path(name).name)

    def files(self, extras: Extras) -> tuple[FileRef, ...]:
        """The files that a row brings; one that cannot be had is a refusal, and fails its mail with that."""
        return tuple(self._file(path, name) for path, name in extras.files)

    def _file(self, name: str, shown: str) -> FileRef:
        try:
            return self.refer(name, shown)
        except FileProblem as problem:
            return refusal(str(problem))
