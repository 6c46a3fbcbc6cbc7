"""Owns the campaign that is being prepared in an app: the open list, its filter, its message.

Everything slow runs in threads of its own: one that reads rows for the screen, one that counts, so that a count over a
million rows never keeps a page waiting. A newer count ends an older one.
"""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import apsw

from mailtui.audience.audience import WHOLE_LIST, Audience, open_audience
from mailtui.audience.findings import Understanding
from mailtui.audience.mx.of_list import recipients_by_domain
from mailtui.audience.ordering import Looked, search_steps
from mailtui.audience.problem import RowProblem
from mailtui.audience.rules import Rule
from mailtui.audience.rules_text import format_rule
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.selection import Heard
from mailtui.audience.sheets.link import is_link
from mailtui.audience.source import SheetCopy
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import AudienceCounts, ListRow, ListView, RowView, Which
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.checks import CheckReport
from mailtui.campaign.freeze import Again, Launch
from mailtui.errors import RuleError, UsageError
from mailtui.kit.spreadsheet import csv_row, inert
from mailtui.service.campaigns import Preview
from mailtui.service.drafts import Draft, read_draft
from mailtui.service.facade import LaunchPlan, Service
from mailtui.service.list_settings import changed
from mailtui.service.list_trial import Beginning, Places, Trial, find_places, look_at_beginning, try_reading
from mailtui.service.mail_domains import MailDomains, check_domains_with
from mailtui.service.testmail import TestVerdict, send_test

Value = TypeVar("Value")
_NOTHING: Mapping[str, str] = {}
_GLANCE_ROWS = 2_000
_GLANCE_AMONG = 20_000


