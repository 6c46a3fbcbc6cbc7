"""Owns mending how a list is read: every setting with what was found, tried out while it is typed, and then taken."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.kit.words import counted, sentence
from mailtui.service.list_settings import (
    SettingMistake,
    campaign_lines,
    changed,
    command,
    keys_of,
    text_of,
)
from mailtui.service.lists import AudienceSpec, Beginning, Understanding
from mailtui.service.workbench import OpenList, Superseded, Workbench
from mailtui.tui.dialogs.reading_notes import ReadingNotes
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain, tell
from mailtui.tui.widgets.choices import Choices
from mailtui.tui.widgets.setting_field import SettingField
from mailtui.tui.widgets.setting_words import as_rows, choices_of, finding_of, meaning_of, name_of
from mailtui.tui.widgets.trouble import Trouble
from mailtui.tui.widgets.understood import how_sure

_TRY_AFTER = 0.25
_LOOK_EVERY = 0.1
_KEYS = "tab next   ↑↓ choose   enter reads it so   ^y copies   ^g notes   esc closes"
_MOST, _FEWEST, _ELSE = 12, 2, 19  # choices, and the lines of all that is around them


class ReadingDialog(ModalScreen[bool]):
    """Whether the list was opened anew."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Close"),
        Binding("ctrl+s", "apply", "Read it so"),
        Binding("ctrl+y", "copy", "Copy"),
        Binding("ctrl+g", "notes", "Notes"),
    ]
    CSS = """
    ReadingDialog > .dialog { width: 116; }
    ReadingDialog #fields { height: auto; max-height: 12; }
    ReadingDialog #meaning { margin-top: 1; color: $text-muted; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    ReadingDialog #rows { height: auto; text-wrap: nowrap; text-overflow: ellipsis; margin-top: 1; }
    ReadingDialog #keep { height: auto; max-height: 3; margin-top: 1; }
    ReadingDialog #keys { margin-top: 1; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    ReadingDialog.-short > .dialog { padding: 0 1; max-height: 100%; }
    ReadingDialog.-short #meaning, ReadingDialog.-short #rows, ReadingDialog.-short #keys { margin-top: 0; }
    ReadingDialog.-short #keep { margin-top: 0; max-height: 2; }
    ReadingDialog.-short #fields { max-height: 9; }
    ReadingDialog.-narrow #keys { height: 2; text-wrap: wrap; }
    ReadingDialog.-narrow #rows { max-height: 2; }
    ReadingDialog.-short > .dialog { width: 100%; max-width: 100%; }
    """

    def __init__(self, bench: Workbench, opened: OpenList, spec: AudienceSpec) -> None:
        super().__init__()
        self._bench = bench
        self._opened = opened
        self._spec = spec
        self._found = opened.understanding
        self._beginning = Beginning()
        self._here: SettingField | None = None
        self._wait: Timer | None = None
        self._watch: Timer | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"How {Path(self._opened.name).name} is read", "bold", limit=70), classes="title")
            with VerticalScroll(id="fields", can_focus=False):
                for key in keys_of(self._found):
                    yield SettingField(key, name_of(key), text_of(key, self._found, self._spec))
            yield Plain(id="meaning")
            yield Choices(id="choices")
            yield Trouble(id="trouble")
            yield Plain(id="rows")
            yield Plain(id="keep")
            yield Plain(_KEYS, id="keys", classes="muted")

    def on_mount(self) -> None:
        self._wait = self.set_interval(_TRY_AFTER, self._try_soon, pause=True)
        self._watch = self.set_interval(_LOOK_EVERY, self._show_opening, pause=True)
        self._show_found(self._found)
        self._show_keep()
        start(self, self._look, "look")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        """Begin where there is doubt."""
        doubts = [key for key, found in self._found.settings if found.confidence == "guess"]
        fields = {field.key: field for field in self.fields}
        first = next((fields[key] for key in (*doubts, "encoding", "sheet", "address") if key in fields), None)
        (first or self.fields[0]).take_focus()

    @property
    def fields(self) -> list[SettingField]:
        """The settings, in their order."""
        return list(self.query(SettingField))

    # showing

    def _show_found(self, found: Understanding) -> None:
        self._found = found
        for field in self.fields:
            finding = finding_of(field.key, found)
            reason = plain("") if finding is None else how_sure(finding)
            field.say(reason)

    async def _look(self) -> None:
        self._beginning = await self._bench.beginning()
        self._offer()
        await self._try()

    def _offer(self) -> None:
        for field in self.fields:
            field.offer(choices_of(field.key, self._found, self._beginning))
        self._show_choices()

    def _show_choices(self) -> None:
        field = self._here
        if field is not None:
            room = min(_MOST, max(_FEWEST, self.app.size.height - _ELSE))
            self.query_one(Choices).offer(field.choices, field.text, room)
            self.query_one("#meaning", Plain).show(meaning_of(field.key))

    def _show_keep(self) -> None:
        """How to keep what was changed: by the file of the campaign, or by the command."""
        kept, line = self._kept(), self.query_one("#keep", Plain)
        line.display = bool(kept)
        line.show(joined(plain("to keep it  ", "$text-muted"), plain("   ".join(kept), limit=300)))

    def _kept(self) -> list[str]:
        try:
            spec = self._changed()
        except SettingMistake:
            return []
        base = self._bench.file_spec
        if self._bench.campaign is not None and base is not None:
            lines = campaign_lines(spec, base)
            return ["audience:", *lines] if lines else []
        return [command(spec)] if spec != base else []

    @on(SettingField.Entered)
    def entered(self, event: SettingField.Entered) -> None:
        self._here = event.field
        self._show_choices()

    @on(SettingField.Edited)
    def edited(self) -> None:
        self._show_choices()
        self._show_keep()
        if self._wait is not None:
            self._wait.reset()
            self._wait.resume()

    @on(Choices.Picked)
    def picked(self, event: Choices.Picked) -> None:
        if self._here is not None:
            self._here.put(event.value)
            self._here.take_focus()

    # trying out

    def _changed(self) -> AudienceSpec:
        return changed(self._spec, {field.key: field.text for field in self.fields if field.touched})

    def _try_soon(self) -> None:
        if self._wait is not None:
            self._wait.pause()
        start(self, self._try, "try")

    async def _try(self) -> None:
        """Read the first rows so, and show what comes of it; the next change ends this."""
        trouble = self.query_one(Trouble)
        try:
            trial = await self._bench.try_reading(self._changed())
        except MailtuiError as error:
            self._refuse(error)
            return
        trouble.clear()
        self._show_found(trial.understanding)
        for field in self.fields:
            if not field.touched:
                field.settle(text_of(field.key, trial.understanding, trial.spec))
        self._offer()
        self.query_one("#rows", Plain).show(as_rows(trial))
        self._show_keep()

    def _refuse(self, error: MailtuiError) -> None:
        """Say what is wrong beside the field that it comes of, and in full below."""
        key = error.key if isinstance(error, SettingMistake) else ""
        touched = [field for field in self.fields if field.touched]
        blamed = next((field for field in touched if field.key == key), None)
        blamed = blamed or (self._here if self._here in touched else next(iter(touched), None))
        if blamed is not None:
            blamed.refuse(sentence(error.title))
        if isinstance(error, SettingMistake):
            self.query_one(Trouble).clear()
        else:
            self.query_one(Trouble).tell(error)
        self.query_one("#rows", Plain).show("")
        self.query_one("#keep", Plain).display = False  # a command that fails is not worth keeping

    # taking it

    @on(Input.Submitted)
    def submitted(self) -> None:
        self.action_apply()

    def action_apply(self) -> None:
        if not any(field.touched for field in self.fields):
            self.dismiss(False)  # noqa: FBT003 - the answer is a plain no
            return
        start(self, self._apply, "apply")

    async def _apply(self) -> None:
        assert self._watch is not None
        self._watch.resume()
        try:
            await self._bench.reopen(self._changed())
        except Superseded:
            tell(self.app, "Stopped: the list stays as it was read before.")
        except MailtuiError as error:
            self._refuse(error)
        else:
            self.dismiss(True)  # noqa: FBT003
        finally:
            self._watch.pause()
            self._show_opening()

    def _show_opening(self) -> None:
        """How far the reading is, where the keys are told."""
        opening, keys = self._bench.opening, self.query_one("#keys", Plain)
        if opening is None:
            keys.show(plain(_KEYS, "$text-muted"))
        else:
            far = f", {counted(opening.rows, 'row')} so far" if opening.rows else ""
            keys.show(plain(f"Reading {opening.name}{far} ...   esc stops", "$text-warning"))

    def action_leave(self) -> None:
        if self._bench.opening is not None:
            self._bench.stop_opening()
        else:
            self.dismiss(False)  # noqa: FBT003

    def action_copy(self) -> None:
        kept = self._kept()
        if kept:
            self.app.copy_to_clipboard("\n".join(kept) + "\n")
            tell(self.app, "Copied: how to keep it")

    def action_notes(self) -> None:
        self.app.push_screen(ReadingNotes(self._opened.name, self._found))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self._refuse(error)
