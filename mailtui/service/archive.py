"""Owns reading what was launched beside an interface: in a thread of its own, over a connection of its own.

A report over a million recipients takes seconds to read; an interface that read it by itself would stand still.
"""

from __future__ import annotations

import asyncio
import os
from bisect import bisect_right
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from mailtui.errors import MailtuiError, UsageError
from mailtui.kit.paths import PRIVATE_FILE
from mailtui.outbox.ports import Reader
from mailtui.outbox.states import ACTIVE_CAMPAIGNS, DeliveryState
from mailtui.report.export import ReportLine, ReportPage, ReportReader, as_csv, as_json, csv_header
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView, now

_PATIENCE = 1.0  # seconds in which a runner at work has written something

Value = TypeVar("Value")
Failure = tuple[str, int | None, str, int]
"""(state, code, text, how many)"""

_FORMS = {".csv": "csv", ".jsonl": "jsonl", ".json": "jsonl", ".ndjson": "jsonl"}


class Archive:
    """The campaigns of one outbox, for one interface. `close` it."""

    def __init__(self, service: Service) -> None:
        self._environ = service.environ
        self._outbox = service.outbox.url
        self._pool = ThreadPoolExecutor(1, "archive")
        self._opened: tuple[asyncio.AbstractEventLoop, Service, Reader] | None = None
        self._runner: int | None = None
        self._awaited = False
        """Whether a runner had something to do when it was last looked at, and so was to write before long."""
        self._looked_at = 0.0
        self._closing = False

    async def views(self, *, changed_only: bool = False) -> list[CampaignView] | None:
        """Every campaign, the oldest first. With `changed_only` None when all is as at the last call.

        Changed is also what no writer tells: a runner that is gone or has come, and one that has fallen silent.
        """

        async def look(service: Service, reader: Reader) -> list[CampaignView] | None:
            runner, former = service.runner_pid(), self._runner
            self._runner = runner
            waited = self._awaited and runner is not None and now() - self._looked_at >= _PATIENCE
            changed = reader.changed() or runner != former or waited
            if changed_only and not changed:
                return None
            views = await service.views()
            self._awaited, self._looked_at = any(view.active for view in views), now()
            return views

        return await self.within(look)

    async def active_campaigns(self) -> list[str] | None:
        """The ids of those that a runner works on; None where nobody has written since the last call."""

        async def look(_service: Service, reader: Reader) -> list[str] | None:
            if not reader.changed():
                return None
            return [campaign.id for campaign in await reader.campaigns() if campaign.state in ACTIVE_CAMPAIGNS]

        return await self.within(look)

    async def failures(self, view: CampaignView, limit: int = 10) -> list[Failure]:
        """What did not arrive, the most frequent first."""
        return await self.within(lambda service, _: service.failures(view, limit))

    async def intake(self, view: CampaignView) -> dict[str, int]:
        """How many rows of the list became no delivery, by kind."""
        return await self.within(lambda service, _: service.intake(view))

    def pages(self, view: CampaignView, states: Sequence[str], size: int) -> ReportPages:
        """The report in pages of `size` recipients."""
        return ReportPages(self, view, states, size)

    async def export(self, view: CampaignView, path: Path, states: Sequence[str], *, original: bool = False) -> int:
        """Write the report to a new file, CSV or JSON lines by the file's ending; how many recipients.

        `original`: the rows of the list as they were, each with its error, as CSV. Raises `UsageError` when the file
        exists or its ending does not fit, `MailtuiError` when the disk is full.
        """
        form = _FORMS.get(path.suffix.lower())
        if form is None:
            raise UsageError(
                f"{path.name} does not say which form it is to have", hint="End it with .csv or .jsonl, for example."
            )

        if original and form != "csv":
            raise UsageError("The rows of the list are written as CSV", hint="End the file's name with .csv.")

        def work() -> int:
            # A thread and a connection of its own: a long export keeps no page waiting.
            with Service.open(self._environ, outbox=self._outbox) as service, new_file(path) as stream:
                if original:
                    return asyncio.run(self._write_originals(service, view, stream, states))
                return asyncio.run(self._write(service, view, stream, form, states))

        return await asyncio.to_thread(work)

    async def _write(
        self, service: Service, view: CampaignView, stream: IO[str], form: str, states: Sequence[str]
    ) -> int:
        count = 0
        if form == "csv":
            stream.write(csv_header())
        async for line in service.report(view, states):
            self._require_open()
            stream.write(as_csv(line) if form == "csv" else as_json(line) + "\n")
            count += 1
        return count

    async def _write_originals(
        self, service: Service, view: CampaignView, stream: IO[str], states: Sequence[str]
    ) -> int:
        count = -1  # the header
        async for line in service.originals(view, states):
            self._require_open()
            stream.write(line)
            count += 1
        return count

    def _require_open(self) -> None:
        if self._closing:
            raise MailtuiError("The export was given up, since the app was closed")

    def close(self) -> None:
        """Let go of the connection; an export that still runs is given up, and leaves no file."""
        self._closing = True
        self._pool.submit(self._shut)
        self._pool.shutdown(wait=False)

    async def within(self, ask: Callable[[Service, Reader], Coroutine[Any, Any, Value]]) -> Value:
        """Ask in the archive's thread."""

        def work() -> Value:
            loop, service, reader = self._open()
            return loop.run_until_complete(ask(service, reader))

        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def _open(self) -> tuple[asyncio.AbstractEventLoop, Service, Reader]:
        if self._opened is None:
            service = Service.open(self._environ, outbox=self._outbox)
            self._opened = (asyncio.new_event_loop(), service, service.outbox.reader())
        return self._opened

    def _shut(self) -> None:
        if self._opened is not None:
            loop, service, reader = self._opened
            reader.close()
            service.close()
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()


