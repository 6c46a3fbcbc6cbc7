"""Owns reading people from a file onto the suppression list: how far it is, stopping it, and what came of it."""

from __future__ import annotations

import asyncio
import threading

from textual.content import Content

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted
from mailtui.service.archive import Archive
from mailtui.service.facade import Service
from mailtui.service.suppression import Imported, Listed
from mailtui.tui.dialogs.import_suppressed import Import
from mailtui.tui.text import Plain, joined, plain

_PROBLEMS_SHOWN = 3
_LOOK = 0.2  # seconds


class _StoppedError(MailtuiError):
    """A person had enough of it."""


class ImportLine(Plain):
    """Hidden until there is something to tell."""

    DEFAULT_CSS = """
    ImportLine { height: auto; max-height: 6; padding: 0 1; display: none; }
    """

    def __init__(self, service: Service) -> None:
        super().__init__()
        self._service = service
        self._stopped = threading.Event()
        self._rows = 0
        self.reading = False
        """Whether a file is being read."""

    def on_unmount(self) -> None:
        self.stop()

    def stop(self) -> None:
        """Have enough of it; who was read stays on the list."""
        self._stopped.set()

    async def read(self, wish: Import) -> None:
        """Read a file beside the app. Raises `AudienceError`."""
        archive = Archive(self._service)  # a thread and a connection of its own: it keeps no page waiting
        self._stopped.clear()
        self._rows = 0
        self.reading = self.display = True
        self.screen.refresh_bindings()
        try:
            await self._read(archive, wish)
        except _StoppedError as stopped:
            self.show(plain(stopped.title, "$text-warning"))
        except MailtuiError:
            self.display = False
            raise
        finally:
            archive.close()
            self.reading = False
            self.screen.refresh_bindings()

    async def _read(self, archive: Archive, wish: Import) -> None:
        bad: list[Listed] = []

        def problem(row: Listed) -> None:
            if len(bad) < _PROBLEMS_SHOWN:
                bad.append(row)

        word = await archive.within(lambda service, _: service.suppression.word_on_list(wish.list_name))
        work = archive.within(
            lambda service, _: service.suppression.import_list(
                str(wish.path), list_name=wish.list_name, reason=wish.reason, progress=self._heard, problem=problem
            )
        )
        task = asyncio.ensure_future(work)
        while not task.done():
            self.show(plain(f"» Reading {wish.path.name}: {self._rows:,} rows   esc stops", "$text-accent"))
            await asyncio.wait({task}, timeout=_LOOK)
        self.show(_imported(await task, bad, word))

    def _heard(self, rows: int, _: int) -> None:
        """Called in the other thread, after each step that was written."""
        self._rows = rows
        if self._stopped.is_set():
            raise _StoppedError(f"The import was stopped after {counted(rows, 'row')}; who was read is on the list.")


def _imported(done: Imported, bad: list[Listed], word: str) -> Content:
    """What an import came to, a word on its list, and the first rows of which nothing was made."""
    said = f"+ {counted(done.new, 'entry', 'entries')} new from {done.name}, by its column {done.address_column}"
    known = f"; {counted(done.known, 'was', 'were')} on it already" if done.known else ""
    lines = [plain(f"{said}{known}", "$text-success")]
    if word:
        lines.append(plain(f"! {word}", "$text-warning"))
    if done.problems:
        rows = "row holds" if done.problems == 1 else "rows hold"
        lines.append(plain(f"! {done.problems:,} {rows} no address; nothing was made of them", "$text-warning"))
        told = [f"line {row.line}: {row.problem} {row.text}" for row in bad]
        lines += [joined("  ", plain(text, "$text-muted", limit=120)) for text in told]
    return joined(*lines, separator="\n")
