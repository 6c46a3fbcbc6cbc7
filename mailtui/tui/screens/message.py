"""Owns the message screen: the texts a mail is made from, edited beside what they name, what is wrong, and the mail."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable
from functools import partial
from typing import Any, ClassVar

from textual import events, on
from textual.widget import Widget
from textual.widgets import OptionList

from mailtui.errors import MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.facade import Service
from mailtui.service.lists import CheckReport
from mailtui.service.workbench import Workbench
from mailtui.tui.actions import bindings
from mailtui.tui.dialogs.choose import ChooseDialog
from mailtui.tui.outside import edit_outside
from mailtui.tui.room import start
from mailtui.tui.screens.preview import show_mail_of
from mailtui.tui.text import tell
from mailtui.tui.widgets.checking import Checking, Heard
from mailtui.tui.widgets.editor.code_area import CodeArea
from mailtui.tui.widgets.editor.field_list import FieldList
from mailtui.tui.widgets.editor.live import Live
from mailtui.tui.widgets.editor.mistakes import Mistakes
from mailtui.tui.widgets.editor.writing import WritingRoom
from mailtui.tui.widgets.find_bar import FindBar
from mailtui.tui.widgets.findings import Findings

_EMPTY = """No message here yet.

Press o to open a campaign file (campaign.yaml).
A sample to start from is written by: mailtui init DIR"""
_LIST_ONLY = """Only a list is open, and a list has no message.

