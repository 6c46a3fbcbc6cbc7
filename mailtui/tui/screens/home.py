"""Owns the home screen: the campaigns of the outbox and how they stand, and where a newcomer begins."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.widget import Widget
from textual.widgets import DataTable

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted, sentence
from mailtui.service.archive import Archive
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView, now
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.password import resuming
from mailtui.tui.result import AppResult
from mailtui.tui.room import Room, start
from mailtui.tui.states import at_rest, campaign_look, resumable
from mailtui.tui.text import Plain, from_home, joined, plain, tell
from mailtui.tui.waking import start_runner, without_runner
from mailtui.tui.widgets.campaign_rows import COLUMNS, campaign_detail, campaign_row
from mailtui.tui.widgets.table import KeyedTable

_LOOK_EVERY = 0.5
_DEMO = "Demo: a sandbox on this machine catches everything; nothing leaves it.\nNext: "
_READY = """Nothing has been sent from here yet.

{name} is open. Press 5 to see its mails, 6 to review and start it."""
_EMPTY = """Nothing has been sent from here yet.

Press o to open a campaign file or a list,
or d to try the demo: nothing of it leaves this machine.

A campaign to start from is written by: mailtui init my-campaign
and opened here by: mailtui my-campaign
0 has the accounts: the servers to send through, and their passwords."""


class HomeScreen(Room):
    """Campaigns, the newest first."""

    ROOM: ClassVar[str] = "home"
    BINDINGS: ClassVar = bindings("home")
    CSS_PATH = "home.tcss"
    HELP: ClassVar[str] = (
        "Everything that was launched from this outbox, the newest first. A send goes on when the app is closed;"
        " it is found here again. One that is lost has no process that sends it any more: r goes on with it."
    )

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._archive = Archive(service)
        self._views: dict[str, CampaignView] = {}
        self._no_runner = ""

    def body(self) -> Iterable[Widget]:
        yield Plain(_DEMO, id="demo")
        yield Plain(id="no-runner")
        yield Plain(id="news")
        yield KeyedTable(COLUMNS, id="campaigns")
        yield Plain("Looking …", id="empty", classes="empty")
        yield Plain(id="detail")

    def on_mount(self) -> None:
        for name in ("#demo", "#no-runner", "#news", "#campaigns", "#detail"):
            self.query_one(name).display = False

    def on_screen_resume(self) -> None:
        start(self, self._watch, "watch")

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "watch")

    def on_unmount(self) -> None:
        self._archive.close()

    async def _watch(self) -> None:
        """Look twice a second whether anything changed, for as long as the screen is seen."""
        changed_only = False
        while True:
            try:
                views = await self._archive.views(changed_only=changed_only)
                if views is not None:
                    self._no_runner = await self._archive.within(lambda service, _: service.scheduled.no_runner())
            except MailtuiError as error:
                self.complain(error)
                changed_only = False
            else:
                if views is not None:
                    self._show(views)
                else:
                    self._show_wait()
                changed_only = True
            await asyncio.sleep(_LOOK_EVERY)

    def _show(self, views: list[CampaignView]) -> None:
        self._views = {view.id: view for view in reversed(views)}
        table = self.query_one("#campaigns", KeyedTable)
        with self.app.batch_update():
            campaign = self.bench.campaign
            self.query_one("#empty", Plain).show(_READY.format(name=campaign.name) if campaign else _EMPTY)
            self.query_one("#empty").display = not views
            for name in ("#campaigns", "#detail"):
                self.query_one(name).display = bool(views)
            self.query_one("#demo", Plain).show(_DEMO + _next(views[-1] if views else None))
            self.query_one("#demo").display = self.to_sandbox
            self.query_one("#no-runner", Plain).show(without_runner(self._no_runner))
            self.query_one("#no-runner").display = bool(self._no_runner)
            self._show_news([view for view in self._views.values() if view.active])
            table.show({view.id: campaign_row(view) for view in self._views.values()})
            self._show_detail()
        if views and self.focused is None:
            table.focus()

    def _show_news(self, active: list[CampaignView]) -> None:
        news = self.query_one("#news", Plain)
        news.display = bool(active)
        if active:
            view = active[0]
            look = campaign_look(view)
            done = f"{100 * view.counts.settled // max(1, view.counts.total)}% done"
            what = f" is {look.word}, {done}."
            if view.lost:
                what = " has lost the process that sent it."
            elif view.silence:
                what = f": {from_home(view.silence)}"
            more = f" {counted(len(active) - 1, 'other campaign')} too." if len(active) > 1 else ""
            news.show(joined(plain(f"{look.symbol} ", look.style), plain(view.name, "bold", limit=40), what, more))

    @on(DataTable.RowHighlighted)
    def moved(self) -> None:
        self._show_detail()

    @on(DataTable.RowSelected)
    async def clicked(self) -> None:
        await self.action_show_board()

    def _show_detail(self) -> None:
        view = self._chosen()
        if view is not None:
            self.query_one("#detail", Plain).show(campaign_detail(view))
        self.refresh_bindings()

    def _show_wait(self) -> None:
        """How long it is until the one under the cursor begins or goes on: that changes while nothing else does."""
        view = self._chosen()
        if view is not None and (view.begins_at or view.resume_at) is not None:
            waiting = dataclasses.replace(view, seen_at=now())
            self.query_one("#detail", Plain).show(campaign_detail(waiting))

    def _chosen(self) -> CampaignView | None:
        key = self.query_one("#campaigns", KeyedTable).key
        return None if key is None else self._views.get(key)

    def complain(self, error: MailtuiError) -> None:
        """In the place of the list when there is none, else below it."""
        text = "\n".join(part for part in (sentence(error.title), error.detail, error.hint) if part)
        place = self.query_one("#detail" if self._views else "#empty", Plain)
        place.show(plain(text, "$text-error", newlines=True))

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what has no campaign to act on."""
        view = self._chosen() if self.is_mounted else None
        if action == "show_board":
            return True if view is not None else None
        if action == "resume":
            return True if view is not None and resumable(view) else None
        if action == "start_runner":
            return True if self._no_runner else None
        if action == "demo":
            return None if self.house.demo is not None else True
        return super().check_action(action, parameters)

    async def action_show_board(self) -> None:
        view = self._chosen()
        if view is None:
            return
        if view.begins_at is not None:
            await self.app.switch_mode("scheduled")
        else:
            await self.show_campaign("report" if at_rest(view) else "board", view.id)

    async def action_leave(self) -> None:
        await self.app.action_quit()

    def action_start_runner(self) -> None:
        start(self, partial(start_runner, self, self.service), "order")

    def action_demo(self) -> None:
        self.app.exit(AppResult.DEMO)

    def action_resume(self) -> None:
        view = self._chosen()
        if view is not None:
            start(self, partial(self._resume, view), "order")

    async def _resume(self, view: CampaignView) -> None:
        answer = await self.ask(lambda: resuming(self.app, self.service, view))
        if answer is not None:
            tell(self.app, f"{view.name}: {answer}")
            await self.show_campaign("board", view.id)


def _next(view: CampaignView | None) -> str:
    """What comes next in the demo, by how its newest campaign stands."""
    if view is None:
        return "6 review, s start."
    if at_rest(view):
        return "8 shows what became of everybody, q leaves the demo."
    return "7 and then r goes on with it." if resumable(view) else "7 shows it being sent."