@dataclass(frozen=True, slots=True)
class OpenList:
    """A list as it was understood, before any filter. `rows` counts bad ones too."""

    name: str
    columns: tuple[str, ...]
    rows: int
    understanding: Understanding
    sheet: SheetCopy | None = None
    """What is known of the copy of a Google sheet; None for a file."""


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
        self._arranging = ThreadPoolExecutor(1, "arranging")
        self._rows: Audience | None = None
        self._views: dict[ListView, Audience] = {}
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
        self.misfit: RuleError | None = None
        """Why the filter does not fit the list as it is read now; it stays as a text, and nothing is counted."""
        self.file_filter = ""
        """The filter as the campaign file has it; `filter_text` is the one that was set since."""

    async def places(self, target: Path) -> Places | None:
        """The tabs, tables or lists of a bare list that is about to be opened; None where there is nothing to choose.

        Raises what is wrong with it. A sheet on the web is not asked.
        """
        if _is_campaign(target) or is_link(str(target)) or await asyncio.to_thread(target.is_dir):
            return None
        ticket = self._ticket("open")
        self.opening = Opening(target.name, 0)
        try:
            cache, reach = self._service.settings.home.audiences, self._service.campaigns.reach
            return await self._in(self._opener, partial(find_places, target, cache, reach))
        finally:
            if ticket == self._asked["open"]:
                self.opening = None

    async def open(self, target: Path, settings: Mapping[str, str] = _NOTHING) -> OpenList:
        """Open a campaign file, its folder, or a bare list. Raises what is wrong with it; what was open stays open.

        `settings` say how a bare list is read, as they are typed. A newer `open`, or `stop_opening`, ends this one
        with `Superseded`.
        """
        ticket = self._ticket("open")
        self.opening = Opening(_called(str(target)), 0)
        try:
            return await self._open_target(target, ticket, settings)
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

    async def reopen(self, spec: AudienceSpec) -> OpenList:
        """Open the open list again, read as `spec` says; the campaign and the filter as it is set stay.

        A filter that does not fit the list any more stays as a text, and `misfit` says why. Raises as `open`.
        """
        campaign, folder, text = self.campaign, self._folder, self.filter_text
        self._require()
        spec = spec.model_copy(update={"filter": text or None})
        ticket = self._ticket("open")
        self.opening = Opening(_called(spec.source), 0)
        try:
            opened, misfit = await self._read_list(spec, folder, ticket)
            if campaign is not None:
                whole = campaign.spec.model_copy(update={"audience": spec})
                campaign = dataclasses.replace(campaign, spec=whole)
            self._take(opened, spec, misfit)
            self.campaign = campaign
            assert self.open_list is not None
            return self.open_list
        except asyncio.CancelledError:
            if ticket == self._asked["open"]:
                self.stop_opening()
            raise
        finally:
            if ticket == self._asked["open"]:
                self.opening = None

    async def _open_target(self, target: Path, ticket: int, settings: Mapping[str, str]) -> OpenList:
        campaign: Campaign | None = None
        if _is_campaign(target) or await asyncio.to_thread(target.is_dir):
            campaign = await asyncio.to_thread(self._service.campaigns.load, target)
            spec, folder = campaign.spec.audience, campaign.folder
            filter_text = campaign.filter_text
        else:
            spec, folder, filter_text = changed(AudienceSpec(source=str(target)), settings), Path(), ""
        opened, misfit = await self._read_list(spec, folder, ticket)
        if misfit is not None:
            self._reading.submit(opened.close)
            raise misfit
        self._take(opened, spec, None)
        self._file_spec, self._folder = spec, folder
        self.campaign, self.filter_text, self.file_filter = campaign, filter_text, filter_text
        assert self.open_list is not None
        return self.open_list

    async def _read_list(self, spec: AudienceSpec, folder: Path, ticket: int) -> tuple[Audience, RuleError | None]:
        """The list, under its filter or, where that does not fit, under none. Raises `Superseded`."""

        def heard(rows: int) -> None:
            self._require_asked("open", ticket)
            self.opening = Opening(_called(spec.source), rows)

        def work() -> tuple[Audience, RuleError | None]:
            self._require_asked("open", ticket)
            opened = self._open(spec.model_copy(update={"filter": None}), folder, heard)
            try:
                opened.set_rule(read_rule(spec.filter))
            except RuleError as error:
                return opened, error
            except BaseException:
                opened.close()
                raise
            return opened, None

        opened, misfit = await self._in(self._opener, work)
        if ticket != self._asked["open"]:
            self._reading.submit(opened.close)
            raise Superseded
        return opened, misfit

    def _take(self, opened: Audience, spec: AudienceSpec, misfit: RuleError | None) -> None:
        """A list that was opened takes the place of the one that is open."""
        former, self._rows = self._rows, opened
        self._let_go([] if former is None else [former])
        self._drop_views(0)
        self._spec, self.misfit = spec, misfit
        self.open_list = OpenList(opened.name, opened.columns, opened.size, opened.understanding, opened.sheet)

    def _drop_views(self, keep: int) -> None:
        while len(self._views) > keep:
            self._let_go([self._views.pop(next(iter(self._views)))])

    def _let_go(self, audiences: list[Audience]) -> None:
        # Where pages are read, so that none of them is read from a list that is closed.
        for audience in audiences:
            self._reading.submit(audience.close)

    def _open(self, spec: AudienceSpec, folder: Path, progress: Callable[[int], None] | None = None) -> Audience:
        cache = self._service.settings.home.audiences
        return open_audience(spec, folder=folder, cache=cache, reach=self._service.campaigns.reach, progress=progress)

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
        return await asyncio.to_thread(try_reading, spec, self._folder, cache, self._service.campaigns.reach)

    async def beginning(self) -> Beginning:
        """The first lines of the open list, however they are understood."""
        cache = self._service.settings.home.audiences
        reach = self._service.campaigns.reach
        return await asyncio.to_thread(look_at_beginning, self._require_spec(), self._folder, cache, reach)

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
        """The counts under the filter as it is set; worked out once for a list and a filter.

        `heard` is called from another thread with how many rows were looked at and how many of them match.
        """
        opened, text = self.open_list, self.filter_text
        kept = self._counted
        if kept is not None and opened is kept[0] and text == kept[1]:
            return kept[2]
        counts = await self._with_filter(
            text, lambda audience: audience.counts(heard=heard), kind="counts", pool=self._counting
        )
        if opened is not None:
            self._counted = (opened, text, counts)
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

    async def mail_domains(self, progress: Callable[[int, int], None]) -> MailDomains:
        """Ask the DNS whether the domains of all recipients take mail; it may take minutes.

        `progress` hears from another thread how many domains are done and how many there are; what it raises ends this.
        """
        domains = await self._with_filter(self.filter_text, recipients_by_domain, kind="domains", pool=self._asking)
        return await asyncio.to_thread(check_domains_with, self._service.settings, domains, progress)

    async def save_problems(self, path: Path) -> int:
        """Write all rows that no mail goes to into a CSV file, with the reasons; how many there are.

        Raises `UsageError` when it cannot be written; then what stood there before still does.
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

    def read_filter(self, text: str) -> Rule | None:
        """The rule that a text spells for the open list, None for everybody. Raises `RuleError`, with its columns."""
        rule = read_rule(text.strip() or None)
        if self._rows is not None:
            self._rows.require_fitting(rule)
        return rule

    def set_filter(self, text: str) -> None:
        """Take a filter over. Raises `RuleError` when it cannot be read or does not fit; what was set stays."""
        rule = self.read_filter(text)
        self.misfit = None
        rows = self._rows
        if rows is not None:
            self._reading.submit(rows.set_rule, rule)  # pages show which rows match
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
        self._drop_views(0)
        self._let_go([] if self._rows is None else [self._rows])
        self._reading.shutdown(wait=True)
        for pool in (self._opener, self._counting, self._asking, self._arranging):
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

        def ask_and_close(audience: Audience) -> Value:
            with audience:
                return ask(audience)

        return await self._with_own_list(text, ask_and_close, kind=kind, pool=pool)

    async def _with_own_list(
        self, text: str, ask: Callable[[Audience], Value], *, kind: str, pool: ThreadPoolExecutor
    ) -> Value:
        """The same; `ask` closes the list, or keeps it when all went well."""
        spec = self._require_spec().model_copy(update={"filter": text.strip() or None})
        folder = self._folder
        ticket = self._end(kind)

        def work() -> Value:
            self._require_asked(kind, ticket)
            # A sheet is taken as it was when it was opened.
            audience = self._open(spec.model_copy(update={"offline": True}), folder)
            try:
                with self._lock:
                    self._require_asked(kind, ticket)
                    self._answering[kind] = audience
                try:
                    return ask(audience)
                finally:
                    with self._lock:
                        del self._answering[kind]
            except apsw.InterruptError:
                audience.close()
                raise Superseded from None
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

    def _require_campaign(self) -> Campaign:
        if self.campaign is None:
            raise UsageError(
                "A list is open, and no campaign", hint="Open a campaign file to see its mails and send it."
            )
        return self.campaign


def _is_campaign(target: Path) -> bool:
    return target.suffix.lower() in (".yaml", ".yml")


def _called(source: str) -> str:
    """What a list is called while it is being opened."""
    return "the Google sheet" if is_link(source) else Path(source).name


def write_problems(audience: Audience, path: Path) -> int:
    """Write the rows that no mail goes to as CSV. Raises `UsageError`."""
    written = 0
    temporary = path.with_name(f".{path.name}.part")
    try:
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            stream.write(csv_row(("line", "row", "kind", "reason", "text")))
            for problem in audience.problems():
                written += 1
                row = "" if problem.row is None else str(problem.row)
                stream.write(
                    csv_row((str(problem.line), row, problem.kind, inert(problem.reason), inert(problem.text)))
                )
        temporary.replace(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written", detail=error.strerror or str(error)) from None
    finally:
        temporary.unlink(missing_ok=True)
    return written


def _sample(audience: Audience, size: int, *, among: int | None) -> Sample:
    within = tuple(audience.matching(1, size, held=True, among=among))
    if audience.rule is None:
        return Sample(within, ())
    return Sample(within, tuple(audience.matching(1, size, held=False, among=among)))
