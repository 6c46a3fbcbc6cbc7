"""Owns the review screen: everything that is about to happen, and starting it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import ClassVar

from textual import on
from textual.containers import Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button, Input

from mailtui.errors import MailtuiError
from mailtui.service.accounts import server_of_campaign
from mailtui.service.facade import Service
from mailtui.service.launching import LaunchPlan
from mailtui.service.lists import Again, CheckReport, MessageChanged, WasCancelled
from mailtui.service.schedules import Schedule
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.beginning import bring_about, show_begun
from mailtui.tui.campaign_room import CampaignRoom
from mailtui.tui.dialogs.agree import agree
from mailtui.tui.dialogs.schedule import TO_LAUNCH, ScheduleDialog
from mailtui.tui.dialogs.try_account import TryAccountDialog
from mailtui.tui.room import start
from mailtui.tui.screens.preview import show_mail_of
from mailtui.tui.text import tell
from mailtui.tui.widgets.checking import Heard
from mailtui.tui.widgets.findings import Findings
from mailtui.tui.widgets.launching import Launching
from mailtui.tui.widgets.pace import Pace
from mailtui.tui.widgets.plan_check import PlanCheck
from mailtui.tui.widgets.plan_facts import Question, facts, nothing_to_start, some_mails
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.wrapped import Wrapped

_EMPTY = """Nothing to send yet.

Press o to open a campaign file (campaign.yaml)."""
_LIST_ONLY = """Only a list is open: it says who, and not what or how.

