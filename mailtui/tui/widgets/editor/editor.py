"""Owns the texts that are open for editing: which is shown, which are changed, how they are saved and read again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from mailtui.errors import ConfigError, MailtuiError
from mailtui.kit.words import sentence
from mailtui.service.drafts import DraftFile, NotInPlace, line_of, replace_text, value_at
from mailtui.service.rescue import RescuedText
from mailtui.service.text_files import (
    NotEditable,
    NotThere,
    Stamp,
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
        self.campaign: Path | None = None
        """The campaign file whose texts these are; None before the first."""
        self._open: dict[Path, _Open] = {}
        self._shown: DraftFile | None = None
        self._value: CodeArea | None = None
        self._value_was = ""
        self._stuck: MailtuiError | None = None
        self._disk = asyncio.Lock()
        self.missing: Path | None = None
        """The file that is to be shown and is not there."""
        self.elsewhere = 0
        """The line of the campaign file with the value that is to be shown and cannot be edited by itself; else 0."""

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
    def _of_campaign(self) -> _Open | None:
        """The campaign file itself, where it is open."""
        return None if self.campaign is None else self._open.get(_real(self.campaign))

    @property
    def shown(self) -> DraftFile | None:
        return self._shown

    async def begin(self, folder: Path, campaign: Path) -> None:
        """Let go of every text: those of another campaign come."""
        self._folder, self.campaign, self._shown = folder, campaign, None
        self.missing, self.elsewhere = None, 0
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
        self._shown, self.missing, self.elsewhere = file, None, 0
        trouble: MailtuiError | None = None
        try:
            found = await self._opened(file)
            if file.loc:
                await self._show_value(file, found)
        except NotThere as error:
            self.missing, trouble = file.path, error
        except NotInPlace as error:
            self.elsewhere, trouble = line_of(self._open[_real(file.path)].area.text, file.loc), error
        except (NotEditable, ConfigError) as error:
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
            if path not in self._open:  # else somebody else opened it meanwhile
                await self._take(text, "yaml" if file.loc else file.language)
        return self._open[path]

    async def _take(self, text: TextFile, language: str) -> _Open:
        area = CodeArea(text.text, language, read_only=bool(text.locked))
        area.display = False
        found = self._open[text.path] = _Open(text, area)
        await self.mount(area)
        return found

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
            if self.elsewhere:
                ways = f"Press enter to change it in the campaign file, line {self.elsewhere}."
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
            said = "! Another program changed or removed this file; saving asks which one stays."
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
        found = self._of_campaign
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
        found = self._of_campaign
        unsaved = self.unsaved()
        return unsaved if found is None else {**unsaved, found.file.path: found.area.text}

    # saving, and reading again

    async def save(self, *, anyway: bool = False) -> list[str]:
        """Save every changed text and give their names. Raises `ChangedMeanwhile`, `NotSaved`: those before it are."""
        self.settle()
        if self._stuck is not None:
            raise self._stuck
        names = []
        for path, each in list(self._open.items()):
            if each.changed:  # whoever gives up waiting for it must not part what is written from what is known of it
                await asyncio.shield(self._save_one(each, anyway=anyway))
                names.append(path.name)
        self.tell_state()
        return names

    async def _save_one(self, each: _Open, *, anyway: bool) -> None:
        async with self._disk:
            if each.changed:
                each.file = await asyncio.to_thread(save_text, each.file, each.area.text, anyway=anyway)
                each.outside = False

    async def read_again(self, *, all_of_them: bool) -> list[str]:
        """Read what another program wrote, and give the names of these files. What is changed here stays changed,
        and is noted, unless `all_of_them`: then it is lost.
        """
        read = [path.name for path, each in list(self._open.items()) if await self._read_one(path, each, all_of_them)]
        if read:
            self._refresh_value()
        self.tell_state()
        return read

    async def _read_one(self, path: Path, each: _Open, lose: bool) -> bool:
        """Whether a text is another one now."""
        async with self._disk:
            if not await asyncio.to_thread(has_changed, each.file) and not (lose and self._is_changed(each)):
                return False
            try:
                found = await asyncio.to_thread(open_text, path, self._folder)
            except NotEditable:
                each.outside = True
                if lose:  # it is gone, or no text any more; showing it anew says which
                    self._open.pop(path, None)
                    await each.area.remove()
                return lose
            if self._is_changed(each) and not lose:  # looked at behind every wait: somebody may be typing
                each.outside = True
                return False
            each.file, each.outside = found, False
            each.area.replace_all(found.text)
            each.area.read_only = bool(found.locked)
            return True

    def _is_changed(self, each: _Open) -> bool:
        self.settle()
        return each.changed

    # texts that outlive the app

    def not_saved(self) -> list[RescuedText]:
        """The texts that would be lost if the app ended now."""
        self.settle()
        changed = [(path, each) for path, each in self._open.items() if each.changed]
        return [RescuedText(str(path), each.area.document.text, each.file.stamp.digest) for path, each in changed]

    async def take_up(self, text: RescuedText, language: str) -> None:
        """Go on with a text that was not saved. Where the file is another one since, saving asks which one stays.

        Raises `NotEditable`.
        """
        path = Path(text.path)
        found = self._open.get(path)
        if found is None:
            try:
                file = await asyncio.to_thread(open_text, path, self._folder)
            except NotThere:
                file = TextFile(path, "", Stamp(digest=""))
            found = await self._take(file, language)
        if found.file.stamp.digest != text.digest:
            found.file = replace(found.file, stamp=Stamp(digest=text.digest))
            found.outside = True
        found.area.replace_all(text.text)
        self._refresh_value()

    def _refresh_value(self) -> None:
        """The value that is edited by itself, as the campaign file has it now."""
        found = self._of_campaign
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
