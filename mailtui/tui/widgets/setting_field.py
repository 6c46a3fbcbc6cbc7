"""Owns one setting of how a list is read: its name, a field to type into, and how sure what was found is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input

from mailtui.kit.safe_text import safe_text
from mailtui.tui.text import Plain, plain
from mailtui.tui.widgets.step_line import StepLine

_LABEL = 10


@dataclass(frozen=True, slots=True)
class Choice:
    """One value a setting may have, as it is typed, and what it comes to."""

    value: str
    said: str
    fits: bool = True


class SettingField(Horizontal):
    """A line; with `choices`, up and down put the one before or after into the field."""

    DEFAULT_CSS = """
    SettingField {
        height: 1;
        & > .name { width: 11; color: $text-muted; }
        & > Input { width: 22; height: 1; border: none; padding: 0 1; background: $panel; }
        & > Input:focus { border: none; background: $block-cursor-blurred-background; text-style: bold; }
        & > .said { width: 1fr; padding-left: 1; text-wrap: nowrap; text-overflow: ellipsis; }
    }
    .-narrow SettingField > Input { width: 16; }
    """

    class Entered(Message):
        """It has got the focus."""

        def __init__(self, field: SettingField) -> None:
            super().__init__()
            self.field = field

    class Edited(Entered):
        """What is typed has changed."""

    def __init__(self, key: str, name: str, value: str) -> None:
        super().__init__(id=f"field-{key.replace('_', '-')}")
        self.key = key
        self.first = value
        """What it held at first: a field that still does changes nothing."""
        self.choices: tuple[Choice, ...] = ()
        self._label = name
        self._start = value

    def compose(self) -> ComposeResult:
        yield Plain(f"{self._label:<{_LABEL}}", classes="name")
        yield StepLine(self._start, select_on_focus=False)
        yield Plain(classes="said")

    @property
    def text(self) -> str:
        """What is typed; a name with characters that cannot be shown is meant where it is chosen."""
        typed = self.query_one(StepLine).value.strip()
        names = (self.first, *(choice.value for choice in self.choices))
        return next((name for name in names if safe_text(name).strip() == typed), typed)

    @property
    def touched(self) -> bool:
        """Whether it holds something else than at first."""
        return self.text != self.first

    def put(self, value: str) -> None:
        """Type something else for the person."""
        line = self.query_one(StepLine)
        line.value = value
        line.cursor_position = len(line.value)

    def settle(self, value: str) -> None:
        """Say what the field holds now without a person having typed it."""
        self.first = value
        with self.prevent(Input.Changed):
            self.put(value)

    def say(self, text: Content) -> None:
        """What is known about it, at the right."""
        self.query_one(".said", Plain).show(text)

    def refuse(self, why: str) -> None:
        """What is wrong with it."""
        self.say(plain(f"× {why}", "$text-error", limit=160))

    def take_focus(self) -> None:
        self.query_one(StepLine).focus()

    def offer(self, choices: Sequence[Choice]) -> None:
        """The values to choose from."""
        self.choices = tuple(choices)

    def on_descendant_focus(self) -> None:
        self.post_message(self.Entered(self))

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Edited(self))

    @on(StepLine.Stepped)
    def stepped(self, event: StepLine.Stepped) -> None:
        event.stop()
        if not self.choices:
            return
        values = [choice.value for choice in self.choices]
        at = values.index(self.text) + event.by if self.text in values else (0 if event.by > 0 else -1)
        self.put(values[at % len(values)])
