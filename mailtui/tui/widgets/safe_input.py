"""Owns a line to type into: nothing stands in it that acts on the terminal, and keys count in the order they came."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual import events
from textual.widgets import Input

from mailtui.kit.safe_text import safe_text

_EDITING: Mapping[str, Callable[[Input], None]] = {
    "backspace": Input.action_delete_left,
    "ctrl+h": Input.action_delete_left,
    "delete": Input.action_delete_right,
    "ctrl+d": Input.action_delete_right,
    "ctrl+w": Input.action_delete_left_word,
    "ctrl+u": Input.action_delete_left_all,
    "ctrl+k": Input.action_delete_right_all,
    "left": Input.action_cursor_left,
    "right": Input.action_cursor_right,
    "ctrl+left": Input.action_cursor_left_word,
    "ctrl+right": Input.action_cursor_right_word,
    "home": Input.action_home,
    "ctrl+a": Input.action_home,
    "end": Input.action_end,
    "ctrl+e": Input.action_end,
}


class SafeInput(Input):
    """Escape sequences, other control characters and bidirectional marks become visible text.

    Editing keys act at once: as bindings they would be looked up after the letters that were typed behind them.
    """

    def validate_value(self, value: str) -> str:
        """What Textual asks before it takes a value over. A password is never drawn, and must stay as it is."""
        return value if self.password else safe_text(value)

    async def on_key(self, event: events.Key) -> None:
        """Do what an editing key means before the next key is looked at; what enter hands in is what stood there."""
        act = _EDITING.get(event.key)
        if act is None and event.key != "enter":
            return
        event.stop()
        event.prevent_default()
        if act is None:
            await self.action_submit()
        else:
            act(self)
