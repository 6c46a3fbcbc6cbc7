"""Owns the send board: a campaign at work, worker by worker, and the orders one can give it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import ClassVar

from textual.screen import ModalScreen
from textual.widget import Widget

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted, sentence
from mailtui.service.archive import Archive
from mailtui.service.facade import Service
from mailtui.service.pace import plan_of
from mailtui.service.terms import show_rate
from mailtui.service.views import CampaignView
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.password import resuming
from mailtui.tui.dialogs.rate import RateDialog
from mailtui.tui.dialogs.timed import ask_stop
from mailtui.tui.room import Room, start
from mailtui.tui.states import campaign_look, failure_content, resumable
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.ways_on import way_on
from mailtui.tui.widgets.progress import SendProgress
from mailtui.tui.widgets.workers import WorkerTable

_DONE = ("pausing", "cancelling", "sending", "changed")  # answers to orders; the board shows by itself what they did
_LOOK_AGAIN = 1.0
_FAILURES_SHOWN = 4
_EMPTY = "Nothing is being sent, and nothing has been.\n\nOpen a campaign with o, and start it in the review (6)."


class BoardScreen(Room):
    """Follows one campaign while it is seen."""

    ROOM: ClassVar[str] = "board"
    BINDINGS: ClassVar = bindings("board")
    CSS_PATH = "board.tcss"
    HELP: ClassVar[str] = (
        "A row is a worker, which has one connection. The sending goes on in a process of its own when the app\n"
        "is closed. The gear is how far a worker writes ahead of the server's replies: lockstep waits for each,\n"
        "flight sends a mail's sender, recipient and DATA at once, cross the next mail's behind a mail, and\n"
        "chunked as many whole mails as the window holds."
    )

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._archive = Archive(service)
        self._view: CampaignView | None = None
        self._asking = ""
        self._crew: int | None = None

    def body(self) -> Iterable[Widget]:
        yield Plain("Looking …", id="empty", classes="empty")
        yield SendProgress(id="progress")
        yield WorkerTable(id="workers")
        yield Plain(id="failures")

    def on_mount(self) -> None:
        self._show_parts(some=False)

    def on_screen_resume(self) -> None:
        self._begin()

    def on_screen_suspend(self) -> None:
        if not isinstance(self.app.screen, ModalScreen):  # under a dialog the board is still seen
            self.workers.cancel_group(self, "follow")
            self.workers.cancel_group(self, "failures")

    def on_unmount(self) -> None:
        self._archive.close()

    def turn_to(self, campaign_id: str) -> None:
        """Be about this campaign from now on."""
        self.house.watched = campaign_id
        if self.is_current:
            self._begin()

    def _begin(self) -> None:
        for name, work in (("follow", self._follow), ("failures", self._look_at_failures)):
            start(self, work, name)

    async def _follow(self) -> None:
        """Show every snapshot of the campaign; when it rests, look now and then whether somebody goes on with it."""
        while True:
            try:
                # The one that is shown stays until a person chooses another, also when it rests and others are newer.
                shown = self._view.id if self._view is not None else ""
                campaign = self.house.watched or shown or await self._newest()
                if campaign:
                    async for view in self.service.follow(campaign):
                        self._show(view)
                else:
                    self.query_one("#empty", Plain).show(_EMPTY)
            except MailtuiError as error:
                self.complain(error)
            await asyncio.sleep(_LOOK_AGAIN)

    async def _newest(self) -> str:
        """The campaign that is being sent, else the one launched last; empty when there is none."""
        views = await self._archive.views() or []
        active = [view for view in views if view.active]
        return (active or views)[-1].id if views else ""

    def _show(self, view: CampaignView) -> None:
        before, self._view = self._view, view
        if before is not None and before.id != view.id:
            before = None
            self.query_one(SendProgress).forget()
            self.query_one("#failures", Plain).show("")
        with self.app.batch_update():
            self._show_parts(some=True)
            self.query_one(SendProgress).show(view, asking=self._asking)
            self.query_one(WorkerTable).show_view(view)
        if before is None or (before.state, before.lost) != (view.state, view.lost):
            self.refresh_bindings()
            if before is not None:
                self._tell_change(before, view)

    def _tell_change(self, before: CampaignView, view: CampaignView) -> None:
        if view.lost:
            tell(self.app, f"{view.name} has lost the process that sent it", bad=True)
        elif before.active and not view.active:
            counts = view.counts
            tell(self.app, f"{view.name} is {campaign_look(view).word}: {counts.sent:,} sent, {counts.failed:,} failed")
        elif before.lost or not before.active:
            self.app.clear_notifications()  # that it is paused or lost is true no more

    def _show_parts(self, *, some: bool) -> None:
        self.query_one("#empty").display = not some
        for name in ("#progress", "#workers", "#failures"):
            self.query_one(name).display = some

    async def _look_at_failures(self) -> None:
        """What did not arrive, read at most once a second and only when there is more of it."""
        known: tuple[object, ...] = ()
        while True:
            view = self._view
            if view is not None:
                counts = view.counts
                now = (view.id, counts.failed, counts.unknown, counts.deferred, counts.expired)
                if now != known:
                    reasons = await self.ask(partial(self._archive.failures, view, _FAILURES_SHOWN)) or []
                    text = joined(*(failure_content(*reason) for reason in reasons), separator="\n")
                    self.query_one("#failures", Plain).show(text)
                    known = now
            await asyncio.sleep(_LOOK_AGAIN)

    def complain(self, error: MailtuiError) -> None:
        text = "\n".join(part for part in (sentence(error.title), error.detail, way_on(error)) if part)
        self._show_parts(some=self._view is not None)
        place = self.query_one("#failures" if self._view is not None else "#empty", Plain)
        place.show(plain(text, "$text-error", newlines=True))

    # orders

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what the campaign is in no state for."""
        view = self._view
        if action not in ("pause", "resume", "cancel", "workers", "rate", "report"):
            return super().check_action(action, parameters)
        if view is None:
            return None
        sending = view.state == "running" and not view.lost
        possible = {
            "pause": sending or view.resume_at is not None,
            "resume": resumable(view),
            "cancel": view.state in ("running", "pausing", "paused"),
            "workers": sending,
            "rate": sending or view.state == "paused",
            "report": True,
        }
        return True if possible[action] else None

    def action_pause(self) -> None:
        self._give("asking its runner to pause", self.service.pause)

    def action_resume(self) -> None:
        self._give("asking a runner to go on", lambda view: resuming(self.app, self.service, view))

    def action_workers(self, step: int) -> None:
        if self._view is not None:
            self._crew = max(1, (self._crew or plan_of(self._view).workers) + step)
            wanted = {"workers": self._crew}
            crew = counted(self._crew, "worker")
            self._give(f"asking for {crew}", lambda view: self.service.change(view, wanted), told=f"{crew} from now on")

    def action_rate(self) -> None:
        start(self, self._rate, "dialog")

    async def _rate(self) -> None:
        if self._view is not None:
            plan = plan_of(self._view)
            pace = await self.app.push_screen_wait(RateDialog(plan.rate, plan.window))
            if pace is not None:
                wanted = {"rate": pace.rate, **({} if pace.window == plan.window else {"window": pace.window})}
                limit = "no limit" if pace.rate is None else f"at most {show_rate(pace.rate)}"
                told = f"{limit}{f', a window of {pace.window}' if 'window' in wanted else ''} from now on"
                self._give("asking for another pace", lambda view: self.service.change(view, wanted), told=told)

    def action_cancel(self) -> None:
        start(self, self._cancel, "dialog")

    async def _cancel(self) -> None:
        if self._view is not None and await self.app.push_screen_wait(ask_stop(self._view)):
            self._give("asking its runner to stop", self.service.cancel)

    async def action_report(self) -> None:
        if self._view is not None:
            await self.show_campaign("report", self._view.id)

    def _give(self, what: str, order: Callable[[CampaignView], Awaitable[str]], *, told: str = "") -> None:
        """Give an order: `what` is said until the runner has answered, and `told` when it has done it."""
        start(self, partial(self._ordered, what, order, told), "order")

    async def _ordered(self, what: str, order: Callable[[CampaignView], Awaitable[str]], told: str) -> None:
        view = self._view
        if view is None:
            return
        self._asking = what
        self.query_one(SendProgress).show(view, asking=what)
        try:
            answer = await self.ask(lambda: order(view))
        finally:
            self._asking = ""
        self._crew = None
        said = told if answer in _DONE else answer
        if said:
            tell(self.app, f"{view.name}: {said}")
        self._begin()
