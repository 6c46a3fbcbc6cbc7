"""Owns the questions about the open list: its rows, views of it, counts, samples, why a row is in or out.

Each is answered in a thread: one reads rows for the screen, one counts, one works views out, one does what is quick, so
that a count over a million rows never keeps a page waiting. A newer question of a kind ends the older one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

import apsw

from mailtui.audience.audience import WHOLE_LIST, Audience, open_audience
from mailtui.audience.ordering import Looked, search_steps
from mailtui.audience.problem import RowProblem
from mailtui.audience.selection import Heard
from mailtui.audience.sheets.link import is_link
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import AudienceCounts, ListRow, ListView, RowView, Which
from mailtui.errors import UsageError
from mailtui.service.facade import Service
from mailtui.service.list_answers import Glance, OpenList, Sample, Superseded
from mailtui.service.list_problems import write_problems

Value = TypeVar("Value")
_GLANCE_ROWS = 32_768  # looked at in a few milliseconds
_GLANCE_AMONG = 20_000


class ListQuestions:
    """What can be asked about the list that is open, under the filter as it is set or under another one."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reading = ThreadPoolExecutor(1, "reading")
        self._counting = ThreadPoolExecutor(1, "counting")
        self._asking = ThreadPoolExecutor(1, "asking")
        self._arranging = ThreadPoolExecutor(1, "arranging")
        self._rows: Audience | None = None
        self._views: dict[ListView, Audience] = {}
        self._asked: dict[str, int] = {}
        self._answering: dict[str, Audience] = {}
        self._lock = threading.Lock()
        self._counted: tuple[OpenList | None, str, AudienceCounts] | None = None
        self._being_counted: tuple[OpenList | None, str] | None = None
        self._one_count = asyncio.Lock()
        self._spec: AudienceSpec | None = None
        self._folder = Path()
        self.open_list: OpenList | None = None
        self.filter_text = ""
        """The filter as it is set now."""

    async def page(self, first: int, count: int, view: ListView = WHOLE_LIST) -> list[ListRow]:
        """Rows of a view from position `first` on; of the list as it stands, that is the row's number.

        Any other view has to be prepared first, else, or when newer ones took its place, it is `Superseded`.
        """
        rows = self._seen(view)
        return await self._in(self._reading, lambda: rows.page(first, count, view))

    async def prepare_view(self, view: ListView, told: Looked | None = None) -> int:
        """Work out which rows a view has under the filter as it is set, and in which order; how many there are.

        A newer one ends this. `told` is called from another thread with how far in the list it is. The views prepared
        last stay, two of them; when the filter is set anew they show what they did.
        """
        if view == WHOLE_LIST:
            return self._require().size

        def work(audience: Audience) -> tuple[Audience, int]:
            return audience, audience.prepare(view, told)

        audience, length = await self._with_own_list(self.filter_text, work, kind="view", pool=self._arranging)
        self._let_go([self._views.pop(view)] if view in self._views else [])
        self._drop_views(1)
        self._views[view] = audience
        return length

    def has_view(self, view: ListView) -> bool:
        """Whether a view is prepared, and no newer ones have taken its place."""
        return view == WHOLE_LIST or view in self._views

    async def position(self, view: ListView, row: int) -> int | None:
        """Where a row stands in a prepared view, from 1; None when it is not in it."""
        rows = self._seen(view)
        return await self._in(self._reading, lambda: rows.position(view, row))

    async def search(
        self,
        text: str,
        after: int,
        view: ListView = WHOLE_LIST,
        *,
        column: str | None = None,
        backwards: bool = False,
        told: Looked | None = None,
    ) -> int | None:
        """The next position of a prepared view after one, or before it, whose row has a text; None when there is none.

        In any column, or in one; upper and lower case are the same. A newer search, or `stop_search`, ends this one.
        `told` hears how far it is.
        """
        rows, ticket = self._seen(view), self._ticket("search")
        length = await self._in(self._reading, lambda: rows.prepare(view))
        for step in search_steps(after, length, backwards=backwards):
            # A part after the other, so that pages are read in between.
            found = await self._in(
                self._reading, partial(rows.search_within, text, *step, view, column=column, backwards=backwards)
            )
            self._require_asked("search", ticket)
            if found is not None:
                return found
            if told is not None:
                told(step[0] if backwards else step[1])
        return None

    def stop_search(self) -> None:
        """Give up a search."""
        self._ticket("search")

    async def counts(self, heard: Heard | None = None) -> AudienceCounts:
        """The counts under the filter as it is set; worked out once for a list and a filter, whoever asks.

        `heard` is called from another thread with how many rows were looked at and how many of them match.
        """
        asked = self.open_list, self.filter_text
        if self._being_counted not in (None, asked):
            self._end("counts")
        async with self._one_count:
            if asked != (self.open_list, self.filter_text):
                raise Superseded
            if self._counted is not None and self._counted[:2] == asked:
                return self._counted[2]
            self._being_counted = asked
            try:
                counts = await self._with_filter(
                    asked[1], lambda audience: audience.counts(heard=heard), kind="counts", pool=self._counting
                )
            finally:
                self._being_counted = None
            self._counted = (*asked, counts)
            return counts

    async def problems(self, limit: int) -> list[RowProblem]:
        """The first rows that no mail goes to, under the filter as it is set."""
        return await self._with_filter(
            self.filter_text, lambda audience: list(audience.problems(limit)), kind="problems", pool=self._asking
        )

    async def problem_page(self, which: Which, first: int, count: int) -> list[RowProblem]:
        """Why the rows of a view get no mail: of `problems`, `duplicates` or `excluded`, from position `first` on."""
        view = ListView(which)
        if view not in self._views:
            await self.prepare_view(view)
        rows = self._seen(view)

        def work() -> list[RowProblem]:
            found = (rows.row(row.row).problem for row in rows.page(first, count, view))
            return [problem for problem in found if problem is not None]

        return await self._in(self._reading, work)

    async def save_problems(self, path: Path) -> int:
        """Write all rows that no mail goes to into a new CSV file, with the reasons; how many there are.

        Raises `UsageError` when there is one already or it cannot be made, `MailtuiError` when the disk is full.
        """
        return await self._with_filter(
            self.filter_text, lambda audience: write_problems(audience, path), kind="save", pool=self._asking
        )

    async def examine(self, filter_text: str, size: int, heard: Heard | None = None) -> tuple[AudienceCounts, Sample]:
        """Count under a filter, with up to `size` rows it lets in and leaves out. Raises `RuleError`, `Superseded`.

        `heard` as in `counts`.
        """

        def look(audience: Audience) -> tuple[AudienceCounts, Sample]:
            sample = _sample(audience, size, among=None)
            return audience.counts(heard=heard), sample

        return await self._with_filter(filter_text, look, kind="examine", pool=self._counting)

    async def glance(self, filter_text: str, size: int) -> Glance:
        """A quick first look at what `examine` will tell; it ends an older `examine`, and the other way round."""

        def look(audience: Audience) -> Glance:
            return Glance(audience.share(_GLANCE_ROWS), _sample(audience, size, among=_GLANCE_AMONG))

        return await self._with_filter(filter_text, look, kind="examine", pool=self._counting)

    async def explain(self, row: int) -> RowView:
        """One row, and clause by clause why it is in or out."""
        return await self._with_filter(
            self.filter_text, lambda audience: audience.row(row), kind="explain", pool=self._asking
        )

    async def find(self, address: str) -> int | None:
        """The row that stands for an address, None when there is none. Raises `UsageError` for what is no address."""

        def look(audience: Audience) -> int | None:
            found = audience.find(address)
            return None if found is None else found.row

        return await self._with_filter(self.filter_text, look, kind="find", pool=self._asking)

    async def consult(self, filter_text: str, ask: Callable[[Audience], Value], *, kind: str) -> Value:
        """Ask the list under any filter, beside what is counted; a newer question of the same kind ends this one."""
        return await self._with_filter(filter_text, ask, kind=kind, pool=self._asking)

    async def neighbour(self, row: int, step: int) -> int | None:
        """The row of the recipient after (`step` 1) or before (-1) a row, under the filter; None at the end."""

        def find(audience: Audience) -> int | None:
            if step > 0:
                found = next(audience.recipients(row + 1), None)
                return None if found is None else found.row
            start, reach = row, 64
            while start > 1:
                until, start, reach = start, max(1, start - reach), reach * 4
                before = None
                for recipient in audience.recipients(start):
                    if recipient.row >= until:
                        break
                    before = recipient.row
                if before is not None:
                    return before
            return None

        return await self._with_filter(self.filter_text, find, kind="neighbour", pool=self._asking)

    def _close_list(self) -> None:
        """Let go of the list and the threads; what they are at is given up."""
        for kind in list(self._asked):
            self._end(kind)
        self._drop_views(0)
        self._let_go([] if self._rows is None else [self._rows])
        self._reading.shutdown(wait=True)
        for pool in (self._counting, self._asking, self._arranging):
            pool.shutdown(wait=False, cancel_futures=True)

    def _drop_views(self, keep: int) -> None:
        while len(self._views) > keep:
            self._let_go([self._views.pop(next(iter(self._views)))])

    def _let_go(self, audiences: list[Audience]) -> None:
        # Where pages are read, so that none of them is read from a list that is closed.
        for audience in audiences:
            self._reading.submit(audience.close)

    def _open(
        self,
        spec: AudienceSpec,
        folder: Path,
        progress: Callable[[int], None] | None = None,
        *,
        identity: str | None = None,
    ) -> Audience:
        cache, reach = self._service.settings.home.audiences, self._service.campaigns.reach
        return open_audience(spec, folder=folder, cache=cache, reach=reach, progress=progress, identity=identity)

    def _ticket(self, kind: str) -> int:
        """A ticket for a question of a kind; only the newest of its kind is waited for."""
        self._asked[kind] = self._asked.get(kind, 0) + 1
        return self._asked[kind]

    def _require_asked(self, kind: str, ticket: int) -> None:
        if ticket != self._asked[kind]:
            raise Superseded

    def _end(self, kind: str) -> int:
        """End the question of a kind that is being answered; the ticket for the next one."""
        with self._lock:
            ticket = self._ticket(kind)
            if kind in self._answering:
                self._answering[kind].interrupt()
            return ticket

    async def _with_filter(
        self, text: str, ask: Callable[[Audience], Value], *, kind: str, pool: ThreadPoolExecutor
    ) -> Value:
        """Ask a list of its own under a filter, in a thread; a newer question of the same kind ends it."""

        def ask_and_close(audience: Audience) -> Value:
            with audience:
                return ask(audience)

        return await self._with_own_list(text, ask_and_close, kind=kind, pool=pool)

    async def _with_own_list(
        self, text: str, ask: Callable[[Audience], Value], *, kind: str, pool: ThreadPoolExecutor
    ) -> Value:
        """The same; `ask` closes the list, or keeps it when all went well.

        Raises `ListChanged` when its file was written to: no answer is about other rows than those that are seen.
        """
        given = self._require_spec()
        as_opened = given.offline or is_link(given.source)  # a sheet is not fetched anew for a question
        spec = given.model_copy(update={"filter": text.strip() or None, "offline": as_opened})
        folder, identity = self._folder, self._require().identity
        ticket = self._end(kind)

        def work() -> Value:
            self._require_asked(kind, ticket)
            audience = self._open(spec, folder, identity=identity)
            try:
                with self._lock:
                    self._require_asked(kind, ticket)
                    self._answering[kind] = audience
                try:
                    return ask(audience)
                finally:
                    with self._lock:
                        del self._answering[kind]
            except apsw.Error:
                audience.close()
                # SQLite that is interrupted while it prepares a statement says so, or anything else.
                self._require_asked(kind, ticket)
                raise
            except BaseException:
                audience.close()
                raise

        return await self._in(pool, work)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def _seen(self, view: ListView) -> Audience:
        """Where the rows of a view are read."""
        if view == WHOLE_LIST:
            return self._require()
        if view not in self._views:
            raise Superseded
        return self._views[view]

    def _require(self) -> Audience:
        if self._rows is None:
            raise UsageError("No list is open", hint="Open one first.")
        return self._rows

    def _require_spec(self) -> AudienceSpec:
        if self._spec is None:
            raise UsageError("No list is open", hint="Open one first.")
        return self._spec


def _sample(audience: Audience, size: int, *, among: int | None) -> Sample:
    within = tuple(audience.matching(1, size, held=True, among=among))
    without = () if audience.rule is None else tuple(audience.matching(1, size, held=False, among=among))
    return Sample(within, without)
