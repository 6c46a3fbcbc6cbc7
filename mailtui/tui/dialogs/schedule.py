"""Owns asking when a campaign is sent: the fields of a schedule, and below them what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from mailtui.service.schedule_draft import ScheduleReading, draft_of, read_draft, says_something
from mailtui.service.schedules import Schedule, machine_zone
from mailtui.service.views import now
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.buttons import Buttons
from mailtui.tui.widgets.coming import coming
from mailtui.tui.widgets.form_field import FormField
from mailtui.tui.widgets.schedule_fields import AGAIN, AT_ONCE, entries
from mailtui.tui.widgets.setting_field import Choice

_KEYS = "enter takes it   tab next   esc closes"
_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """What was chosen: a schedule, or None for at once."""

    schedule: Schedule | None


@dataclass(frozen=True, slots=True)
class ScheduleOf:
    """Whose schedule it is: which kinds it may be of, which fields it does not have, and the word of the button."""

    kinds: tuple[Choice, ...]
    yes: str
    without: tuple[str, ...] = ()


TO_LAUNCH = ScheduleOf((*AT_ONCE, *AGAIN), "Use it")
LAUNCHED = ScheduleOf(AT_ONCE[1:], "Change it", ("kind", "zone_column", "send_at_column"))
HOURS = ScheduleOf(AT_ONCE[:1], "Change it", ("kind", "zone_column", "send_at_column"))
RECURRING = ScheduleOf(AGAIN, "Change it")


class ScheduleDialog(ModalScreen[Chosen | None]):
    """What was chosen, or None when nobody wants to change anything.

    `to` is what it is the schedule of; `runs`: how often a recurring one was launched.
    """

    AUTO_FOCUS = None
    BINDINGS: ClassVar = [("escape", "leave", "Close"), ("ctrl+s", "take", "Take")]
    CSS = """
    ScheduleDialog > .dialog { width: 92; height: 90%; }
    ScheduleDialog #fields { height: auto; max-height: 60%; margin-top: 1; }
    ScheduleDialog #about { height: 1; margin-top: 1; color: $text-muted; text-wrap: nowrap; text-overflow: ellipsis; }
    ScheduleDialog #coming { height: 1fr; min-height: 4; margin-top: 1; border-top: solid $panel; }
    ScheduleDialog #coming Plain { height: auto; }
    ScheduleDialog #foot { height: 1; margin-top: 1; }
    ScheduleDialog #foot Plain { width: 1fr; }
    ScheduleDialog #foot Button { margin-left: 2; }
    ScheduleDialog.-short > .dialog { padding: 0 1; height: 100%; max-height: 100%; width: 100%; max-width: 100%; }
    ScheduleDialog.-short #fields, ScheduleDialog.-short #about { margin-top: 0; }
    ScheduleDialog.-short #coming, ScheduleDialog.-short #foot { margin-top: 0; }
    ScheduleDialog.-narrow #about { height: 2; text-wrap: wrap; }
    """

    def __init__(
        self,
        name: str,
        schedule: Schedule | None,
        *,
        to: ScheduleOf,
        columns: Sequence[str] | None = None,
        runs: int = 0,
    ) -> None:
        super().__init__()
        self._campaign, self._to = name, to
        self._columns, self._runs = columns, runs
        self._kinds = to.kinds
        self._draft = draft_of(schedule)
        if self._draft.kind not in [choice.value for choice in self._kinds]:
            self._draft = replace(self._draft, kind=self._kinds[0].value)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Plain(plain(f"When {self._campaign} is sent", limit=120), classes="title")
            with VerticalScroll(id="fields", can_focus=False):
                for entry in entries(self._kinds, machine_zone()):
                    if entry.key not in self._to.without:
                        yield FormField(entry, getattr(self._draft, entry.key))
            yield Plain(id="about")
            with VerticalScroll(id="coming", can_focus=False):
                yield Plain(id="coming-lines")
            with Buttons(id="foot"):
                yield Plain(_KEYS, classes="muted")
                yield Button(self._to.yes, id="take", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def on_mount(self) -> None:
        self._show_needed()
        self.set_interval(_LOOK_EVERY, self._judge)  # what is to come depends on the time
        self._judge()
        self.call_after_refresh(next(field for field in self._fields if field.display).take_focus)

    @property
    def _fields(self) -> list[FormField]:
        return list(self.query(FormField))

    # while it is typed

    @on(FormField.Entered)
    def entered(self, event: FormField.Entered) -> None:
        self.query_one("#about", Plain).show(plain(event.field.entry.about, "$text-muted"))
        event.field.call_after_refresh(event.field.scroll_visible, animate=False)

    @on(FormField.Edited)
    def edited(self, event: FormField.Edited) -> None:
        changed: dict[str, Any] = {event.field.entry.key: event.field.text}
        self._draft = replace(self._draft, **changed)
        self._show_needed()
        self._judge()

    @on(FormField.Left)
    def left(self) -> None:
        self._judge()

    def _judge(self, *, everywhere: bool = False) -> ScheduleReading:
        """Say what is wrong where somebody has been, or everywhere, and what it comes to."""
        reading = read_draft(self._draft, now(), columns=self._columns, runs=self._runs)
        for field in self._fields:
            known = reading.problems.get(field.entry.key, "")
            field.judge(known if field.visited or everywhere else "")
        self.query_one("#coming-lines", Plain).show(coming(reading, now()))
        return reading

    def _show_needed(self) -> None:
        """Fields that mean nothing now are not there."""
        for field in self._fields:
            wanted = says_something(field.entry.key, self._draft)
            if field.display != wanted:
                field.display = wanted

    # leaving

    @on(Input.Submitted)
    @on(Button.Pressed, "#take")
    def action_take(self) -> None:
        reading = self._judge(everywhere=True)
        wrong = [field for field in self._fields if field.entry.key in reading.problems]
        for field in wrong:
            field.visited = True
        if wrong:
            wrong[0].take_focus()
        else:
            self.dismiss(Chosen(reading.schedule))

    @on(Button.Pressed, "#cancel")
    def action_leave(self) -> None:
        self.dismiss(None)
