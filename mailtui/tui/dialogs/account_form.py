"""Owns the form of an account: what is wrong stands at its field, and nothing that was typed is lost unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import App, ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input
from textual.worker import Worker

from mailtui.errors import MailtuiError
from mailtui.service.account_book import AccountBook, AccountDraft, Preset
from mailtui.tui.dialogs.choose import ChooseDialog
from mailtui.tui.room import failure_of, start
from mailtui.tui.text import Plain, joined, plain
from mailtui.tui.widgets.account_fields import SECTIONS, examples, moved_together, says_something
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.form_field import FormField
from mailtui.tui.widgets.trouble import Trouble

_KEYS = "enter saves   tab next   esc closes"


class AccountForm(ModalScreen[str | None]):
    """The name of the account that was saved, or None."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar = [("escape", "leave", "Close"), ("ctrl+s", "save", "Save")]
    CSS = """
    AccountForm > .dialog { width: 92; height: 90%; }
    AccountForm #fields { height: 1fr; margin-top: 1; }
    AccountForm .section { text-style: bold; height: 1; margin-top: 1; }
    AccountForm .-first { margin-top: 0; }
    AccountForm #about { height: 1; margin-top: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    AccountForm #foot { height: 1; margin-top: 1; }
    AccountForm #foot Plain { width: 1fr; }
    AccountForm #foot Button { margin-left: 2; }
    AccountForm.-short > .dialog { padding: 0 1; height: 100%; max-height: 100%; width: 100%; max-width: 100%; }
    AccountForm.-short #fields, AccountForm.-short #about, AccountForm.-short #foot { margin-top: 0; }
    AccountForm.-narrow #about { height: 2; text-wrap: wrap; }
    """

    def __init__(self, book: AccountBook, draft: AccountDraft, preset: Preset | None, *, replaces: str | None) -> None:
        super().__init__()
        self._book = book
        self._draft = self._first = draft
        self._preset = preset
        self._replaces = replaces
        self._saving = False
        self._asking = False

    def compose(self) -> ComposeResult:
        title = f"The account {self._replaces}" if self._replaces else "A new account"
        of = f", {self._preset.title}" if self._preset else ""
        hints = examples(self._preset)
        with Vertical(classes="dialog"):
            yield Plain(plain(f"{title}{of}", limit=120), classes="title")
            with VerticalScroll(id="fields", can_focus=False):
                for place, (section, entries) in enumerate(SECTIONS.items()):
                    yield Plain(section, classes="section" if place else "section -first")
                    for entry in entries:
                        yield FormField(entry, getattr(self._draft, entry.key), example=hints.get(entry.key, ""))
            yield Plain(id="about")
            yield Trouble()
            with Buttons(id="foot"):
                yield Plain(_KEYS, classes="muted")
                yield Button("Save", id="save", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        self._show_needed()
        missing = self._problems()
        wanted = next((field for field in self._fields if field.entry.key in missing), self._fields[0])
        self.call_after_refresh(wanted.take_focus)

    @property
    def _fields(self) -> list[FormField]:
        return list(self.query(FormField))

    @property
    def changed(self) -> bool:
        """Whether something would be lost by leaving."""
        return self._draft != self._first

    # while it is typed

    @on(FormField.Entered)
    def entered(self, event: FormField.Entered) -> None:
        self.query_one("#about", Plain).show(plain(event.field.entry.about, "$text-muted"))
        self.call_after_refresh(self._show_field, event.field)

    def _show_field(self, field: FormField) -> None:
        """Bring a field into sight with what is wrong with it, the first one with its heading."""
        if not field.has_focus_within:
            return  # the person is further on by now
        if field is self._fields[0]:
            self.query_one("#fields").scroll_home(animate=False)
        else:
            field.scroll_visible(animate=False)

    @on(FormField.Edited)
    def edited(self, event: FormField.Edited) -> None:
        key = event.field.entry.key
        self._take({key: event.field.text})
        together = moved_together(key, self._draft)
        self._take(together)
        for field in self._fields:
            if field.entry.key in together:
                field.settle(together[field.entry.key])
        self.query_one(Trouble).clear()
        self._show_needed()
        self._judge()

    @on(FormField.Left)
    def left(self) -> None:
        self._judge()

    def _take(self, values: dict[str, str]) -> None:
        changed: dict[str, Any] = dict(values)
        self._draft = replace(self._draft, **changed)

    def _problems(self) -> dict[str, str]:
        return self._book.problems(self._draft, replaces=self._replaces)

    def _judge(self, *, everywhere: bool = False) -> dict[str, str]:
        """Say what is wrong where somebody has been, or everywhere; what is wrong at all."""
        problems = self._problems()
        for field in self._fields:
            known = problems.get(field.entry.key, "")
            field.judge(known if field.visited or everywhere else "")
        return problems

    def _show_needed(self) -> None:
        """Fields that mean nothing now are not there; one that is wrong is."""
        for field in self._fields:
            wanted = says_something(field.entry.key, self._draft) or field.has_class("-wrong")
            if field.display != wanted:
                field.display = wanted

    # saving

    @on(Input.Submitted)
    @on(Button.Pressed, "#save")
    def action_save(self) -> None:
        if self._saving:
            return
        problems = self._judge(everywhere=True)
        self._show_needed()
        wrong = [field for field in self._fields if field.entry.key in problems]
        for field in wrong:
            field.display = field.visited = True
        if wrong:
            wrong[0].take_focus()
        elif problems:
            self._say("; ".join(problems.values()))
        else:
            self._saving = True
            start(self, self._save, "save")

    async def _save(self) -> None:
        try:
            await self._book.save(self._draft, replaces=self._replaces)
        finally:
            self._saving = False
        self.dismiss(self._draft.name)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        error = failure_of(event)
        if error is not None:
            self.query_one(Trouble).tell(error)

    def _say(self, text: str) -> None:
        self.query_one(Trouble).tell(MailtuiError(text))

    # leaving

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        if self._asking:
            return
        if self.changed:
            self._asking = True
            start(self, self._ask, "leave")
        else:
            self.dismiss(None)

    async def _ask(self) -> None:
        choices = {"save": "Save", "drop": "Throw it away", "": "Go on typing"}
        lines = [joined("What was typed is not saved.")]
        try:
            answer = await self.app.push_screen_wait(ChooseDialog("Leave this account?", lines, choices, grave="drop"))
        finally:
            self._asking = False
        if answer == "drop":
            self.dismiss(None)
        elif answer == "save":
            self.action_save()


async def edit_account(
    app: App[Any], book: AccountBook, draft: AccountDraft, *, replaces: str | None = None
) -> str | None:
    """Have an account filled in and saved; its name then, None when nobody wants it."""
    preset = next((preset for preset in book.presets() if preset.name == draft.preset), None)
    return await app.push_screen_wait(AccountForm(book, draft, preset, replaces=replaces))
