"""Owns the preview screen: any recipient's mail, in four views, one recipient after another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events, on
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widget import Widget

from mailtui.errors import MailtuiError, TemplateError, UsageError
from mailtui.service.campaigns import Preview
from mailtui.service.drafts import lay_out
from mailtui.service.facade import Service
from mailtui.service.lists import RowView
from mailtui.service.testmail import TestVerdict
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.background import in_background
from mailtui.tui.dialogs.goto import GotoDialog
from mailtui.tui.dialogs.password import asking_password
from mailtui.tui.dialogs.test_mail import SendTestDialog
from mailtui.tui.room import Room
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.mail_text import as_headers, as_text, laid_out
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.wrapped import Line, Wrapped

VIEWS = ("laid out", "text", "headers", "source")
_EMPTY = """No mail to show yet.

Press o to open a campaign file (campaign.yaml)."""
_LIST_ONLY = """Only a list is open, and a list has no mails.

Press o to open a campaign file (campaign.yaml): it names the list and the templates."""
_NOBODY = """Nobody gets a mail: the filter lets in no row with a usable address.

Press 3 to change the filter, or g to look at any row's mail."""


class ViewName(Plain):
    """The name of a view; a click chooses it."""

    class Clicked(Message):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, name: str) -> None:
        super().__init__(name, classes="view")
        self.view = name

    def on_click(self, event: events.Click) -> None:
        event.stop()
        self.post_message(self.Clicked(self.view))


