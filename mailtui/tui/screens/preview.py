"""Owns the preview screen: any recipient's mail, in four views, one recipient after another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, ClassVar

from textual.app import App
from textual.widget import Widget

from mailtui.errors import MailtuiError, TemplateError, UsageError
from mailtui.service.drafts import Block, lay_out
from mailtui.service.facade import Service
from mailtui.service.previews import Preview
from mailtui.service.testmail import TestVerdict
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.campaign_room import CampaignRoom
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.password import asking_password
from mailtui.tui.dialogs.test_mail import SendTestDialog
from mailtui.tui.room import start
from mailtui.tui.widgets.mail_view import MailView
from mailtui.tui.widgets.trouble import Trouble

_EMPTY = """No mail to show yet.

Press o to open a campaign file (campaign.yaml)."""
_LIST_ONLY = """Only a list is open, and a list has no mails.

Press o to open a campaign file (campaign.yaml): it names the list and the templates."""
_NOBODY = """Nobody gets a mail: the filter lets in no row with a usable address.

Press 3 to change the filter, or g to look at any row's mail."""


class PreviewScreen(CampaignRoom):
    """One recipient's mail exactly as it would be sent."""

    ROOM: ClassVar[str] = "preview"
    HELP: ClassVar[str] = (
        "One recipient's mail exactly as it would be sent, rendered anew each time it is looked at. n and b go through"
        " the recipients under the filter; g goes to any row, also one that is left out. Nothing is loaded from the"
        " network: pictures are named, and links are numbered with their targets below."
    )
    EMPTY: ClassVar[str] = _EMPTY
    LIST_ONLY: ClassVar[str] = _LIST_ONLY
    CONTENT: ClassVar[str] = "MailView"
    BINDINGS: ClassVar = bindings("preview")

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._row: int | None = None  # where the next step goes on from
        self._mail: Preview | None = None
        self._wanted: int | None = None  # the row to go to; 0 for the first recipient
        self._steps = 0  # and how many recipients on from there, or back
        self._working = False
        self._test_address = ""

    def content(self) -> Iterable[Widget]:
        yield MailView()

    def show_row(self, row: int) -> None:
        """Show the mail of this row of the list, whether the filter lets it in or not."""
        self._wanted, self._steps = row, 0
        self._work()

    # getting the mail

    def forget(self) -> None:
        self._row = self._mail = None
        self.query_one(MailView).clear()

    def look(self) -> None:
        if self._wanted is None:
            self._wanted = self._row or 0
            self._work()

    def _work(self) -> None:
        if self._working or self.bench.campaign is None:
            return
        self._working = True
        self.refresh_bindings()
        start(self, self._follow, "mail")

    async def _follow(self) -> None:
        """Render what is wanted now; keys pressed meanwhile add up, and only where they lead to is rendered."""
        try:
            while self._wanted is not None or self._steps:
                await self._go()
        finally:
            self._working = False
            self.refresh_bindings()

    async def _go(self) -> None:
        wanted, self._wanted = self._wanted, None
        steps, self._steps = self._steps, 0
        row = wanted if wanted is not None else self._row or 0
        if row == 0:
            steps = max(steps, 1)
        note = ""
        self.query_one(MailView).wait_for(row)
        try:
            for _ in range(abs(steps)):
                beside = await self.bench.neighbour(row, 1 if steps > 0 else -1)
                if beside is None:
                    note = f"This is the {'last' if steps > 0 else 'first'} recipient."
                    break
                row = beside
            if row:
                await self._show_row(row, note)
            else:
                self._row, self._mail = None, None
                self.show_empty(_NOBODY, empty=True)
        except Superseded:
            self.query_one(MailView).go_back()
        except MailtuiError as error:
            self.query_one(MailView).go_back()
            self.complain(error)

    async def _show_row(self, row: int, note: str) -> None:
        view, campaign = self.query_one(MailView), self._of
        view.wait_for(row)
        about = await self.bench.explain(row)
        moved, self._row = row != self._row, row
        mail: Preview | None = None
        trouble: MailtuiError | None = None
        blocks: tuple[Block, ...] | None = None
        try:
            mail = await self.bench.preview(row=row)
            html = mail.view.html
            if html is not None:
                blocks = await asyncio.to_thread(lay_out, html)
        except MailtuiError as error:
            trouble = error
        if campaign != self._of:
            return  # another campaign has been opened meanwhile, and its mail is on its way
        self._mail = mail
        if mail is not None and len(mail.recipient.rows) > 1:
            note = f"{note} {len(mail.recipient.rows):,} rows make this mail.".strip()
        if mail is not None:
            view.show_mail(about, mail, blocks, note)
            self.query_one(Trouble).clear()
        elif trouble is not None:
            view.show_none(about, note)
            self.query_one(Trouble).tell(trouble, after=_ways_on(trouble))
        self.show_empty("", empty=False)
        if moved:
            view.scroll_to_top()

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is no mail for."""
        if action in ("next", "previous", "goto") and self.bench.campaign is None:
            return None
        if action == "view" and self._mail is None:
            return None
        if action == "test" and (self._mail is None or self._working):
            return None  # not while another mail is on its way: it must be clear whose is sent
        return super().check_action(action, parameters)

    def action_next(self) -> None:
        self._steps += 1
        self._work()

    def action_previous(self) -> None:
        self._steps -= 1
        self._work()

    def action_view(self) -> None:
        self.query_one(MailView).next_view()

    def action_goto(self) -> None:
        start(self, self._goto, "dialog")

    async def _goto(self) -> None:
        opened = self.bench.open_list
        if opened is None:
            return
        chosen = await self.app.push_screen_wait(GotoDialog(opened.rows, title="Go to a recipient"))
        if isinstance(chosen, str):
            address = chosen
            chosen = await self.ask(lambda: self._find(address))
        if chosen is not None:
            self.show_row(chosen)

    async def _find(self, address: str) -> int:
        row = await self.bench.find(address)
        if row is None:
            raise UsageError(f"{address} is not on the list", hint="The mail shown below is still the one before.")
        return row

    def action_test(self) -> None:
        start(self, self._test, "dialog")

    async def _test(self) -> None:
        mail = self._mail
        if mail is None:
            return

        async def send(address: str) -> TestVerdict:
            self._test_address = address
            row = mail.recipient.row
            verdict = await asking_password(self.app, self.service, lambda: self.bench.test(row, address))
            if verdict.stage == "auth" and not verdict.sent and self.bench.campaign is not None:
                account = self.service.campaigns.endpoint(self.bench.campaign).account
                self.service.tell_password(account, None)  # asked for again: it may have been mistyped
            return verdict

        await self.app.push_screen_wait(SendTestDialog(mail.recipient.address, self._test_address, send))


def _ways_on(error: MailtuiError) -> str:
    if isinstance(error, TemplateError):
        return "4 shows the message's files."
    return "n and b go on to other recipients."


async def show_mail_of(app: App[Any], row: int) -> None:
    """Go to the preview of a row."""
    await app.switch_mode("preview")
    if isinstance(app.screen, PreviewScreen):
        app.screen.show_row(row)
