"""Owns one field of a long form: its name, a line to type into, and below it what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.setting_field import Choice
from mailtui.tui.widgets.step_line import StepLine


@dataclass(frozen=True, slots=True)
class Entry:
    """What a field is about: its key, its name, and a sentence for whoever is in it. With `choices` it holds one of
    them, and up and down step through; `example` stands in it while it is empty, and is what is meant then where there
    are choices. `digits`: nothing else can be typed.
    """

    key: str
    name: str
    about: str
    choices: tuple[Choice, ...] = ()
    example: str = ""
    digits: bool = False


class FormField(Vertical):
    """A field; what is wrong with it stands below it."""

    DEFAULT_CSS = """
    FormField {
        height: auto;
        & > Horizontal { height: 1; }
        & .name { width: 15; color: $text-muted; }
        & Input { width: 1fr; height: 1; border: none; padding: 0 1; background: $panel; }
        & Input:focus { border: none; background: $block-cursor-blurred-background; }
        & .said { display: none; width: 1fr; padding-left: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        & .wrong { display: none; height: auto; padding-left: 15; color: $text-error; }
        &.-choices Input { width: 16; }
        &.-choices .said { display: block; }
        &.-wrong .wrong { display: block; }
    }
    """

    class Entered(Message):
        """It has got the focus."""

        def __init__(self, field: FormField) -> None:
            super().__init__()
            self.field = field

    class Left(Entered):
        """It has lost the focus."""

    class Edited(Entered):
        """What is typed has changed, by whoever is in the field."""

    def __init__(self, entry: Entry, value: str, *, example: str = "") -> None:
        super().__init__(id=f"field-{entry.key.replace('_', '-')}", classes="-choices" if entry.choices else "")
        self.entry = entry
        self.visited = False
        """Whether somebody has been in it: before, nothing is held against it."""
        self._first, self._example = value, example or entry.example

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Plain(self.entry.name, classes="name")
            digits = r"[0-9]*" if self.entry.digits else None
            yield StepLine(self._first, placeholder=self._example, select_on_focus=self._replaced, restrict=digits)
            yield Plain(classes="said")
        yield Plain(classes="wrong")

    def on_mount(self) -> None:
        self._say()

    @property
    def text(self) -> str:
        """What is typed."""
        return self._line.value.strip()

    @property
    def _replaced(self) -> bool:
        """Whether what is typed takes the place of what stands there: of numbers and choices, not of longer texts."""
        return self.entry.digits or bool(self.entry.choices)

    @property
    def _line(self) -> StepLine:
        return self.query_one(StepLine)

    def settle(self, value: str) -> None:
        """Have another value in it without a person having typed it."""
        with self.prevent(Input.Changed):
            self._line.value = value
        self._say()

    def judge(self, problem: str) -> None:
        """Say what is wrong with it; nothing when it is empty."""
        self.set_class(bool(problem), "-wrong")
        self.query_one(".wrong", Plain).show(plain(f"× {problem}" if problem else "", limit=300))

    def take_focus(self) -> None:
        self._line.focus()

    def _say(self) -> None:
        """What the choice comes to."""
        if self.entry.choices:
            meant = self.text or self._example
            said = next((choice.said for choice in self.entry.choices if choice.value == meant), "")
            self.query_one(".said", Plain).show(plain(f"↑↓ {said}", "$text-muted", limit=120))

    def on_descendant_focus(self) -> None:
        self.post_message(self.Entered(self))

    def on_descendant_blur(self) -> None:
        self.visited = True
        self.post_message(self.Left(self))

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        event.stop()
        self._say()
        self.post_message(self.Edited(self))

    @on(StepLine.Stepped)
    def stepped(self, event: StepLine.Stepped) -> None:
        event.stop()
        self._step(event.by)

    def on_click(self, event: events.Click) -> None:
        """A click beside a choice takes the next one."""
        if self.entry.choices and event.widget is self.query_one(".said"):
            self.take_focus()
            self._step(1)

    def _step(self, by: int) -> None:
        values = [choice.value for choice in self.entry.choices]
        if not values:
            return
        at = values.index(self.text) + by if self.text in values else (0 if by > 0 else -1)
        line = self._line
        line.value = values[at % len(values)]
        line.cursor_position = len(line.value)
