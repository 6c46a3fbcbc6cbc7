"""Owns the report: what a launched campaign came to, and what became of every recipient."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import ClassVar

from textual.widget import Widget

from mailtui.errors import MailtuiError
from mailtui.kit.durations import show_duration
from mailtui.kit.words import sentence
from mailtui.service.archive import Archive
from mailtui.service.facade import Service
from mailtui.service.orders import Retried
from mailtui.service.views import CampaignView
from mailtui.service.workbench import Workbench
from mailtui.tui import second_chances
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.suppress import suppress
from mailtui.tui.exporting import export
from mailtui.tui.room import Room, start
from mailtui.tui.second_chances import Ordered
from mailtui.tui.states import campaign_look, going_on, resumable, told_lines, totals_content
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.ways_on import way_on
from mailtui.tui.widgets.failures import Failures
from mailtui.tui.widgets.recipient_pages import RecipientPages

_LOOK_AGAIN = 1.0
_EMPTY = "Nothing has been launched from this outbox, so there is nothing to report."


class ReportScreen(Room):
    """About the campaign that was watched last, or the newest."""

    ROOM: ClassVar[str] = "report"
    BINDINGS: ClassVar = bindings("report")
    CSS_PATH = "report.tcss"
    HELP: ClassVar[str] = (
        "Every recipient has exactly one state. Unknown is a mail whose reply was lost: it may have arrived,\n"
        "and is never sent again by itself: u settles it. r sends again what failed; a corrects an address first.\n"
        "The same as a file: e, or on the command line: mailtui report ID."
    )

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._archive = Archive(service)
        self._view: CampaignView | None = None

    def body(self) -> Iterable[Widget]:
        yield Plain("Looking …", id="empty", classes="empty")
        yield Plain(id="head")
        yield Plain(id="totals")
        yield Failures(self._archive, id="failures")
        yield RecipientPages(self._archive, id="recipients")
        yield Plain(id="trouble", classes="trouble")

    @property
    def _recipients(self) -> RecipientPages:
        return self.query_one(RecipientPages)

    def on_mount(self) -> None:
        self._show_trouble("")
        self._show_parts(some=False)

    def on_screen_resume(self) -> None:
        start(self, self._follow, "follow")

    def on_screen_suspend(self) -> None:
        self.workers.cancel_group(self, "follow")

    def on_unmount(self) -> None:
        self._archive.close()

    def turn_to(self, campaign_id: str) -> None:
        """Be about this campaign from now on."""
        self.house.watched = campaign_id
        if self.is_current:
            start(self, self._follow, "follow")

    async def _follow(self) -> None:
        """Keep the totals right while the screen is seen; the lines are read when somebody asks for them."""
        while True:
            try:
                view = await self._look()
                if view is not None:
                    await self._take(view)
            except MailtuiError as error:
                self.complain(error)
            await asyncio.sleep(_LOOK_AGAIN)

    async def _look(self) -> CampaignView | None:
        campaign = self.house.watched
        if campaign:
            return await self.service.view(campaign)
        views = await self._archive.views()
        return views[-1] if views else None

    async def _take(self, view: CampaignView) -> None:
        before, self._view = self._view, view
        if before is None or before.id != view.id:
            self._show_parts(some=True)
            self._show_totals(view)
            start(self, self._recipients.read, "read")  # by itself: this look may be given up for another one
        elif _looks_otherwise(before, view):
            self._show_totals(view)
        await self.query_one(Failures).read(view)

    def _show_parts(self, *, some: bool) -> None:
        empty = self.query_one("#empty", Plain)
        empty.display = not some
        if not some:
            empty.show(_EMPTY)
        for name in ("#head", "#totals", "#failures", "#recipients"):
            self.query_one(name).display = some

    def _show_totals(self, view: CampaignView) -> None:
        times = show_duration(view.send_seconds) if view.send_seconds else ""
        reason = f"because {view.reason}" if view.reason and not view.active else ""
        head = (
            plain(view.name, "bold", limit=max(12, self.size.width - 40)),
            campaign_look(view).content,
            *(plain(text, "$text-muted") for text in (view.id, times, reason) if text),
        )
        self.query_one("#head", Plain).show(joined(*head, separator="   "))
        totals, halted = totals_content(view, self.size.width - 2), going_on(view)
        lines = [totals, plain(halted, "$text-warning")] if halted else [totals]
        lines += told_lines(view)
        self.query_one("#totals", Plain).show(joined(*lines, separator="\n"))
        self._recipients.tell(view)
        self.refresh_bindings()

    def complain(self, error: MailtuiError) -> None:
        text = "\n".join(part for part in (sentence(error.title), error.detail, way_on(error)) if part)
        self._show_trouble(text)

    def _show_trouble(self, text: str) -> None:
        place = self.query_one("#trouble", Plain)
        place.display = bool(text)
        place.show(plain(text, newlines=True))

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is nothing for."""
        if action not in _ABOUT_IT:
            return super().check_action(action, parameters)
        view = self._view
        if view is None:
            return None
        line = self._recipients.line
        possible = {
            "page": self._recipients.has(1 if parameters == (1,) else -1),
            "retry": not view.state.startswith("cancel") and bool(view.counts.failed or view.counts.deferred),
            "resolve": view.counts.unknown > 0,
            "suppress": line is not None,
            "address": line is not None and line.state in ("failed", "deferred"),
        }
        return True if possible.get(action, True) else None

    def needs(self, action: str) -> str:
        """Who wants to go on with a campaign that halts looks for it here."""
        said = super().needs(action)
        halted = action == "retry" and self._view is not None and resumable(self._view)
        return f"{said} To go on: 7, then r." if halted else said

    def action_state(self) -> None:
        """The next state that somebody is in."""
        self._recipients.step_state()
        start(self, self._recipients.read, "read")

    def action_page(self, step: int) -> None:
        start(self, partial(self._recipients.turn, step), "read")

    def action_again(self) -> None:
        start(self, self._recipients.read, "read")

    def action_goto(self) -> None:
        start(self, self._goto, "goto")

    async def _goto(self) -> None:
        view, recipients = self._view, self._recipients
        if view is None:
            return
        place = await self.app.push_screen_wait(GotoDialog(recipients.total, title="Go to a recipient, by place"))
        if isinstance(place, int):
            start(self, partial(recipients.go_to, place), "read")
        elif place is not None:
            one = await self.service.orders.find(view, to=place)
            if not await recipients.find(one.id, one.address, one.copy_of[1] if one.copy_of else None):
                self._show_trouble(f"{one.address} is {one.state}, and not among those shown. f shows others.")

    def action_retry(self) -> None:
        state = self._recipients.state
        only: Retried | None = "failed" if state == "failed" else "deferred" if state == "deferred" else None
        self._order(lambda view: second_chances.retry(self.app, self.service, view, only))

    def action_resolve(self) -> None:
        line = self._recipients.line
        about = line if line is not None and line.state == "unknown" else None
        self._order(lambda view: second_chances.resolve(self.app, self.service, view, about))

    def action_address(self) -> None:
        line = self._recipients.line
        if line is not None:
            self._order(lambda view: second_chances.correct(self.app, self.service, view, line))

    def _order(self, ask: Callable[[CampaignView], Awaitable[Ordered | None]]) -> None:
        """Ask, and give the order; where mail goes out by it, the board is the place to be."""

        async def give() -> None:
            if self._view is None:
                return
            view = await self.service.view(self._view.id)
            ordered = await ask(view)
            if ordered is None:
                return
            self._show_trouble("")
            tell(self.app, f"{view.name}: {ordered.answer}")
            if ordered.sends:
                await self.show_campaign("board", view.id)
            else:
                start(self, self._recipients.read_on, "read")

        start(self, give, "order")

    def action_suppress(self) -> None:
        line, view = self._recipients.line, self._view
        if line is not None and view is not None:
            source = f"report of {view.name} ({view.id})"
            start(self, partial(suppress, self.app, self.service, line.address, source=source), "order")

    def action_export(self) -> None:
        self._export(original=False)

    def action_rows(self) -> None:
        self._export(original=True)

    def _export(self, *, original: bool) -> None:
        view, recipients = self._view, self._recipients
        if view is not None:
            self._show_trouble("")
            work = partial(export, self.app, self._archive, view, recipients.state, recipients.total, original=original)
            start(self, work, "export")


_ABOUT_IT = ("state", "page", "goto", "retry", "resolve", "address", "again", "export", "rows", "suppress")


def _looks_otherwise(before: CampaignView, view: CampaignView) -> bool:
    """Whether what stands above the recipients has changed."""
    if view.told and (before.told != view.told or (before.runner is None) != (view.runner is None)):
        return True
    return (before.counts, before.state, before.lost) != (view.counts, view.state, view.lost)
