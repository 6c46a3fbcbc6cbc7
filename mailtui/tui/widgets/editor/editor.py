"""Owns the texts that are open for editing: which is shown, which are changed, how they are saved and read again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from mailtui.errors import ConfigError, MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.drafts import DraftFile, NotInPlace, replace_text, value_at
from mailtui.service.text_files import (
    NotEditable,
    NotThere,
    TextFile,
    has_changed,
    make_text,
    open_text,
    save_text,
)
from mailtui.tui.text import Plain, from_home, joined, plain
from mailtui.tui.widgets.editor.code_area import CodeArea


@dataclass(slots=True)
class _Open:
    """A file and the area it is edited in; `outside` once another program wrote it."""

    file: TextFile
    area: CodeArea
    outside: bool = False

    @property
    def changed(self) -> bool:
        return self.area.text != self.file.text


class Editor(Vertical):
    """One of the message's texts at a time; the others stay open behind it, with what can be taken back in them.

    A value of the campaign file is edited by itself, and changes the text of that file and no character beside it.
    """

    DEFAULT_CSS = """
    Editor {
        width: 1fr;
        & > #file-name { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & > #file-note { height: auto; max-height: 3; color: $text-warning; }
        & > #file-why { height: 1fr; padding: 1 0; color: $text-muted; }
    }
    """

    class Edited(Message):
        """A text is another one than before."""

    def __init__(self) -> None:
        super().__init__(id="editor")
        self._folder = Path()
        self._campaign = Path()
        self._open: dict[Path, _Open] = {}
        self._shown: DraftFile | None = None
        self._value: CodeArea | None = None
        self._value_was = ""
        self._stuck: MailtuiError | None = None
        self.missing: Path | None = None
        """The file that is to be shown and is not there."""

    def compose(self) -> ComposeResult:
        yield Plain(id="file-name")
        yield Plain(id="file-note")
        yield Plain(id="file-why")

    # which text is shown

    @property
    def area(self) -> CodeArea | None:
        """Where the text that is shown is edited; None while it cannot be."""
        if self._value is not None:
            return self._value
        found = None if self._shown is None else self._open.get(_real(self._shown.path))
        return None if found is None or self._shown is None or self._shown.loc else found.area

    @property
    def shown(self) -> DraftFile | None:
        return self._shown

    async def begin(self, folder: Path, campaign: Path) -> None:
        """Let go of every text: those of another campaign come."""
        self._folder, self._campaign, self._shown, self.missing = folder, campaign, None, None
        await self._drop_value()
        for each in self._open.values():
            await each.area.remove()
        self._open.clear()
        self._tell_about(None)

    async def show(self, file: DraftFile) -> None:
        """Show a text, as it was left or as it is on disk."""
        self.settle()
        same = self._shown is not None and (self._shown.role, self._shown.name) == (file.role, file.name)
        if same and self.area is not None:
            self._shown = file
            return
        await self._drop_value()
        self._shown, self.missing = file, None
        trouble: MailtuiError | None = None
        try:
            found = await self._opened(file)
            if file.loc:
                await self._show_value(file, found)
        except NotThere as error:
            self.missing, trouble = file.path, error
        except (NotEditable, NotInPlace, ConfigError) as error:
            trouble = error
        for each in self._open.values():
            each.area.display = each.area is self.area
        self._tell_about(trouble)

    async def make_missing(self) -> None:
        """Make the file that is not there. Raises `NotSaved`, `NotEditable`."""
        if self.missing is not None and self._shown is not None:
            await asyncio.to_thread(make_text, self.missing, self._folder)
            await self.show(self._shown)

    async def _opened(self, file: DraftFile) -> _Open:
        path = _real(file.path)
        if path not in self._open:
            text = await asyncio.to_thread(open_text, file.path, self._folder)
            language = "yaml" if file.loc else file.language
            area = CodeArea(text.text, language, read_only=bool(text.locked))
            area.display = False
            self._open[path] = _Open(text, area)
            await self.mount(area)
        return self._open[path]

    async def _show_value(self, file: DraftFile, found: _Open) -> None:
        """A value of the campaign file, by itself."""
        value = value_at(found.area.text, file.loc)
        replace_text(found.area.text, file.loc, value)  # for its error, before anything is typed
        self._value = CodeArea(value, "text", read_only=found.area.read_only, one_line=True)
        self._value_was = value
        await self.mount(self._value, before="#file-why")

    async def _drop_value(self) -> None:
        area, self._value = self._value, None
        if area is not None:
            await area.remove()

    def _tell_about(self, trouble: MailtuiError | None) -> None:
        file = self._shown
        why = self.query_one("#file-why", Plain)
        why.display = trouble is not None or self._value is not None
        if file is None:
            self.query_one("#file-name", Plain).show("")
            return
        if trouble is not None:
            ways = "Press enter to make it, empty." if self.missing is not None else trouble.hint
            parts = [plain(sentence(trouble.title), "bold $text-error", limit=400)]
            parts += [plain(from_home(part), limit=400) for part in (trouble.detail, ways) if part]
            why.show(joined(*parts, separator="\n"))
        else:
            why.show(plain("It stands in the campaign file; what else is written there stays as it is.", "$text-muted"))
        self.tell_state()

    def tell_state(self) -> None:
        """The lines above the text: what it is, whether it is saved, why it cannot be written, who else wrote it."""
        file = self._shown
        if file is not None:
            where = plain("  in the campaign file", "$text-muted") if file.loc else plain("")
            unsaved = plain("  * not saved", "$text-warning") if _real(file.path) in self.unsaved() else plain("")
            role, name = plain(file.role, "$text-muted"), plain(file.name, "bold", limit=80)
            self.query_one("#file-name", Plain).show(joined(role, "  ", name, where, unsaved))
        found = None if self._shown is None else self._open.get(_real(self._shown.path))
        note = self.query_one("#file-note", Plain)
        said = ""
        if found is not None and found.outside:
            said = "! Another program changed this file; saving asks which one stays."
        elif found is not None and found.file.locked:
            said = f"! It can only be looked at: {found.file.locked}."
        note.show(plain(said, "$text-warning", limit=300))
        note.display = bool(said)

    def mark(self, files: Sequence[DraftFile]) -> None:
        """Mark the mistakes of all texts that are open."""
        for file in files:
            found = None if file.loc else self._open.get(_real(file.path))
            if found is not None:
                found.area.mark(file.mistakes)
            if self._value is not None and self._shown is not None and file.name == self._shown.name and file.loc:
                self._value.mark(file.mistakes)

    # what is changed

    @on(TextArea.Changed)
    def edited(self, event: TextArea.Changed) -> None:
        event.stop()
        self.post_message(self.Edited())

    def settle(self) -> None:
        """Write the value that is edited by itself into the campaign file's text; where that fails, saving says so."""
        self._stuck = None
        found = self._open.get(_real(self._campaign))
        if self._value is None or self._shown is None or found is None or self._value.text == self._value_was:
            return
        try:
            found.area.replace_all(replace_text(found.area.text, self._shown.loc, self._value.text))
            self._value_was = self._value.text
        except (NotInPlace, ConfigError) as error:
            self._stuck = error

    def unsaved(self) -> dict[Path, str]:
        """The texts that are not as they are on disk, by their real path."""
        self.settle()
        return {path: each.area.text for path, each in self._open.items() if each.changed}

    def texts(self) -> dict[Path, str]:
        """The texts to go by: those that are not saved, and the campaign file's wherever it is open."""
        found = self._open.get(_real(self._campaign))
        unsaved = self.unsaved()
        return unsaved if found is None else {**unsaved, found.file.path: found.area.text}

    # saving, and reading again

    async def save(self, *, anyway: bool = False) -> list[str]:
        """Save every changed text and give their names. Raises `ChangedMeanwhile`, `NotSaved`: those before it are."""
        self.settle()
        if self._stuck is not None:
            raise self._stuck
        names = []
        for path, each in self._open.items():
            if each.changed:
                each.file = await asyncio.to_thread(save_text, each.file, each.area.text, anyway=anyway)
                each.outside = False
                names.append(path.name)
        self.tell_state()
        return names

    async def read_again(self, *, all_of_them: bool) -> list[str]:
        """Read what another program wrote, and give the names of these files. What is changed here stays changed,
        and is noted, unless `all_of_them`: then it is lost.
        """
        read = []
        for path, each in list(self._open.items()):
            outside = await asyncio.to_thread(has_changed, each.file)
            lost = all_of_them and each.changed
            if not outside and not lost:
                continue
            if each.changed and not all_of_them:
                each.outside = True
                continue
            try:
                each.file = await asyncio.to_thread(open_text, path, self._folder)
            except NotEditable:
                each.outside = True
                continue
            each.outside = False
            each.area.replace_all(each.file.text)
            each.area.read_only = bool(each.file.locked)
            read.append(path.name)
        if read:
            self._refresh_value()
        self.tell_state()
        return read

    def _refresh_value(self) -> None:
        """The value that is edited by itself, as the campaign file has it now."""
        found = self._open.get(_real(self._campaign))
        if self._value is None or self._shown is None or found is None:
            return
        try:
            self._value_was = value_at(found.area.text, self._shown.loc)
        except MailtuiError as error:
            self._tell_about(error)
            return
        self._value.replace_all(self._value_was)


def _real(path: Path) -> Path:
    return path.resolve()
