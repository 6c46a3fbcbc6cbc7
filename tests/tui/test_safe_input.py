"""The line to type into: keys that come in a burst count in their order."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult

from mailtui.tui.widgets.safe_input import SafeInput
from tests.tui.conftest import until

_NAMED = {"\x7f": "backspace", "\x15": "ctrl+u", "\x17": "ctrl+w", "\x01": "ctrl+a", "\x05": "ctrl+e", "\x0b": "ctrl+k"}


class _App(App[None]):
    def compose(self) -> ComposeResult:
        yield SafeInput("7777", select_on_focus=False)

    def on_mount(self) -> None:
        self.handed: list[str] = []

    def on_input_submitted(self, event: SafeInput.Submitted) -> None:
        self.handed.append(event.value)


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("\x7f\x7f12", "7712"),
        ("\x1512", "12"),
        ("\x01<12\x05>", "<127777>"),
        (" one two\x17three", "7777 one three"),
        ("\x0112\x0b3", "123"),
    ],
)
async def test_a_burst_of_keys(typed: str, value: str) -> None:
    running = _App()
    async with running.run_test() as pilot:
        field = running.query_one(SafeInput)
        await until(lambda: field.has_focus and field.cursor_position == 4)
        for key in typed:
            running.post_message(events.Key(_NAMED.get(key, key), key))
        running.post_message(events.Key("left", None))
        running.post_message(events.Key("full_stop", "."))
        await pilot.pause()
        await until(lambda: field.value == value[:-1] + "." + value[-1])


async def test_enter_hands_in_what_was_typed_before_it() -> None:
    running = _App()
    async with running.run_test():
        await until(lambda: running.query_one(SafeInput).has_focus)
        for key in ("8", "enter", "n", "n"):
            running.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await until(lambda: running.handed)
        assert running.handed == ["77778"]


async def test_nothing_that_acts_on_the_terminal_stands_in_it() -> None:
    running = _App()
    async with running.run_test():
        field = running.query_one(SafeInput)
        field.value = "a\x1b[31m\u202eb"
        assert "\x1b" not in field.value
        assert "\u202e" not in field.value
