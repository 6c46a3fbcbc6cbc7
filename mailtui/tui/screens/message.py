"""Owns the message screen: the texts a mail is made from, the fields they use, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from typing import ClassVar

from textual import on
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailtui.errors import MailtuiError
from mailtui.service.drafts import BODIES, Draft, DraftFile
from mailtui.service.facade import Service
from mailtui.service.lists import CheckReport
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.campaign_room import CampaignRoom
from mailtui.tui.room import start
from mailtui.tui.screens.preview import show_mail_of
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.checking import Checking, Heard
from mailtui.tui.widgets.draft_text import entry, fields
from mailtui.tui.widgets.findings import Findings
from mailtui.tui.widgets.mail_text import as_source
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.wrapped import Wrapped

_EMPTY = """No message here yet.

Press o to open a campaign file (campaign.yaml).
A sample to start from is written by: mailtui init DIR"""
_LIST_ONLY = """Only a list is open, and a list has no message.

Press o to open a campaign file (campaign.yaml): it names the list and the templates.
A sample to start from is written by: mailtui init DIR"""


class MessageScreen(CampaignRoom):
    """The message's files at the left, the one under the cursor at the right; what a check found below."""

    ROOM: ClassVar[str] = "message"
    HELP: ClassVar[str] = (
        "The texts this mail is made from, as they are on disk now, and the fields they use with the first"
        " recipient's value. Edit them with an editor of yours and come back, or press r. c renders every row and"
        " lists what is wrong; enter on a finding shows the mail of the first row it is about."
    )
    EMPTY: ClassVar[str] = _EMPTY
    LIST_ONLY: ClassVar[str] = _LIST_ONLY
    CONTENT: ClassVar[str] = "#draft"
    CSS_PATH = "message.tcss"
    BINDINGS: ClassVar = bindings("message")

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._draft: Draft | None = None
        self._shown: tuple[str, str] | None = None
        self.checking = Checking()

    def content(self) -> Iterable[Widget]:
        with Horizontal(id="draft"):
            with Vertical(id="left"):
                yield OptionList(id="files", markup=False)
                yield Plain("Fields", classes="title")
                with VerticalScroll(id="fields-scroll", can_focus=False):
                    yield Plain(id="fields")
            with Vertical(id="right"):
                yield Plain(id="file-name")
                with VerticalScroll(id="source-scroll"):
                    yield Wrapped(id="source")
        yield self.checking

    # reading and showing

    def forget(self) -> None:
        self._draft = self._shown = None
        self.checking.forget()

    def look(self) -> None:
        """Read the files again: they may have been edited since."""
        self.query_one("#draft").loading = self._draft is None
        start(self, self._read_draft, "draft")

    async def _read_draft(self) -> None:
        draft = await self.ask(self.bench.draft)
        self.query_one("#draft").loading = False
        if draft is None:
            return
        first_time = self._draft is None
        self._draft = draft
        if draft.errors:
            self.query_one(Trouble).tell(*draft.errors)
        else:
            self.query_one(Trouble).clear()
        self._show_files(draft)
        self.query_one("#fields", Plain).show(fields(draft, short=self._is_narrow))
        if first_time or self.focused is None:
            self.query_one("#files").focus()
        self.refresh_bindings()

    def _show_files(self, draft: Draft) -> None:
        files = self.query_one("#files", OptionList)
        kept = [(file.role, file.name) for file in draft.files]
        wrong = [number for number, file in enumerate(draft.files) if file.wrong]
        bodies = [number for number, file in enumerate(draft.files) if file.role in BODIES]
        at = kept.index(self._shown) if self._shown in kept else (wrong or bodies or [0])[0]
        with self.prevent(OptionList.OptionHighlighted):
            files.clear_options()
            files.add_options([Option(entry(file, short=self._is_narrow)) for file in draft.files])
            files.highlighted = at
        self._show_file(draft.files[at])

    @property
    def _is_narrow(self) -> bool:
        return self.app.size.width < 80

    @on(OptionList.OptionHighlighted, "#files")
    def chosen(self, event: OptionList.OptionHighlighted) -> None:
        if self._draft is not None:
            self._show_file(self._draft.files[event.option_index])

    def _show_file(self, file: DraftFile) -> None:
        again, self._shown = self._shown == (file.role, file.name), (file.role, file.name)
        where = plain("" if file.role in (*BODIES, "included", "campaign") else "  in the campaign file")
        title = joined(plain(file.role, "$text-muted"), "  ", plain(file.name, "bold", limit=80), where)
        self.query_one("#file-name", Plain).show(title)
        wrong = {line: f"{problem.message} {problem.hint}".strip() for line, problem in file.wrong.items()}
        self.query_one("#source", Wrapped).show_lines(as_source(file.source, file.language, wrong))
        if not again:
            line = min(file.wrong, default=1)
            self.query_one("#source-scroll").scroll_to(0, max(0, line - 4), animate=False)

    # checking

    async def _check(self) -> None:
        def check(heard: Heard) -> Awaitable[CheckReport | None]:
            return self.ask(lambda: self.bench.check(every_row=True, progress=heard))

        await self.checking.run(check)

    @on(Findings.Chosen)
    async def go_to_row(self, event: Findings.Chosen) -> None:
        await show_mail_of(self.app, event.row)

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is no message for."""
        if action in ("next_file", "reload") and self.bench.campaign is None:
            return None
        if action == "check":
            return None if self.bench.campaign is None or self.checking.busy else True
        return super().check_action(action, parameters)

    def action_next_file(self) -> None:
        files = self.query_one("#files", OptionList)
        if files.option_count:
            files.highlighted = ((files.highlighted or 0) + 1) % files.option_count

    def action_check(self) -> None:
        start(self, self._check, "check")

    def action_reload(self) -> None:
        start(self, self._reload, "draft")

    async def _reload(self) -> None:
        """The campaign file too; a filter set on the rules screen stays."""
        campaign, chosen, own = self.bench.campaign, self.bench.filter_text, self.bench.file_filter
        if campaign is None or await self.ask(lambda: self.bench.open(campaign.path)) is None:
            return
        if chosen != own:
            try:
                self.bench.set_filter(chosen)
            except MailtuiError as error:
                self.complain(error)
        await self.opened()
