"""Owns the campaign that is being prepared in an app: the open list, its filter, its message.

Everything slow runs in threads of its own: one that reads rows for the screen, one that counts, so that a count over a
million rows never keeps a page waiting. A newer count ends an older one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw

from mailtui.audience.audience import Audience, open_audience
from mailtui.audience.findings import Understanding
from mailtui.audience.problem import RowProblem
from mailtui.audience.rules import Rule
from mailtui.audience.rules_text import format_rule
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import AudienceCounts, ListRow, RowView
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.checks import CheckReport
from mailtui.campaign.freeze import Again, Launch
from mailtui.errors import UsageError
from mailtui.service.campaigns import Preview
from mailtui.service.drafts import Draft, read_draft
from mailtui.service.facade import LaunchPlan, Service
from mailtui.service.list_trial import Beginning, Trial, look_at_beginning, try_reading
from mailtui.service.testmail import TestVerdict, send_test

Value = TypeVar("Value")
_GLANCE_ROWS = 2_000
_GLANCE_AMONG = 20_000


@dataclass(frozen=True, slots=True)
class OpenList:
    """A list as it was understood, before any filter. `rows` counts bad ones too."""

    name: str
    columns: tuple[str, ...]
    rows: int
    understanding: Understanding


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows a filter lets in, and some it leaves out."""

    within: tuple[ListRow, ...]
    without: tuple[ListRow, ...]


@dataclass(frozen=True, slots=True)
class Glance:
    """A first look at a filter on a long list, before everything is counted.

    `share` is the part of the list it lets in, judged by some rows of it, from 0 to 1.
    """

    share: float
    sample: Sample


@dataclass(frozen=True, slots=True)
class Opening:
    """A list that is being read for the first time: its name, and how many rows have been read so far."""

    name: str
    rows: int


class Superseded(Exception):
    """A newer question about the list ended this one; nobody waits for its answer any more."""


