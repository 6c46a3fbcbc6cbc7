"""Owns what happens while a message is written: its texts are looked at, and what comes of them is shown."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

from textual import on
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailtui.errors import MailtuiError
from mailtui.service.drafts import BODIES, Draft, Mistake
from mailtui.service.facade import Service
from mailtui.service.workbench import Superseded, Workbench
from mailtui.tui.room import start
from mailtui.tui.widgets.draft_text import entry
from mailtui.tui.widgets.editor.editor import Editor
from mailtui.tui.widgets.editor.field_list import FieldList
from mailtui.tui.widgets.editor.keeping import KeepingRoom
from mailtui.tui.widgets.editor.live import Live
from mailtui.tui.widgets.editor.mistakes import Mistakes
from mailtui.tui.widgets.find_bar import FindBar
from mailtui.tui.widgets.trouble import Trouble

_DEBOUNCE = 0.3  # seconds
_UNMADE = "The mail is made again once nothing is wrong with its texts."
_NOBODY = "Nobody gets a mail: the filter lets in no row with a usable address."


class WritingRoom(KeepingRoom):
    """The files of a message beside the text of one of them, and what comes of it."""

    def __init__(self, service: Service, bench: Workbench) -> None:
        super().__init__(service, bench)
        self._entries: list[tuple[object, ...]] = []
        self._another = True
        self._made: object = None

    def content(self) -> Iterable[Widget]:
        with Horizontal(id="draft"):
            with Vertical(id="left"):
                yield OptionList(id="files", markup=False)
                yield FieldList(id="fields")
            with Vertical(id="right"):
                with Widget(id="sides"):
                    yield self.editor
                    yield Live(id="live")
                yield FindBar("find", "a text in this file", id="find-text")
                yield FindBar("line", "a line's number", "enter goes there   esc closes", id="find-line")
                yield Mistakes(id="mistakes")

    # looking at the texts

    def forget(self) -> None:
        self.draft, self._another, self._entries, self._made = None, True, [], None
        self.query_one(Mistakes).tell(None)
        self.query_one(Live).clear()

    def look(self) -> None:
        """Read list and files again: they may be others since."""
        self.query_one("#draft").loading = self.draft is None
        start(self, partial(self._examine, anew=True), "draft")

    def look_at_texts(self) -> None:
        start(self, self._examine, "draft")

    @on(Editor.Edited)
    def edited(self) -> None:
        start(self, partial(self._examine, after=_DEBOUNCE), "draft")

    async def _examine(self, *, anew: bool = False, after: float = 0) -> None:
        """Look at the texts as they are now; the next change ends this."""
        campaign = self.bench.campaign
        if campaign is None:
            return
        await asyncio.sleep(after)
        if self._another:
            await self.editor.begin(campaign.folder, campaign.path)
            self._another = False
        draft = await self.ask(lambda: self.bench.draft(self.editor.texts(), anew=anew))
        self.query_one("#draft").loading = False
        if draft is None:
            return
        first, self.draft = self.draft is None, draft
        if draft.others:
            self.query_one(Trouble).tell(*draft.others)
        else:
            self.query_one(Trouble).clear()
        with self.app.batch_update():
            self._list_files(draft)
            self.query_one(Mistakes).tell(draft)
            self.query_one(FieldList).tell(draft, short=self.app.size.width < 80)
            self.editor.mark(draft.files)
            self.editor.tell_state()
        if first:
            await self._begin(draft)
            start(self, self.offer_rescued, "rescue")
        elif self.editor.area is None:
            await self.show_file(self.query_one("#files", OptionList).highlighted or 0)
        self.refresh_bindings()
        self.make_mail()

    async def _begin(self, draft: Draft) -> None:
        wrong = [at for at, _ in draft.mistakes]
        bodies = [at for at, file in enumerate(draft.files) if file.role in BODIES]
        at = (wrong or bodies or [0])[0]
        self.query_one("#files", OptionList).highlighted = at
        await self.show_file(at)
        self.query_one("#files").focus()

    def _list_files(self, draft: Draft) -> None:
        unsaved = self.editor.unsaved()
        short = self.app.size.width < 80
        changed = [not file.loc and file.path.resolve() in unsaved for file in draft.files]
        entries: list[tuple[object, ...]] = [
            (file.role, file.name, bool(file.mistakes), is_changed, short)
            for file, is_changed in zip(draft.files, changed, strict=True)
        ]
        if entries == self._entries:
            return
        self._entries = entries
        files = self.query_one("#files", OptionList)
        shown = self.editor.shown
        kept = [(file.role, file.name) for file in draft.files]
        at = kept.index((shown.role, shown.name)) if shown and (shown.role, shown.name) in kept else 0
        with self.prevent(OptionList.OptionHighlighted):
            files.clear_options()
            lines = zip(draft.files, changed, strict=True)
            files.add_options([Option(entry(file, short=short, changed=is_changed)) for file, is_changed in lines])
            files.highlighted = at

    @on(OptionList.OptionHighlighted, "#files")
    def highlighted(self, event: OptionList.OptionHighlighted) -> None:
        start(self, partial(self.show_file, event.option_index), "show")

    async def show_file(self, number: int) -> None:
        """Show one of the message's texts, by its number in the list."""
        if self.draft is not None and number < len(self.draft.files):
            await self.editor.show(self.draft.files[number])
            self.editor.mark(self.draft.files)
            self.refresh_bindings()

    async def go_to(self, file: int, mistake: Mistake) -> None:
        """Put the cursor where a mistake is."""
        self.query_one("#files", OptionList).highlighted = file
        await self.show_file(file)
        area = self.editor.area
        if area is not None:
            area.go_to(mistake.line, mistake.column)
            area.focus()

    async def show_first_of(self, paths: Collection[Path]) -> None:
        files = () if self.draft is None else self.draft.files
        at = next((number for number, file in enumerate(files) if not file.loc and file.path.resolve() in paths), None)
        if at is not None:
            await self.go_to(at, Mistake(1, 0, ""))

    async def go_to_line_of_value(self) -> None:
        """Go to where a value stands that cannot be edited by itself."""
        line, draft = self.editor.elsewhere, self.draft
        if draft is not None:
            at = next(number for number, file in enumerate(draft.files) if file.role == "campaign")
            await self.go_to(at, Mistake(line, 0, ""))

    # the mail

    def make_mail(self) -> None:
        """Have the mail made of the texts, where it is shown."""
        live, draft = self.query_one(Live), self.draft
        if not live.display or draft is None:
            return
        if draft.message is None:
            self._made = None
            live.tell_why_not(_UNMADE)
        elif draft.first is None:
            live.tell_why_not(_NOBODY)
        elif self._made != (draft.message, draft.first):
            start(self, partial(self._make_mail, draft), "live")

    async def _make_mail(self, draft: Draft) -> None:
        live = self.query_one(Live)
        live.wait()
        self._made = None
        try:
            live.tell(await self.bench.live(draft))
            self._made = (draft.message, draft.first)
        except Superseded:
            return
        except MailtuiError as error:
            live.tell_why_not(error)
