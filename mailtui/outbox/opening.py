"""Owns which outbox a URL means, and handing out its three ports."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from mailtui.errors import UsageError
from mailtui.outbox.ports import Desk, Ledger, Reader


@dataclass(frozen=True, slots=True)
class Outbox:
    """An outbox by its address; nothing is opened until a port is asked for.

    `path` has no symbolic links: by whichever name a file is called, it has one lock, and so one runner.
    """

    url: str
    path: Path

    def reader(self) -> Reader:
        from mailtui.outbox.sqlite_reader import SqliteReader

        return SqliteReader(self.path)

    def desk(self) -> Desk:
        from mailtui.outbox.sqlite_desk import SqliteDesk

        return SqliteDesk(self.path)

    def ledger(self) -> Ledger:
        from mailtui.outbox.sqlite_ledger import SqliteLedger

        return SqliteLedger(self.path)

    @property
    def lock_file(self) -> Path:
        """The file whose exclusive lock makes a runner the only one."""
        return runner_lock_of(self.path)


def runner_lock_of(path: Path) -> Path:
    """The lock of the runner of an outbox file."""
    return path.with_name(f"{path.name}.runner.lock")


def sqlite_url(path: Path) -> str:
    """The URL of an outbox file; `parse_outbox` reads the same path from it, whatever characters it has."""
    return f"sqlite:///{quote(str(path))}"


def parse_outbox(url: str) -> Outbox:
    """The outbox a URL names: `sqlite:///PATH`. Raises `UsageError` for anything else."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite" and not parts.netloc and parts.path not in ("", "/"):
        # Three slashes or four, as database URLs are commonly written: the path is absolute either way.
        raw = unquote(parts.path)
        path = Path(raw[1:]) if raw.startswith("//") else Path(raw)
        return Outbox(sqlite_url(path), path.resolve())
    if parts.scheme in ("postgresql", "postgres"):
        raise UsageError(
            "This version keeps its outbox in an SQLite file only",
            detail=f"{parts.scheme}://{parts.hostname or ''}",
            hint="Use --outbox sqlite:///PATH",
        )
    raise UsageError(f"{url} names no outbox", hint="An outbox is written sqlite:///PATH")
