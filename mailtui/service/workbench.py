"""Owns the campaign that is being prepared in an app: the open list, its filter, its message.

Everything slow runs in threads of its own: one that reads rows for the screen, one that counts, so that a count over a
million rows never keeps a page waiting. A newer count ends an older one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import apsw

from mailtui.audience.audience import Audience, open_audience
from mailtui.audience.findings import Understanding
from mailtui.audience.problem import RowProblem
from mailtui.audience.rules_text import format_rule
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.spec import AudienceSpec
from mailtui.audience.views import AudienceCounts, ListRow, RowView
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.checks import CheckReport
from mailtui.campaign.freeze import Again, Launch
from mailtui.errors import UsageError
from mailtui.service.campaigns import Preview
from mailtui.service.facade import LaunchPlan, Service

Value = TypeVar("Value")


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


class Superseded(Exception):
    """A newer question about the list ended this one; nobody waits for its answer any more."""


class Workbench:
    """One list, and with it at most one campaign, at a time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reading = ThreadPoolExecutor(1, "reading")
        self._counting = ThreadPoolExecutor(1, "counting")
        self._rows: Audience | None = None
        self._asked: dict[str, int] = {}
        self._answering: tuple[str, Audience] | None = None
        self._spec: AudienceSpec | None = None
        self._folder = Path()
        self.campaign: Campaign | None = None
        """The campaign, with the filter as it is set now; None when only a list is open."""
        self.open_list: OpenList | None = None
        self.filter_text = ""

    async def open(self, target: Path) -> OpenList:
        """Open a campaign file, its folder, or a bare list. Raises what is wrong with it; what was open stays open."""
        campaign: Campaign | None = None
        if target.suffix.lower() in (".yaml", ".yml") or await asyncio.to_thread(target.is_dir):
            campaign = await asyncio.to_thread(self._service.campaigns.load, target)
            spec, folder = campaign.spec.audience, campaign.folder
            filter_text = campaign.filter_text
        else:
            spec, folder, filter_text = AudienceSpec(source=str(target)), Path(), ""
        opened = await self._in(self._reading, lambda: self._open(spec, folder))
        if self._rows is not None:
            await self._in(self._reading, self._rows.close)
        self._rows, self._spec, self._folder = opened, spec, folder
        self.campaign, self.filter_text = campaign, filter_text
        self.open_list = OpenList(opened.name, opened.columns, opened.size, opened.understanding)
        return self.open_list

    def _open(self, spec: AudienceSpec, folder: Path) -> Audience:
        return open_audience(spec, folder=folder, cache=self._service.settings.home.audiences)

    async def page(self, first: int, count: int) -> list[ListRow]:
        """Rows of the list as they stand in it, from row number `first` on."""
        rows = self._require()
        return await self._in(self._reading, lambda: rows.page(first, count))

    async def problems(self, limit: int) -> list[RowProblem]:
        """The first rows that no mail goes to, under the filter as it is set."""
        return await self._with_filter(
            self.filter_text, lambda audience: list(audience.problems(limit)), kind="problems"
        )

    async def examine(self, filter_text: str, size: int) -> tuple[AudienceCounts, Sample]:
        """Count under a filter, with up to `size` rows it lets in and leaves out. Raises `RuleError`, `Superseded`."""

        def look(audience: Audience) -> tuple[AudienceCounts, Sample]:
            within = tuple(audience.matching(1, size, held=True))
            without = tuple(audience.matching(1, size, held=False)) if audience.rule is not None else ()
            return audience.counts(), Sample(within, without)

        return await self._with_filter(filter_text, look, kind="examine")

    async def explain(self, row: int) -> RowView:
        """One row, and clause by clause why it is in or out."""
        return await self._with_filter(self.filter_text, lambda audience: audience.row(row), kind="explain")

    def set_filter(self, text: str) -> None:
        """Take a filter over. Raises `RuleError` when it cannot be read; what was set stays."""
        rule = read_rule(text or None)
        self.filter_text = "" if rule is None else format_rule(rule)
        if self.campaign is not None:
            spec = self.campaign.spec
            audience = spec.audience.model_copy(update={"filter": self.filter_text or None})
            self.campaign = dataclasses.replace(self.campaign, spec=spec.model_copy(update={"audience": audience}))

    async def preview(self, *, row: int | None = None, to: str | None = None) -> Preview:
        """One recipient's mail. Raises what stands in the way."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.campaigns.preview, campaign, row=row, to=to)

    async def neighbour(self, row: int, step: int) -> int | None:
        """The row of the recipient after (`step` 1) or before (-1) a row, under the filter; None at the end."""

        def find(audience: Audience) -> int | None:
            if step > 0:
                found = next(audience.recipients(row + 1), None)
                return None if found is None else found.row
            for start in range(row - 1, 0, -1):
                found = next(audience.recipients(start), None)
                if found is not None and found.row < row:
                    return found.row
            return None

        return await self._with_filter(self.filter_text, find, kind="neighbour")

    async def check(self, *, every_row: bool, progress: Callable[[int, int], None]) -> CheckReport:
        """The preflight; `progress` is called from another thread."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.campaigns.check, campaign, every_row=every_row, progress=progress)

    async def prepare(self) -> LaunchPlan:
        """What a launch would do now."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.prepare, campaign, plan={})

    async def launch(self, plan: LaunchPlan, again: Again, progress: Callable[[int], None]) -> Launch:
        """Freeze into the outbox, in a thread with a loop of its own; `progress` is called from there."""

        def work() -> Launch:
            return asyncio.run(self._service.launch(plan, again=again, progress=progress))

        return await asyncio.to_thread(work)

    def close(self) -> None:
        """Let go of the list and the threads."""
        if self._rows is not None:
            self._reading.submit(self._rows.close)
        self._reading.shutdown(wait=True)
        self._counting.shutdown(wait=False, cancel_futures=True)

    async def _with_filter(self, text: str, ask: Callable[[Audience], Value], *, kind: str) -> Value:
        """Ask a list of its own under a filter, in the counting thread; a newer question of the same kind ends it."""
        if self._spec is None:
            raise UsageError("No list is open", hint="Open one first.")
        spec = self._spec.model_copy(update={"filter": text or None})
        folder = self._folder
        ticket = self._asked[kind] = self._asked.get(kind, 0) + 1

        def work() -> Value:
            if ticket != self._asked[kind]:
                raise Superseded
            with self._open(spec, folder) as audience:
                self._answering = (kind, audience)
                try:
                    return ask(audience)
                except apsw.InterruptError:
                    raise Superseded from None
                finally:
                    self._answering = None

        answering = self._answering
        if answering is not None and answering[0] == kind:
            answering[1].interrupt()
        return await self._in(self._counting, work)

    async def _in(self, pool: ThreadPoolExecutor, work: Callable[[], Value]) -> Value:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    def _require(self) -> Audience:
        if self._rows is None:
            raise UsageError("No list is open", hint="Open one first.")
        return self._rows

    def _require_campaign(self) -> Campaign:
        if self.campaign is None:
            raise UsageError(
                "A list is open, and no campaign", hint="Open a campaign file to see its mails and send it."
            )
        return self.campaign