class PreviewScreen(Room):
    """One recipient's mail exactly as it would be sent."""

    ROOM: ClassVar[str] = "preview"
    HELP: ClassVar[str] = (
        "One recipient's mail exactly as it would be sent, rendered anew each time it is looked at. n and b go through"
        " the recipients under the filter; g goes to any row, also one that is left out. Nothing is loaded from the"
        " network: pictures are named, and links are numbered with their targets below."
    )
    CSS_PATH = "preview.tcss"
    BINDINGS: ClassVar = bindings("preview")

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._of: object = None
        self._row: int | None = None  # the one that is shown, or whose trouble is
        self._about: RowView | None = None
        self._mail: Preview | None = None
        self._pages: dict[str, Sequence[Line]] = {}
        self._view = VIEWS[0]
        self._wanted: int | None = None  # the row to go to; 0 for the first recipient
        self._steps = 0  # and how many recipients on from there, or back
        self._working = False
        self._test_address = ""

    def body(self) -> Iterable[Widget]:
        yield Trouble()
        yield Plain(_EMPTY, id="empty", classes="empty")
        with Horizontal(id="position"):
            yield Plain(id="who")
            for name in VIEWS:
                yield ViewName(name)
        yield Plain(id="envelope")
        with VerticalScroll(id="mail-scroll"):
            yield Wrapped(id="mail")

    def on_screen_resume(self) -> None:
        super().on_screen_resume()
        self._look_again()

    async def opened(self) -> None:
        await super().opened()
        self._look_again()

    def show_row(self, row: int) -> None:
        """Show the mail of this row of the list, whether the filter lets it in or not."""
        self._wanted, self._steps = row, 0
        self._work()

    # getting the mail

    def _look_again(self) -> None:
        """The files, the list or the filter may have changed since."""
        campaign = self.bench.campaign
        path = None if campaign is None else campaign.path
        if path != self._of:
            self._of, self._row, self._about, self._mail, self._pages = path, None, None, None, {}
            self.query_one(Trouble).clear()
        self._show()
        if campaign is not None and self._wanted is None:
            self._wanted = self._row or 0
            self._work()

    def _work(self) -> None:
        if not self._working and self.bench.campaign is not None:
            self._working = True
            in_background(self, self._follow, group="mail", exclusive=False)
        self._show_who()

    async def _follow(self) -> None:
        """Render what is wanted now; keys pressed meanwhile add up, and only where they lead to is rendered."""
        try:
            while self._wanted is not None or self._steps:
                await self._go()
        finally:
            self._working = False
            self._show_who()
            self.refresh_bindings()

    async def _go(self) -> None:
        wanted, self._wanted = self._wanted, None
        steps, self._steps = self._steps, 0
        row = wanted if wanted is not None else self._row or 0
        if row == 0:
            steps = max(steps, 1)
        at_end = ""
        try:
            for _ in range(abs(steps)):
                beside = await self.bench.neighbour(row, 1 if steps > 0 else -1)
                if beside is None:
                    at_end = "the last recipient" if steps > 0 else "the first recipient"
                    break
                row = beside
            if row == 0:
                self._nobody()
                return
            await self._show_mail_of(row, at_end)
        except Superseded:
            return
        except MailtuiError as error:
            self.complain(error)

    async def _show_mail_of(self, row: int, at_end: str) -> None:
        about = await self.bench.explain(row)
        moved = row != self._row
        self._row, self._about = row, about
        self._show_who()
        try:
            mail = await self.bench.preview(row=row)
            html = mail.view.html
            blocks = await asyncio.to_thread(lay_out, html) if html is not None else None
        except MailtuiError as error:
            if self._wanted is None:
                self._mail, self._pages = None, {}
                self.query_one(Trouble).tell(error, after=_ways_on(error))
                self._show()
            return
        self._mail = mail
        view = mail.view
        text = as_text(view.text) if view.text is not None else [Line(plain("This mail has no plain text part."))]
        self._pages = {
            "laid out": laid_out(blocks) if blocks is not None else text,
            "text": text,
            "headers": as_headers(view.headers, view.tree),
            "source": as_text(view.source),
        }
        self.query_one(Trouble).clear()
        self._show(note=at_end)
        if moved:
            self.query_one("#mail-scroll").scroll_home(animate=False)

    def _nobody(self) -> None:
        self._row, self._about, self._mail, self._pages = None, None, None, {}
        self.query_one(Trouble).clear()
        self._show(nobody=True)

    # showing

    def _show(self, *, nobody: bool = False, note: str = "") -> None:
        open_, mail = self.bench.campaign is not None, self._mail
        empty = self.query_one("#empty", Plain)
        empty.show(_NOBODY if nobody else _LIST_ONLY if self.bench.open_list is not None else _EMPTY)
        empty.display = nobody or not open_
        self.query_one("#position").display = open_ and not nobody
        self.query_one("#envelope").display = open_ and mail is not None
        self.query_one("#mail-scroll").display = open_ and not nobody
        self.query_one("#mail-scroll").loading = open_ and mail is None and self._row is None
        for name in self.query(ViewName):
            name.set_class(name.view == self._view, "-chosen")
        self._show_who(note)
        if mail is not None:
            lines = [
                joined(plain(f"{name:<9}", "$text-muted"), plain(value, "bold" if name == "Subject" else "", limit=200))
                for name, value in mail.view.headers
                if name in ("From", "Subject")
            ]
            self.query_one("#envelope", Plain).show(joined(*lines, separator="\n"))
        self.query_one("#mail", Wrapped).show_lines(self._pages.get(self._view, ()))
        self.refresh_bindings()

    def _show_who(self, note: str = "") -> None:
        """Which row this is, and whether its mail would be sent."""
        about = self._about
        if about is None:
            self.query_one("#who", Plain).show(plain("Rendering …", "$text-muted"))
            return
        parts = [plain(f"row {about.row:,}", "bold"), plain(about.address or "no usable address", limit=80)]
        if not about.matched:
            parts.append(plain("! left out by the filter", "$text-warning"))
        elif about.problem is not None:
            parts.append(plain("! gets none of its own", "$text-warning"))
        if self._working:
            parts.append(plain("rendering …", "$text-muted"))
        elif note:
            parts.append(plain(note, "$text-muted"))
        self.query_one("#who", Plain).show(joined(*parts, separator=" · "))

    def complain(self, error: MailtuiError) -> None:
        self.query_one(Trouble).tell(error)
        self._show()

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is no mail for."""
        if action in ("next", "previous", "goto") and self.bench.campaign is None:
            return None
        if action in ("view", "test") and self._mail is None:
            return None
        return super().check_action(action, parameters)

    def action_next(self) -> None:
        self._steps += 1
        self._work()

    def action_previous(self) -> None:
        self._steps -= 1
        self._work()

    def action_view(self) -> None:
        self._choose(VIEWS[(VIEWS.index(self._view) + 1) % len(VIEWS)])

    @on(ViewName.Clicked)
    def clicked(self, event: ViewName.Clicked) -> None:
        self._choose(event.name)

    def _choose(self, view: str) -> None:
        self._view = view
        self._show()
        self.query_one("#mail-scroll").scroll_home(animate=False)

    def action_goto(self) -> None:
        in_background(self, self._goto, group="dialog")

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
        in_background(self, self._test, group="dialog")

    async def _test(self) -> None:
        mail = self._mail
        if mail is None:
            return

        async def send(address: str) -> TestVerdict:
            self._test_address = address
            row = mail.recipient.row
            return await asking_password(self.app, self.service, lambda: self.bench.test(row, address))

        await self.app.push_screen_wait(SendTestDialog(mail.recipient.address, self._test_address, send))


def _ways_on(error: MailtuiError) -> str:
    if isinstance(error, TemplateError):
        return "4 shows the message's files."
    return "n and b go on to other recipients."
