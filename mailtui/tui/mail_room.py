"""Owns what can be done with the one mail that a room shows: go to another, compare, test, browser, picture."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from mailtui.errors import UsageError
from mailtui.service.browsers import NoBrowser
from mailtui.service.facade import Service
from mailtui.service.previews import VIEWS, Pair, Preview, differences_of
from mailtui.service.testmail import TestVerdict
from mailtui.service.workbench import Workbench
from mailtui.tui.campaign_room import CampaignRoom
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.mail_picture import MailPictureDialog
from mailtui.tui.dialogs.password import asking_password
from mailtui.tui.dialogs.test_mail import SendTestDialog
from mailtui.tui.dialogs.worst_rows import WorstRowsDialog
from mailtui.tui.room import start
from mailtui.tui.text import from_home, tell


class MailRoom(CampaignRoom):
    """A room that shows one mail at a time."""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self.mail: Preview | None = None
        """The mail that is shown."""
        self.marked: int | None = None
        """The row whose mail others are compared with; it is rendered anew each time, as they are."""
        self.comparing = False
        self._test_address = ""

    def show_row(self, row: int) -> None:
        """Show the mail of this row of the list, whether the filter lets it in or not."""
        raise NotImplementedError

    def show_again(self) -> None:
        """Show the mail that is shown, beside the marked one or by itself."""
        raise NotImplementedError

    def marked_another(self) -> None:
        """Say which one is marked now."""
        raise NotImplementedError

    def forget_mail(self) -> None:
        """It was another campaign's."""
        self.mail, self.marked = None, None
        self.comparing = False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is no mail for."""
        if action in ("goto", "worst") and self.lacks_list:
            return None
        if action in ("mark", "compare", "browser", "picture", "test") and self.mail is None:
            return None
        return super().check_action(action, parameters)

    # other mails

    def action_goto(self) -> None:
        start(self, self._goto, "dialog")

    async def _goto(self) -> None:
        row = await self._ask_for_row("Go to a recipient")
        if row is not None:
            self.show_row(row)

    def action_worst(self) -> None:
        start(self, self._worst, "dialog")

    async def _worst(self) -> None:
        row = await self.app.push_screen_wait(WorstRowsDialog(self.bench))
        if row is not None:
            self.show_row(row)

    async def _ask_for_row(self, title: str) -> int | None:
        opened = self.bench.open_list
        if opened is None:
            return None
        chosen = await self.app.push_screen_wait(GotoDialog(opened.rows, title=title))
        if not isinstance(chosen, str):
            return chosen
        row = await self.bench.find(chosen)
        if row is None:
            raise UsageError(f"{chosen} is not on the list", hint="The mail shown below is still the one before.")
        return row

    # comparing

    def action_mark(self) -> None:
        self.marked = None if self.mail is None else self.mail.recipient.row
        self.marked_another()

    def action_compare(self) -> None:
        if self.comparing:
            self.comparing = False
            self.show_again()
        else:
            start(self, self._compare, "dialog")

    async def _compare(self) -> None:
        if self.marked is None:
            row = await self._ask_for_row("Compare with which row?")
            if row is None:
                return
            self.marked = (await self.bench.preview(row=row)).recipient.row
        self.comparing = True
        self.show_again()

    async def differences(self, row: int, mail: Preview) -> tuple[Preview, Mapping[str, Sequence[Pair]]]:
        """The mail of a row, and how this one differs from it, in each of the views."""
        marked = await self.bench.preview(row=row)
        return marked, await asyncio.to_thread(lambda: {view: differences_of(marked, mail, view) for view in VIEWS})

    # this mail

    def action_test(self) -> None:
        start(self, self._test, "dialog")

    async def _test(self) -> None:
        mail = self.mail
        if mail is None:
            return

        async def send(address: str, marked: bool) -> TestVerdict:
            self._test_address = address
            row = mail.recipient.row
            verdict = await asking_password(
                self.app, self.service, lambda: self.bench.test(row, address, marked=marked)
            )
            if verdict.stage == "auth" and not verdict.sent:
                self.service.tell_password(verdict.endpoint.account, None)  # asked for again: it may have been mistyped
            return verdict

        await self.app.push_screen_wait(SendTestDialog(mail.recipient.address, self._test_address, send))

    def action_browser(self) -> None:
        start(self, self._browser, "browser")

    async def _browser(self) -> None:
        mail, pages = self.mail, self.service.pages
        if mail is None:
            return
        page = await asyncio.to_thread(pages.page, mail)
        try:
            await asyncio.to_thread(pages.show, page)
        except NoBrowser as error:
            hint = "The page is there until mailtui ends, for you alone; it loads nothing from anywhere."
            raise UsageError(error.title, detail=str(page), hint=hint) from None
        tell(self.app, f"Opened {from_home(str(page))}; the page is gone when the app ends.")

    def action_picture(self) -> None:
        start(self, self._picture, "dialog")

    async def _picture(self) -> None:
        if self.mail is not None and await self.app.push_screen_wait(MailPictureDialog(self.service.pages, self.mail)):
            await self._browser()