class Workbench:
    """One list, and with it at most one campaign, at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._opener = ThreadPoolExecutor(1, "opening")
        self._reading = ThreadPoolExecutor(1, "reading")
        self._counting = ThreadPoolExecutor(1, "counting")
        self._asking = ThreadPoolExecutor(1, "asking")
        self._rows: Audience | None = None
        self._asked: dict[str, int] = {}
        self._answering: dict[str, Audience] = {}
        self._lock = threading.Lock()
        self._counted: tuple[OpenList, str, AudienceCounts] | None = None
        self._spec: AudienceSpec | None = None
        self._file_spec: AudienceSpec | None = None
        self._folder = Path()
        self.campaign: Campaign | None = None
        """The campaign, with the filter as it is set now; None when only a list is open."""
        self.open_list: OpenList | None = None
        self.opening: Opening | None = None
        """What is being opened now, until it is open; a screen may look at it as often as it likes."""
        self.filter_text = ""
        self.file_filter = ""
        """The filter as the campaign file has it; `filter_text` is the one that was set since."""

    async def open(self, target: Path) -> OpenList:
        """Open a campaign file, its folder, or a bare list. Raises what is wrong with it; what was open stays open.

        A newer `open`, or `stop_opening`, ends this one with `Superseded`.
        """
        ticket = self._ticket("open")
        self.opening = Opening(target.name, 0)
        try:
            return await self._open_target(target, ticket)
        except asyncio.CancelledError:
            if ticket == self._asked["open"]:
                self.stop_opening()
            raise
        finally:
            if ticket == self._asked["open"]:
                self.opening = None

    def stop_opening(self) -> None:
        """Give up what is being opened; what was open stays open."""
        self._ticket("open")
        self.opening = None

    async def _open_target(self, target: Path, ticket: int) -> OpenList:
        campaign: Campaign | None = None
        if target.suffix.lower() in (".yaml", ".yml") or await asyncio.to_thread(target.is_dir):
            campaign = await asyncio.to_thread(self._service.campaigns.load, target)
            spec, folder = campaign.spec.audience, campaign.folder
            filter_text = campaign.filter_text
        else:
            spec, folder, filter_text = AudienceSpec(source=str(target)), Path(), ""

        def heard(rows: int) -> None:
            self._require_asked("open", ticket)
            self.opening = Opening(Path(spec.source).name, rows)

        def work() -> Audience:
            self._require_asked("open", ticket)
            return self._open(spec, folder, heard)

        opened = await self._in(self._opener, work)
        if ticket != self._asked["open"]:
            self._reading.submit(opened.close)
            raise Superseded
        former, self._rows = self._rows, opened
        if former is not None:
            self._reading.submit(former.close)
        self._spec, self._file_spec, self._folder = spec, spec, folder
        self.campaign, self.filter_text, self.file_filter = campaign, filter_text, filter_text
        self.open_list = OpenList(opened.name, opened.columns, opened.size, opened.understanding)
        return self.open_list

    def _open(self, spec: AudienceSpec, folder: Path, progress: Callable[[int], None] | None = None) -> Audience:
        cache = self._service.settings.home.audiences
        return open_audience(spec, folder=folder, cache=cache, progress=progress)

    @property
    def spec(self) -> AudienceSpec | None:
        """How the open list is read, as it was said; without the filter as it is set now."""
        return self._spec

    @property
    def file_spec(self) -> AudienceSpec | None:
        """The same as the campaign file has it, or as a bare list is opened at first."""
        return self._file_spec

    async def try_reading(self, spec: AudienceSpec) -> Trial:
        """What would come of reading the open list so. Raises what stands in the way; nothing is changed."""
        cache = self._service.settings.home.audiences
        return await asyncio.to_thread(try_reading, spec, self._folder, cache)

    async def beginning(self) -> Beginning:
        """The first lines of the open list, however they are understood."""
        cache = self._service.settings.home.audiences
        return await asyncio.to_thread(look_at_beginning, self._require_spec(), self._folder, cache)

    async def page(self, first: int, count: int) -> list[ListRow]:
        """Rows of the list as they stand in it, from row number `first` on."""
        rows = self._require()
        return await self._in(self._reading, lambda: rows.page(first, count))

    async def counts(self) -> AudienceCounts:
        """The counts under the filter as it is set; worked out once for a list and a filter."""
        opened, text = self.open_list, self.filter_text
        kept = self._counted
        if kept is not None and opened is kept[0] and text == kept[1]:
            return kept[2]
        counts = await self._with_filter(text, lambda audience: audience.counts(), kind="counts", pool=self._counting)
        if opened is not None:
            self._counted = (opened, text, counts)
        return counts

    async def problems(self, limit: int) -> list[RowProblem]:
        """The first rows that no mail goes to, under the filter as it is set."""
        return await self._with_filter(
            self.filter_text, lambda audience: list(audience.problems(limit)), kind="problems", pool=self._asking
        )

    async def examine(self, filter_text: str, size: int) -> tuple[AudienceCounts, Sample]:
        """Count under a filter, with up to `size` rows it lets in and leaves out. Raises `RuleError`, `Superseded`."""

        def look(audience: Audience) -> tuple[AudienceCounts, Sample]:
            sample = _sample(audience, size, among=None)
            return audience.counts(), sample

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

    def read_filter(self, text: str) -> Rule | None:
        """The rule that a text spells for the open list, None for everybody. Raises `RuleError`, with its columns."""
        rule = read_rule(text.strip() or None)
        if self._rows is not None:
            self._rows.require_fitting(rule)
        return rule

    def set_filter(self, text: str) -> None:
        """Take a filter over. Raises `RuleError` when it cannot be read or does not fit; what was set stays."""
        rule = self.read_filter(text)
        self.filter_text = "" if rule is None else format_rule(rule)
        if self.campaign is not None:
            spec = self.campaign.spec
            audience = spec.audience.model_copy(update={"filter": self.filter_text or None})
            self.campaign = dataclasses.replace(self.campaign, spec=spec.model_copy(update={"audience": audience}))

    async def preview(self, *, row: int | None = None, to: str | None = None) -> Preview:
        """One recipient's mail. Raises what stands in the way."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.campaigns.preview, campaign, row=row, to=to)

    async def draft(self) -> Draft:
        """The message's files and fields as they are now, whatever is wrong with them."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(read_draft, campaign, self._service.settings.home.audiences)

    async def test(self, row: int | None, to: str) -> TestVerdict:
        """Send one row's mail to an address. Raises what stands in the way, `SecretMissing` among it."""
        campaign = self._require_campaign()

        def work() -> TestVerdict:
            return asyncio.run(send_test(self._service, campaign, to, row))

        return await asyncio.to_thread(work)

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

    async def check(self, *, every_row: bool, progress: Callable[[int, int], None]) -> CheckReport:
        """The preflight; `progress` is called from another thread."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.campaigns.check, campaign, every_row=every_row, progress=progress)

    async def prepare(self) -> LaunchPlan:
        """What a launch would do now."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.prepare, campaign, plan={})

    async def forecast(self, plan: LaunchPlan, again: Again) -> LaunchPlan:
        """The plan with the number of mails that would really go out, counted in a thread.

        Raises `MessageChanged`, `WasCancelled`, `NotFinished`.
        """

        def work() -> LaunchPlan:
            return asyncio.run(self._service.forecast(plan, again=again))

        return await asyncio.to_thread(work)

    async def launch(self, plan: LaunchPlan, again: Again, progress: Callable[[int], None]) -> Launch:
        """Freeze into the outbox, in a thread with a loop of its own; `progress` is called from there."""

        def work() -> Launch:
            return asyncio.run(self._service.launch(plan, again=again, progress=progress))

        return await asyncio.to_thread(work)

    def close(self) -> None:
        """Let go of the list and the threads; what they are at is given up."""
        for kind in list(self._asked):
            self._end(kind)
        if self._rows is not None:
            self._reading.submit(self._rows.close)
        self._reading.shutdown(wait=True)
        for pool in (self._opener, self._counting, self._asking):
            pool.shutdown(wait=False, cancel_futures=True)

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
        spec = self._require_spec().model_copy(update={"filter": text.strip() or None})
        folder = self._folder
        ticket = self._end(kind)

        def work() -> Value:
            self._require_asked(kind, ticket)
            with self._open(spec, folder) as audience:
                with self._lock:
                    self._require_asked(kind, ticket)
                    self._answering[kind] = audience
                try:
                    return ask(audience)
                except apsw.InterruptError:
                    raise Superseded from None
                finally:
                    with self._lock:
                        del self._answering[kind]

        return await self._in(pool, work)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def _require(self) -> Audience:
        if self._rows is None:
            raise UsageError("No list is open", hint="Open one first.")
        return self._rows

    def _require_spec(self) -> AudienceSpec:
        if self._spec is None:
            raise UsageError("No list is open", hint="Open one first.")
        return self._spec

    def _require_campaign(self) -> Campaign:
        if self.campaign is None:
            raise UsageError(
                "A list is open, and no campaign", hint="Open a campaign file to see its mails and send it."
            )
        return self.campaign


def _sample(audience: Audience, size: int, *, among: int | None) -> Sample:
    within = tuple(audience.matching(1, size, held=True, among=among))
    if audience.rule is None:
        return Sample(within, ())
    return Sample(within, tuple(audience.matching(1, size, held=False, among=among)))
