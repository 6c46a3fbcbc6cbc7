"""Owns the preview screen: any recipient's mail in five views, one after another, found, or beside another one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import App
from textual.widget import Widget

from mailtui.errors import MailtuiError
from mailtui.service.facade import Service
from mailtui.service.lists import RowView
from mailtui.service.previews import Preview
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.mail_room import MailRoom
from mailtui.tui.recipient_search import RecipientSearch
from mailtui.tui.room import start
from mailtui.tui.text import joined, plain
from mailtui.tui.ways_on import after_mail
from mailtui.tui.widgets.find_bar import FindBar
from mailtui.tui.widgets.mail_text import mail_pages
from mailtui.tui.widgets.mail_view import MailView
from mailtui.tui.widgets.trouble import Trouble

_EMPTY = """No mail to show yet.

Press o to open a campaign file (campaign.yaml)."""
_LIST_ONLY = """Only a list is open, and a list has no mails.

Press o to open a campaign file (campaign.yaml): it names the list and the templates."""
_NOBODY = """Nobody gets a mail: the filter lets in no row with a usable address.

Press 3 to change the filter, or g to look at any row's mail."""


class PreviewScreen(MailRoom):
    """One recipient's mail exactly as it would be sent."""

    ROOM: ClassVar[str] = "preview"
    HELP: ClassVar[str] = (
        "One recipient's mail exactly as it would be sent, rendered anew each time it is looked at. n and b go through"
        " the recipients under the filter, and once a text has been found with / through those who have it; g goes to"
        " any row, also one that is left out, and w lists the rows to look at first. m marks a mail, and d shows how"
        " the others differ from it. Nothing is loaded from the network: pictures are named, and links are numbered"
        " with their targets below. The page for the browser (B) and the picture (p) load nothing either."
    )
    EMPTY: ClassVar[str] = _EMPTY
    LIST_ONLY: ClassVar[str] = _LIST_ONLY
    CONTENT: ClassVar[str] = "MailView"
    BINDINGS: ClassVar = bindings("preview")

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._row: int | None = None  # where the next step goes on from
        self._wanted: int | None = None  # the row to go to; 0 for the first recipient
        self._steps = 0  # and how many recipients on from there, or back
        self._working = False
        self._search = RecipientSearch(bench, self._say)

    def content(self) -> Iterable[Widget]:
        yield MailView()
        yield FindBar()

    def show_row(self, row: int) -> None:
        self._wanted, self._steps = row, 0
        self._work()

    def show_again(self) -> None:
        if self._row is not None:
            self.show_row(self._row)

    def marked_another(self) -> None:
        self._say()

    # getting the mail

    def forget(self) -> None:
        self._row = None
        self.forget_mail()
        self._search.forget()
        self.query_one(MailView).clear()

    def look(self) -> None:
        self._search.keep_to_list()
        if self._wanted is None:
            self._wanted = self._row or 0
            self._work()

    def _work(self) -> None:
        if self._working or self.lacks_list:
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
                beside = await self._search.beside(row, onward=steps > 0)
                if beside is None:
                    which = "recipient" if self._search.found is None else "one with this text"
                    note = f"This is the {'last' if steps > 0 else 'first'} {which}."
                    break
                row = beside
            if row:
                await self._show_row(row, note)
            else:
                self._row = self.mail = None
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
        self.bench.shown_row = row
        mail: Preview | None = None
        trouble: MailtuiError | None = None
        try:
            mail = await self.bench.preview(row=row)
        except MailtuiError as error:
            trouble = error
        if campaign != self._of:
            return  # another campaign has been opened meanwhile, and its mail is on its way
        self.mail = mail
        if mail is not None and len(mail.recipient.rows) > 1:
            note = f"{note} {len(mail.recipient.rows):,} rows make this mail.".strip()
        if mail is not None:
            await self._show_mail(mail, about, note)
            self.query_one(Trouble).clear()
        elif trouble is not None:
            view.show_none(about, note)
            self.query_one(Trouble).tell(trouble, after=after_mail(trouble))
        self._say()
        self.show_empty("", empty=False)
        if moved:
            view.scroll_to_top()

    async def _show_mail(self, mail: Preview, about: RowView, note: str) -> None:
        """What takes long of a long mail is done in a thread."""
        view = self.query_one(MailView)
        if self.comparing and self.marked is not None:
            marked, pairs = await self.differences(self.marked, mail)
            view.show_differences(marked, about, pairs, note)
        else:
            view.show_mail(about, mail, await asyncio.to_thread(mail_pages, mail.view), note)

    def _say(self) -> None:
        """Beside the names of the views: what is looked for, where among those found this is, which row is marked."""
        said = self._search.said(self._row or 0)
        parts = [] if said is None else [said]
        if self.marked is not None:
            parts.append(plain(f"marked: row {self.marked:,}", "$text-muted"))
        self.query_one(MailView).say(joined(*parts, separator="  "))
        self.refresh_bindings()

    # finding

    def action_find(self) -> None:
        self.query_one(FindBar).ask()

    @on(FindBar.Asked)
    def asked(self, event: FindBar.Asked) -> None:
        self.query_one("#mail-scroll").focus()
        start(self, partial(self._find, event.text), "find")

    @on(FindBar.Closed)
    def closed(self) -> None:
        self.query_one("#mail-scroll").focus()

    async def _find(self, text: str) -> None:
        row = await self._search.look_for(text, self._row or 0, self.set_interval)
        if row is not None:
            self.show_row(row)

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is no mail for."""
        if action == "put_away":
            return bool(self._search.going or self.comparing or self._search.found or self.query_one(Trouble).display)
        if action == "turn":
            return self.comparing
        if action in ("next", "previous", "find") and self.lacks_list:
            return None
        if action == "view" and self.mail is None:
            return None
        if action == "test" and self._working:
            return None  # not while another mail is on its way: it must be clear whose is sent
        return super().check_action(action, parameters)

    def action_next(self) -> None:
        self._steps += 1
        self._work()

    def action_previous(self) -> None:
        self._steps -= 1
        self._work()

    def action_view(self, by: int) -> None:
        self.query_one(MailView).next_view(by)

    def action_turn(self) -> None:
        self.query_one(MailView).turn()

    def action_put_away(self) -> None:
        """One step back: out of a search under way, an error, the comparison, what was found."""
        trouble = self.query_one(Trouble)
        if trouble.display and not self._search.going:
            trouble.clear()
        elif self.comparing and not self._search.going:
            self.action_compare()
        else:
            self._search.stop()
        self.refresh_bindings()


async def show_mail_of(app: App[Any], row: int) -> None:
    """Go to the preview of a row."""
    await app.switch_mode("preview")
    if isinstance(app.screen, PreviewScreen):
        app.screen.show_row(row)