class ReportPages:
    """A report that is read as far as somebody turns its pages; what was read is kept as it was then."""

    def __init__(self, archive: Archive, view: CampaignView, states: Sequence[str], size: int) -> None:
        self._archive = archive
        self._campaign = view.campaign
        self._states = [DeliveryState(state) for state in states]
        self._size = size
        self._pages: dict[int, ReportPage] = {}
        self._starts: list[int] = []
        self._report: ReportReader | None = None

    async def page(self, number: int) -> tuple[ReportLine, ...]:
        """The page with this number, from 0, wherever it is; empty after the last."""
        if number not in self._pages:
            self._pages[number] = await self._archive.within(partial(self._read, number))
        return self._pages[number].lines

    async def page_of(self, delivery: int) -> int:
        """The number of the page that has this delivery, or of the one where it would be."""
        await self._archive.within(self._survey)
        return max(0, bisect_right(self._starts, delivery) - 1)

    async def _read(self, number: int, _: Service, reader: Reader) -> ReportPage:
        if self._report is None:
            self._report = ReportReader(reader, self._campaign)
        before = self._pages.get(number - 1)
        if before is not None and not before.lines:
            return before
        if number and before is None:
            await self._survey(_, reader)
            if number >= len(self._starts):
                return ReportPage((), 0)
        after = before.last if before is not None else self._starts[number] - 1 if number else 0
        return await self._report.page(self._states, after=after, size=self._size)

    async def _survey(self, _: Service, reader: Reader) -> None:
        """Where each page begins; looked up once, when somebody turns to a page that is not the next one."""
        if not self._starts:
            self._starts = await reader.page_starts(self._campaign.number, self._size, states=self._states)


@contextmanager
def new_file(path: Path) -> Iterator[IO[str]]:
    """A new file that only its owner can read; nothing is left of it when it cannot be written to its end."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE)
    except FileExistsError:
        raise UsageError(f"{path} exists already", hint="Name a new file; nothing is ever overwritten.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written", detail=str(error.strerror or error)) from None
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        path.unlink(missing_ok=True)
        raise MailtuiError(f"{path} could not be written to its end", detail=str(error.strerror or error)) from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
