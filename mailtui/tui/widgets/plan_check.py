"""Owns the check of what is about to be sent: how far it is, its verdict in a line, and what it found below."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from mailtui.kit.words import counted
from mailtui.service.launching import LaunchPlan
from mailtui.service.lists import CheckReport
from mailtui.tui.text import Plain, plain, tell
from mailtui.tui.widgets.checking import Heard, hearing, rate_shown
from mailtui.tui.widgets.findings import Findings
from mailtui.tui.widgets.plan_facts import Question, verdict


class PlanCheck(Vertical):
    """The lower half of the review. One check at a time: `forget` and `stop` end the one under way."""

    def __init__(self) -> None:
        super().__init__(id="checks")
        self.report: CheckReport | None = None
        """What the last check found; None until there is one."""
        self._asked: CheckReport | None = None  # the same, with what the DNS said
        self._ticket: object = None  # of the check under way
        self.asking = False
        """Whether the DNS is being asked."""

    def compose(self) -> ComposeResult:
        yield Plain(id="verdict")
        with VerticalScroll(id="findings-scroll", can_focus=False):
            yield Findings(id="findings")

    def on_unmount(self) -> None:
        self._ticket = None

    @property
    def busy(self) -> bool:
        """Whether a check is under way."""
        return self._ticket is not None

    def forget(self) -> None:
        """Give up what is under way, and what was found."""
        self._ticket = self.report = self._asked = None

    def stop(self) -> None:
        """Give up what is under way, and say so."""
        self._ticket = None
        self.query_one("#verdict", Plain).show(plain("The check was stopped; r checks again.", "$text-muted"))

    def judge(self, plan: LaunchPlan | None, question: Question | None, *, failed: bool) -> None:
        """Say what the check means for a launch by this plan."""
        self.query_one("#findings-scroll").display = self.report is not None
        said = verdict(plan, self.report, question, failed=failed, asked=self._asked)
        self.query_one("#verdict", Plain).show(said)

    async def run(self, check: Callable[[Heard], Awaitable[CheckReport | None]]) -> bool:
        """Show how far `check` is, and what it found; whether it came to an end."""
        ticket = self._ticket = object()
        began = time.monotonic()

        def show(done: int, total: int) -> None:
            if self._ticket is ticket:
                said = f"Checking: {done:,} of {counted(total, 'row')}   {rate_shown(done, began)}"
                for line in self.query("#verdict").results(Plain):  # none any more while the app is being closed
                    line.show(plain(said, "$text-muted"))

        heard = hearing(lambda: self._ticket is ticket, show)
        self.screen.refresh_bindings()
        found = await check(heard)
        if self._ticket is not ticket:
            return False
        self._ticket = None
        if found is None:
            return False
        self.report = found
        findings = self.query_one(Findings)
        findings.tell(found)
        if self.screen.focused is None:
            findings.focus()
        return True

    async def ask_domain(self, ask: Callable[[CheckReport], Awaitable[CheckReport | None]]) -> bool:
        """Put what the DNS says of the sender's domain among the findings; only ever when a person wants it.

        It stops no start: who did not ask could start as well, and may know better than the name servers here.
        """
        report = self.report
        if report is None:
            return False
        self.asking = True
        self.screen.refresh_bindings()
        tell(self.app, "Asking the DNS about the sender's domain …")
        try:
            found = await ask(report)
        finally:
            self.asking = False
            self.screen.refresh_bindings()
        if found is None or self.report is not report:
            return False
        self._asked = found
        self.query_one(Findings).tell(found)
        many = len(found.findings) - len(report.findings)
        tell(self.app, f"{counted(many, 'finding')} of the sender's domain, among the others.")
        return True
