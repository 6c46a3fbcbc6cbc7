"""Owns the scheduled screen: what is to go out and when, changing that, and what was sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import ClassVar

from textual import on
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import DataTable

from mailtui.errors import MailtuiError
from mailtui.service.archive import Archive
from mailtui.service.facade import Service
from mailtui.service.scheduled_rows import ScheduledKind, ScheduledRow
from mailtui.service.schedules import Schedule
from mailtui.service.views import CampaignView
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.password import asking_password, resuming
from mailtui.tui.dialogs.schedule import HOURS, LAUNCHED, RECURRING, ScheduleDialog
from mailtui.tui.dialogs.timed import ask_cancel, ask_send_now
from mailtui.tui.room import Room, start
from mailtui.tui.states import at_rest
from mailtui.tui.text import Plain, tell
from mailtui.tui.waking import start_runner, without_runner
from mailtui.tui.widgets.coming_list import ComingList
from mailtui.tui.widgets.sent_list import SentList
from mailtui.tui.widgets.trouble import Trouble

_LOOK_EVERY = 0.5
_NOTHING = """Nothing is scheduled.

In the review (6), w says when a campaign goes out: at a time,
again and again, or only at some hours of the day."""


class ScheduledScreen(Room):
    """What is to come above, what was sent below; tab goes from one to the other."""

    ROOM: ClassVar[str] = "scheduled"
    BINDINGS: ClassVar = bindings("scheduled")
    CSS_PATH = "scheduled.tcss"
    AUTO_FOCUS = ""
    HELP: ClassVar[str] = (
        "Above is what goes out by itself: campaigns that wait for their time, recurring ones with their next\n"
        "times, and those that wait for a limit or for their hours. Below is what was sent; tab goes there and\n"
        "back. Something goes out only while a process sends: it stays as long as anything is scheduled, also when\n"
        "the app is closed. For one that is there after each start of this machine: mailtui runner --systemd."
    )

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._archive = Archive(service)
        self._no_runner = ""

    def body(self) -> Iterable[Widget]:
        yield Trouble()
        yield Plain(id="no-runner")
        yield Plain("Looking …", id="nothing")
        yield ComingList(id="coming")
        yield SentList(id="sent")

    def on_mount(self) -> None:
        for name in ("#no-runner", "#coming", "#sent"):
            self.query_one(name).display = False

    def on_screen_resume(self) -> None:
        start(self, self._watch, "watch")

    def on_screen_suspend(self) -> None:
        if not isinstance(self.app.screen, ModalScreen):  # under a dialog it is still seen
            self.workers.cancel_group(self, "watch")

    def on_unmount(self) -> None:
        self._archive.close()

    # looking

    async def _watch(self) -> None:
        """Look twice a second whether anything changed, and have the countdowns go on, while the screen is seen."""
        changed_only = False
        while True:
            try:
                if await self._archive.views(changed_only=changed_only) is not None:
                    await self._read()
                self.query_one(ComingList).tick()
                changed_only = True
            except MailtuiError as error:
                self.complain(error)
                changed_only = False
            await asyncio.sleep(_LOOK_EVERY)

    async def _read(self) -> None:
        rows = await self._archive.within(lambda service, _: service.scheduled.rows())
        self._no_runner = await self._archive.within(lambda service, _: service.scheduled.no_runner())
        await self._read_sent()
        with self.app.batch_update():
            nothing = self.query_one("#nothing", Plain)
            nothing.show(_NOTHING)
            nothing.display = not rows
            self.query_one(ComingList).display = bool(rows)
            self.query_one(ComingList).show(rows)
            self.query_one("#no-runner", Plain).show(without_runner(self._no_runner))
            self.query_one("#no-runner").display = bool(self._no_runner)
        if self.focused is None:
            self.query_one("#coming-rows" if rows else "#sent-rows").focus()
        self.refresh_bindings()

    async def _read_sent(self) -> None:
        sent = self.query_one(SentList)
        search = sent.search
        views = await self._archive.within(lambda service, _: service.scheduled.sent(search))
        sent.show([view for view in views if view.begins_at is None])
        sent.display = True

    @on(SentList.Searched)
    def searched(self) -> None:
        start(self, self._read_sent, "search")

    def complain(self, error: MailtuiError) -> None:
        self.query_one(Trouble).tell(error)
        self.refresh_bindings()

    # what is under the cursor

    @property
    def _row(self) -> ScheduledRow | None:
        return self.query_one(ComingList).row if self.query_one(ComingList).display else None

    @property
    def _view(self) -> CampaignView | None:
        """What was sent and is under the cursor, where the cursor is there."""
        sent = self.query_one(SentList)
        return sent.view if self.focused is sent.query_one("#sent-rows") else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is nothing for."""
        if not self.is_mounted:
            return super().check_action(action, parameters)
        below = self._view is not None
        row = None if below else self._row
        waits = row is not None and row.kind is ScheduledKind.WAITING
        paused = row is not None and row.state == "paused" and (not waits or row.asks_about_missed)
        possible = {
            "open_row": below or (row is not None and (waits or bool(row.schedule))),
            "edit": row is not None and (waits or bool(row.schedule)),
            "send_now": row is not None,
            "pause": row is not None and not paused,
            "resume": paused,
            "cancel": row is not None,
            "start_runner": bool(self._no_runner),
        }
        if action == "put_away":
            return self.query_one(Trouble).display or self.query_one(SentList).searching
        return (True if possible[action] else None) if action in possible else super().check_action(action, parameters)

    # actions

    @on(DataTable.RowSelected)
    def action_open_row(self) -> None:
        view, row = self._view, self._row
        if view is not None:
            start(self, partial(self.show_campaign, "report" if at_rest(view) else "board", view.id), "go")
        elif row is not None and row.kind is ScheduledKind.WAITING:
            start(self, partial(self.show_campaign, "board", row.id), "go")
        else:
            self.action_edit()

    def action_edit(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._edit, row), "dialog")

    async def _edit(self, row: ScheduledRow) -> None:
        schedule = Schedule.from_json(row.schedule)
        to = {ScheduledKind.RECURRING: RECURRING, ScheduledKind.WAITING: HOURS}.get(row.kind, LAUNCHED)
        dialog = ScheduleDialog(row.name, schedule, to=to, runs=row.runs)
        chosen = await self.app.push_screen_wait(dialog)
        if chosen is None:
            return
        if to is HOURS:
            await self._do(row, lambda: self.service.scheduled.change_hours(row.id, chosen.schedule))
            return
        waits_again = row.kind is ScheduledKind.ONCE and row.state == "paused"
        if chosen.schedule is None or (chosen.schedule == schedule and not waits_again):
            return
        wanted = chosen.schedule
        await self._do(row, lambda: self.service.scheduled.reschedule(row.id, wanted))

    def action_send_now(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._send_now, row), "dialog")

    async def _send_now(self, row: ScheduledRow) -> None:
        if row.asks_about_missed:
            view = await self.service.view(row.id)
            await self._do(row, lambda: resuming(self.app, self.service, view))
        elif await self.app.push_screen_wait(ask_send_now(row)):
            await self._do(row, lambda: self.service.scheduled.send_now(row.id))

    def action_pause(self) -> None:
        self._order(self.service.scheduled.pause)

    def action_resume(self) -> None:
        row = self._row
        if row is not None and (row.kind is ScheduledKind.ONCE or row.asks_about_missed):
            self.action_send_now()  # that is what going on means for one whose time has passed
        else:
            self._order(self.service.scheduled.resume)

    def action_cancel(self) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._cancel, row), "dialog")

    async def _cancel(self, row: ScheduledRow) -> None:
        if await self.app.push_screen_wait(ask_cancel(row)):
            await self._do(row, lambda: self.service.scheduled.cancel(row.id))

    def action_start_runner(self) -> None:
        start(self, partial(start_runner, self, self.service), "order")

    def action_find(self) -> None:
        self.query_one(SentList).find()
        self.refresh_bindings()

    def action_put_away(self) -> None:
        """Put an error away; where there is none, look for nothing any more."""
        if self.query_one(Trouble).display:
            self.query_one(Trouble).clear()
        else:
            self.query_one(SentList).stop()
        self.refresh_bindings()

    def _order(self, order: Callable[[str], Awaitable[str]]) -> None:
        row = self._row
        if row is not None:
            start(self, partial(self._do, row, lambda: order(row.id)), "order")

    async def _do(self, row: ScheduledRow, work: Callable[[], Awaitable[str]]) -> None:
        self.query_one(Trouble).clear()
        answer = await self.ask(lambda: asking_password(self.app, self.service, work))
        if answer is not None:
            tell(self.app, f"{row.name}: {answer}")
        await self._read()
