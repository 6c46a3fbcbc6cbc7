"""Owns the campaign that is being prepared in an app: opening its list, its filter, its message.

What can be asked about the list is `list_questions`, and what it answers `list_answers`. A list is opened in a thread;
a newer opening ends an older one.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TypeVar

from mailtui.audience.audience import Audience
from mailtui.audience.mx.of_list import recipients_by_domain
from mailtui.audience.rules import Rule
from mailtui.audience.rules_text import format_rule
from mailtui.audience.rules_tree import read_rule
from mailtui.audience.sheets.link import is_link
from mailtui.audience.spec import AudienceSpec
from mailtui.campaign.again import Again
from mailtui.campaign.campaign import Campaign
from mailtui.campaign.checks import CheckReport
from mailtui.campaign.freeze import Launch
from mailtui.errors import AudienceError, MailtuiError, RuleError, UsageError
from mailtui.service.drafts import Draft
from mailtui.service.editing import EditingDesk, LiveMail
from mailtui.service.facade import Service
from mailtui.service.launching import LaunchPlan
from mailtui.service.list_answers import Glance, Opening, OpenList, Sample, Superseded
from mailtui.service.list_questions import ListQuestions
from mailtui.service.list_settings import changed
from mailtui.service.list_trial import Beginning, Places, Trial, find_places, look_at_beginning, try_reading
from mailtui.service.mail_domains import MailDomains, check_domains_with
from mailtui.service.previews import Found, OddRows, Preview, Told, find_worst, search_recipients
from mailtui.service.rescue import Rescue
from mailtui.service.schedules import Schedule
from mailtui.service.sending_domain import with_domain
from mailtui.service.testmail import TestVerdict, send_test

__all__ = ["Glance", "OpenList", "Opening", "Sample", "Superseded", "Workbench"]

Value = TypeVar("Value")
_NOTHING: Mapping[str, str] = {}


class Workbench(ListQuestions):
    """One list, and with it at most one campaign, at a time."""

    def __init__(self, service: Service) -> None:
        super().__init__(service)
        self._opener = ThreadPoolExecutor(1, "opening")
        self._scanner = ThreadPoolExecutor(1, "scanning")
        self._worst: tuple[object, tuple[OddRows, ...]] | None = None
        self._file_spec: AudienceSpec | None = None
        self.campaign: Campaign | None = None
        """The campaign, with the filter as it is set now; None when only a list is open."""
        self.opening: Opening | None = None
        """What is being opened now, until it is open; a screen may look at it as often as it likes."""
        self.misfit: RuleError | None = None
        """Why the filter does not fit the list as it is read now; it stays as a text, and nothing is counted."""
        self.unread: MailtuiError | None = None
        """Why the list of the open campaign cannot be read: then the campaign is open, and no list."""
        self.file_filter = ""
        """The filter as the campaign file has it; `filter_text` is the one that was set since."""
        self.shown_row = 0
        """The row whose mail was looked at last; 0 for the first recipient."""
        self._editing = EditingDesk(service.settings.home.audiences)
        self.rescue = Rescue(service.settings.home.unsaved)
        """Where texts that are not saved outlive the app."""

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

    async def open(self, target: Path, settings: Mapping[str, str] = _NOTHING) -> OpenList | None:
        """Open a campaign file, its folder, or a bare list. Raises what is wrong with it; what was open stays open.

        A campaign whose list cannot be read is open without one, and `unread` says why; where its filter does not fit
        the list, `misfit` does. Either way its texts can be mended.

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

    async def _open_target(self, target: Path, ticket: int, settings: Mapping[str, str]) -> OpenList | None:
        campaign: Campaign | None = None
        if _is_campaign(target) or await asyncio.to_thread(target.is_dir):
            campaign = await asyncio.to_thread(self._service.campaigns.load, target)
            spec, folder = campaign.spec.audience, campaign.folder
            filter_text = campaign.filter_text
        else:
            spec, folder, filter_text = changed(AudienceSpec(source=str(target)), settings), Path(), ""
        try:
            opened, misfit = await self._read_list(spec, folder, ticket)
        except MailtuiError as error:
            if campaign is None:
                raise
            self._require_asked("open", ticket)
            self._take_none(campaign.list_error(error) if isinstance(error, AudienceError) else error)
        else:
            if campaign is not None and misfit is not None:
                misfit = campaign.misfit(misfit, self._service.settings.home.audiences)
            self._take(opened, spec, misfit)
        self._file_spec, self._folder = spec, folder
        if campaign is None or self.campaign is None or campaign.path != self.campaign.path:
            self.shown_row = 0
        self.campaign, self.filter_text, self.file_filter = campaign, filter_text, filter_text
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
        self._take_none(None)
        self._rows, self._spec, self.misfit = opened, spec, misfit
        self.open_list = OpenList(opened.name, opened.columns, opened.size, opened.understanding, opened.sheet)

    def _take_none(self, unread: MailtuiError | None) -> None:
        """No list is open any more; `unread` says why not that of the campaign that is."""
        self._let_go([] if self._rows is None else [self._rows])
        self._drop_views(0)
        self._rows = self._spec = self.open_list = self.misfit = None
        self.unread = unread

    @property
    def trouble(self) -> MailtuiError | None:
        """Why the campaign's list, or its filter, is not what the file says it is."""
        return self.unread or self.misfit

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

    async def mail_domains(self, progress: Callable[[int, int], None]) -> MailDomains:
        """Ask the DNS whether the domains of all recipients take mail; it may take minutes.

        `progress` hears from another thread how many domains are done and how many there are; what it raises ends this.
        """
        domains = await self._with_filter(self.filter_text, recipients_by_domain, kind="domains", pool=self._asking)
        return await asyncio.to_thread(check_domains_with, self._service.settings, domains, progress)

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

    def set_schedule(self, schedule: Schedule | None) -> None:
        """When the campaign goes out, in place of what its file says; one that says nothing is at once."""
        self.campaign = dataclasses.replace(self._require_campaign(), chosen=schedule)

    async def preview(self, *, row: int | None = None, to: str | None = None) -> Preview:
        """One recipient's mail. Raises what stands in the way."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.previews.of, campaign, row=row, to=to)

    async def worst(self, told: Told) -> tuple[OddRows, ...]:
        """The recipients under the filter who stand out most; read once for a list, a filter and a message.

        `told` is called from another thread with how many rows were looked at, and how many there are. A newer one,
        or `stop_scan`, ends this one with `Superseded`.
        """
        campaign = self._require_campaign()
        asked = self.open_list, self.filter_text, await asyncio.to_thread(campaign.read_message)
        if self._worst is None or self._worst[0] != asked:
            found = await self._scan(lambda audience: find_worst(audience, campaign, told))
            self._worst = (asked, found)
        return self._worst[1]

    async def find_recipients(self, text: str, told: Told) -> Found:
        """The recipients under the filter who have a text in any cell. `told` and endings as in `worst`."""
        return await self._scan(lambda audience: search_recipients(audience, text, told))

    def stop_scan(self) -> None:
        """Give up reading through the whole list."""
        self._end("scan")

    async def _scan(self, ask: Callable[[Audience], Value]) -> Value:
        return await self._with_filter(self.filter_text, ask, kind="scan", pool=self._scanner)

    async def draft(self, unsaved: Mapping[Path, str], *, anew: bool) -> Draft:
        """The message's files and fields as they are now, whatever is wrong with them; `unsaved` texts count.

        `anew`: the list may have changed, too.
        """
        campaign, row = self._require_campaign(), self.shown_row or None
        return await asyncio.to_thread(self._editing.inspect, campaign, unsaved, row=row, anew=anew)

    async def holds_unsaved(self) -> bool:
        """Whether texts of the open campaign are kept that nobody saved. Raises `NotKept`."""
        campaign = self.campaign
        return campaign is not None and await asyncio.to_thread(self.rescue.left_behind, campaign.path) is not None

    async def live(self, draft: Draft) -> LiveMail:
        """The mail of the draft's recipient. Raises what stands in the way, `Superseded` once a newer is asked for."""
        return await asyncio.to_thread(self._editing.render, draft)

    async def test(self, row: int | None, to: str, *, marked: bool = False) -> TestVerdict:
        """Send one row's mail to an address, its subject `marked` as a test's.

        Raises what stands in the way, `SecretMissing` among it.
        """
        campaign = self._require_campaign()

        def work() -> TestVerdict:
            return asyncio.run(send_test(self._service, campaign, to, row, marked=marked))

        return await asyncio.to_thread(work)

    async def check(self, *, every_row: bool, progress: Callable[[int, int], None]) -> CheckReport:
        """The preflight; `progress` is called from another thread."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(self._service.campaigns.check, campaign, every_row=every_row, progress=progress)

    async def sending_domain(self, report: CheckReport) -> CheckReport:
        """What a check found, and with it what the DNS says of the domain that the mail is from."""
        campaign = self._require_campaign()
        return await asyncio.to_thread(with_domain, self._service, campaign, report)

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
        self._ticket("open")
        self._editing.close()
        self.rescue.close()
        self._service.previews.close()
        self._opener.shutdown(wait=False, cancel_futures=True)
        self._scanner.shutdown(wait=False, cancel_futures=True)
        self._close_list()

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