Press o to open a campaign file (campaign.yaml): it names the list, the message and the server."""


class ReviewScreen(CampaignRoom):
    """What a launch would do now."""

    ROOM: ClassVar[str] = "review"
    HELP: ClassVar[str] = (
        "What is about to be sent: through which server, from whom, to how many, how fast, and what a check of"
        " some rows found: enter, right and left show mails a finding is about, f one kind of findings. Everything"
        " is counted anew when this screen is entered. Errors keep it from being started. d asks the DNS about the"
        " sender's domain, and nothing else does. s asks for the number of mails, copies among them; nothing is"
        " sent before that number has been typed. w says when it goes out: at once, at a time, again and again, only"
        " at some hours. A send goes on when the app is closed. Starting it again sends"
        " only to those who are new or still wait; nobody gets a mail twice. To send the same message to everybody"
        " once more: mailtui run CAMPAIGN --new."
    )
    EMPTY: ClassVar[str] = _EMPTY
    LIST_ONLY: ClassVar[str] = _LIST_ONLY
    CONTENT: ClassVar[str] = "#review"
    CSS_PATH = "review.tcss"
    AUTO_FOCUS = "#findings"
    BINDINGS: ClassVar = bindings("review")

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._plan: LaunchPlan | None = None
        self._question: Question | None = None  # what is to be asked before anybody can say how many mails it is
        self._failed = False
        self._paced = False  # whether the pace is that of this campaign, as it may have been changed
        self._starting = False

    def content(self) -> Iterable[Widget]:
        with Vertical(id="review"):
            with VerticalScroll(id="plan"):
                yield Wrapped(id="plan-facts")
            yield Pace(id="pace")
            yield PlanCheck()
            yield Launching(id="launching")
            yield Button("Start …", id="review-start", variant="primary", compact=True)

    # counting and checking

    @property
    def _checks(self) -> PlanCheck:
        return self.query_one(PlanCheck)

    def forget(self) -> None:
        self.workers.cancel_group(self, "look")  # what it counts is no plan for what is open now
        self._checks.forget()
        self._plan = self._question = None
        self._paced = False

    def look(self) -> None:
        """Count and check: list, templates and filter may have changed since."""
        if self._starting:
            return
        self._checks.forget()
        self._plan = self._question = None
        self._failed = False
        self.query_one(Trouble).clear()
        self.query_one("#plan").loading = not self._paced
        start(self, self._count_and_check, "look")
        self._show()

    async def _count_and_check(self) -> None:
        plan = await self.ask(self.bench.prepare)
        self.query_one("#plan").loading = False
        if plan is None:
            self._show()
            return
        if not self._paced:
            self._paced = True
            self.query_one(Pace).fill(plan)
        if not await self._count(plan):
            return
        if await self._checks.run(self._check):
            self._show()

    async def _check(self, heard: Heard) -> CheckReport | None:
        return await self.ask(lambda: self.bench.check(every_row=False, progress=heard))

    def action_stop_check(self) -> None:
        self._checks.stop()
        self.refresh_bindings()

    async def _count(self, plan: LaunchPlan) -> bool:
        """Count what would really go out; whether it could be, or is to be asked first."""
        self._plan, self._question = plan, None
        self._show()
        if plan.recurs:
            return True  # each time is counted when it comes
        try:
            self._plan = await self.bench.forecast(plan, Again.ASK)
        except (MessageChanged, WasCancelled) as question:
            self._question = question
        except MailtuiError as error:
            self.complain(error)
            return False
        self._show()
        return True

    # showing

    def _may_start(self) -> bool:
        plan, report = self._plan, self._checks.report
        if plan is None or report is None or report.errors or plan.passed:
            return False
        return (
            (self._question is not None or some_mails(plan)) and not self._starting and not self.query_one(Pace).problem
        )

    def _show(self) -> None:
        plan = self._plan
        if plan is not None:
            self.query_one("#plan-facts", Wrapped).show_lines(facts(plan, self._question, demo=self.to_sandbox))
        button = self.query_one("#review-start", Button)
        button.disabled = not self._may_start()
        button.label = "Schedule …" if plan is not None and (plan.waits or plan.recurs) else "Start …"
        self._checks.judge(plan, self._question, failed=self._failed)
        self.refresh_bindings()

    def complain(self, error: MailtuiError) -> None:
        super().complain(error)
        self._failed = not self._starting
        self._show()

    # starting

    async def _start(self) -> None:
        plan = self._plan
        if plan is None or not self._may_start():
            return
        try:
            changes = self.query_one(Pace).arguments
            plan = dataclasses.replace(plan, plan=plan.plan.changed(changes), given=changes, planned=None)
        except ValueError as error:
            tell(self.app, str(error), bad=True)
            return
        self.query_one(Trouble).clear()
        # Anew: what was launched before may have been sent on since. Who has left this screen meanwhile is not asked.
        if not await self._count(plan) or not self._may_start() or not self.is_current:
            return
        agreed = await self.ask(self._agree)
        if agreed is not None:
            await self._send(*agreed)

    async def _agree(self) -> tuple[LaunchPlan, Again] | None:
        plan = self._plan
        if plan is None:
            return None
        return await agree(self.app, self.service, self.bench, plan, self._question, to_sandbox=self.to_sandbox)

    async def _send(self, plan: LaunchPlan, again: Again) -> None:
        self._starting = True
        self._show()
        try:
            begun = await bring_about(self, plan, again)
        finally:
            self._starting = False
            self._show()
        if begun is not None:
            self._paced = False  # it was for this launch
            await show_begun(self, begun)

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now; a start for as long as anything stands in its way."""
        if action == "start":
            return True if self.is_mounted and self._may_start() else None
        if action == "domain":
            checks = self._checks if self.is_mounted else None
            return True if checks and checks.report and not checks.asking and not self._starting else None
        if action in ("when", "pace", "again") and self.lacks_list:
            return None
        if action in ("when", "pace", "again", "try_out"):
            return None if self.bench.campaign is None or self._starting else True
        if action == "stop_check":
            return self.is_mounted and self._checks.busy
        if action == "leave_pace":
            return isinstance(self.focused, Input)
        return super().check_action(action, parameters)

    def needs(self, action: str) -> str:
        """Who wants to start what everybody has already is told so."""
        return (nothing_to_start(self._plan) if action == "start" else "") or super().needs(action)

    @on(Button.Pressed, "#review-start")
    def action_start(self) -> None:
        if self._may_start():
            start(self, self._start, "start")

    def action_when(self) -> None:
        start(self, self._choose_when, "dialog")

    async def _choose_when(self) -> None:
        campaign, opened = self.bench.campaign, self.bench.open_list
        if campaign is None:
            return
        schedule = Schedule.from_json(self._plan.schedule) if self._plan is not None else campaign.schedule
        columns = None if opened is None else opened.columns
        chosen = await self.app.push_screen_wait(ScheduleDialog(campaign.name, schedule, to=TO_LAUNCH, columns=columns))
        if chosen is not None:
            self.bench.set_schedule(chosen.schedule or Schedule())
            self.look()

    def action_pace(self) -> None:
        self.query_one("#pace-rate").focus()

    @on(Input.Submitted)
    def action_leave_pace(self) -> None:
        self.query_one(Findings).focus()

    def action_try_out(self) -> None:
        start(self, self._try_out, "dialog")

    async def _try_out(self) -> None:
        campaign = self.bench.campaign
        if campaign is not None:
            server = server_of_campaign(self.service, campaign)
            window = self.query_one(Pace).window
            if window is not None:
                server = dataclasses.replace(server, window=window)
            await self.app.push_screen_wait(TryAccountDialog(self.service, server))

    def action_domain(self) -> None:
        start(self, self._ask_domain, "domain")

    async def _ask_domain(self) -> None:
        if await self._checks.ask_domain(lambda report: self.ask(lambda: self.bench.sending_domain(report))):
            self._show()

    def action_again(self) -> None:
        self.look()

    @on(Pace.Changed)
    def paced(self) -> None:
        self._show()

    @on(Findings.Chosen)
    async def go_to_row(self, event: Findings.Chosen) -> None:
        await show_mail_of(self.app, event.row)