Press o to open a campaign file (campaign.yaml): it names the list and the templates.
A sample to start from is written by: mailtui init DIR"""
_BESIDE = 100  # columns from which the mail is shown beside the text
_LETTERS = ("next_file", "check", "reload")  # which are typed while a text is written
_OF_TEXT = ("insert", "find", "goto_line", "outside")


class MessageScreen(WritingRoom):
    """The message's files and fields at the left, one text to the right, the mail beside it; what is wrong below."""

    ROOM: ClassVar[str] = "message"
    HELP: ClassVar[str] = (
        "The texts this mail is made from. enter goes into the one under the cursor, esc back to the files; ctrl+s"
        " saves all that is changed. Subject, sender and headers are edited by themselves and written into the campaign"
        " file, where nothing else is touched. ctrl+t goes to the fields: enter writes one at the cursor. What is wrong"
        " is marked and listed below as you type; ctrl+n goes to the next. ctrl+r shows the mail of the recipient that"
        " was looked at last, made from the text as it is now. ctrl+f finds, ctrl+g goes to a line, ctrl+z takes back,"
        " ctrl+o opens the file with $VISUAL or $EDITOR. c renders every row of what is saved, and lists what is wrong"
        " and what to do; esc stops it. There, enter shows the mail of a finding's first row, right and left those of"
        " its other rows; f shows one kind of findings, a more of them at once."
    )
    EMPTY: ClassVar[str] = _EMPTY
    LIST_ONLY: ClassVar[str] = _LIST_ONLY
    CONTENT: ClassVar[str] = "#draft"
    NEEDS_LIST: ClassVar[bool] = False
    CSS_PATH = "message.tcss"
    BINDINGS: ClassVar = bindings("message")

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self.checking = Checking()
        self._wanted = ""
        self._live: bool | None = None  # as somebody chose it; by the room there is, else

    def content(self) -> Iterable[Widget]:
        yield from super().content()
        yield self.checking

    def forget(self) -> None:
        super().forget()
        self.checking.forget()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _BESIDE, "-beside")
        self._show_live()

    def _show_live(self) -> None:
        live = self.query_one(Live)
        before = live.display
        live.display = self.app.size.width >= _BESIDE if self._live is None else self._live
        if live.display and not before:
            self.make_mail()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Where there is little room, files and fields give way to the text that is written."""
        self.set_class(isinstance(event.widget, CodeArea), "-writing")
        self.refresh_bindings()

    @property
    def _is_writing(self) -> bool:
        return isinstance(self.focused, CodeArea)

    # checking

    async def _check(self) -> None:
        if not await self._saved_first():
            return

        def check(heard: Heard) -> Awaitable[CheckReport | None]:
            return self.ask(lambda: self.bench.check(every_row=True, progress=heard))

        await self.checking.run(check)

    async def _saved_first(self) -> bool:
        if not self.holds_back:
            return True
        lines = ["What is checked is what is saved: that is what would be sent."]
        choices = {"save": "Save and check", "": "Stay"}
        choice = await self.app.push_screen_wait(ChooseDialog("Some texts are not saved", lines, choices))
        return choice == "save" and await self.save()

    @on(Findings.Chosen)
    def go_to_row(self, event: Findings.Chosen) -> None:
        start(self, partial(self._go_to_row, event.row), "leave")

    async def _go_to_row(self, row: int) -> None:
        if await self.let_go():
            await show_mail_of(self.app, row)

    # actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what there is no message for; what letters do is not offered while they are written."""
        if action in _LETTERS and self._is_writing:
            return False
        if action == "stop_check":
            return self.checking.busy
        if action == "check":
            return None if self.lacks_list or self.checking.busy else True
        if action in ("next_file", "reload", "save", "live") and self.bench.campaign is None:
            return None
        if action in _OF_TEXT and (self.editor.area is None or self.bench.campaign is None):
            return True if action == "outside" and self.editor.shown is not None else None
        if action == "next_mistake":
            return None if self.draft is None or not self.draft.mistakes else True
        return super().check_action(action, parameters)

    @on(OptionList.OptionSelected, "#files")
    def write(self) -> None:
        """Enter on a file: go into its text, or make it where it is not there."""
        if self.editor.missing is not None:
            start(self, self._make_missing, "show")
        elif self.editor.elsewhere:
            start(self, self.go_to_line_of_value, "show")
        elif self.editor.area is not None:
            self.editor.area.focus()

    async def _make_missing(self) -> None:
        try:
            await self.editor.make_missing()
        except MailtuiError as error:
            self.complain(error)
            return
        self.look()

    @on(CodeArea.Left)
    @on(FieldList.Left)
    def leave_text(self, event: CodeArea.Left | FieldList.Left) -> None:
        area = self.editor.area
        if isinstance(event, FieldList.Left) and area is not None:
            area.focus()
        else:
            self.remove_class("-writing")
            self.call_after_refresh(self.query_one("#files").focus)

    def action_next_file(self) -> None:
        files = self.query_one("#files", OptionList)
        if files.option_count:
            files.highlighted = ((files.highlighted or 0) + 1) % files.option_count

    def action_save(self) -> None:
        work: Any = self.save
        self.run_worker(work, group="save", exit_on_error=False)  # one after another: none may be given up half done

    def action_insert(self) -> None:
        self.remove_class("-writing")
        self.call_after_refresh(self.query_one(FieldList).begin)

    @on(FieldList.Chosen)
    def insert_field(self, event: FieldList.Chosen) -> None:
        area = self.editor.area
        if area is None or area.read_only:
            tell(self.app, "There is no text here that can be written.")
            return
        area.write_field(event.field.written)
        area.focus()

    def action_next_mistake(self) -> None:
        at = self.query_one("#files", OptionList).highlighted or 0
        row, column = (0, 0) if self.editor.area is None else self.editor.area.cursor_location
        found = self.query_one(Mistakes).after(at, row + 1, column + 1)
        if found is not None:
            start(self, partial(self.go_to, *found), "show")

    @on(Mistakes.Chosen)
    def go_to_mistake(self, event: Mistakes.Chosen) -> None:
        start(self, partial(self.go_to, event.file, event.mistake), "show")

    def action_live(self) -> None:
        self._live = not self.query_one(Live).display
        self._show_live()

    def action_find(self) -> None:
        self.query_one("#find-text", FindBar).ask()

    def action_goto_line(self) -> None:
        self.query_one("#find-line", FindBar).ask()

    @on(FindBar.Asked)
    def found(self, event: FindBar.Asked) -> None:
        area = self.editor.area
        if area is None:
            return
        area.focus()
        if event.bar.id == "find-text":
            if not area.find(event.text):
                tell(self.app, f"{event.text} is not in this text.", bad=True)
        elif event.text.strip().isdecimal():
            area.go_to(int(event.text.strip()[:9]))
        else:
            tell(self.app, "Type a line's number.", bad=True)

    @on(FindBar.Closed)
    def closed(self) -> None:
        if self.editor.area is not None:
            self.editor.area.focus()

    def action_outside(self) -> None:
        start(self, self._outside, "editor")

    async def _outside(self) -> None:
        shown = self.editor.shown
        if shown is None or not await self.let_go():
            return
        try:
            edit_outside(self.app, shown.path)
        except MailtuiError as error:  # not among the texts' own mistakes, which the next look at them clears away
            tell(self.app, f"{sentence(error.title)} {error.hint}", bad=True)
        await self.take_over(await self.editor.read_again(all_of_them=False))

    def action_stop_check(self) -> None:
        self.checking.stop()
        self.refresh_bindings()

    def action_check(self) -> None:
        start(self, self._check, "check")

    def action_reload(self) -> None:
        start(self, self._reload, "reload")

    async def _reload(self) -> None:
        """The campaign file too."""
        await self.editor.read_again(all_of_them=False)
        if await self.reopen():
            await self.opened()
