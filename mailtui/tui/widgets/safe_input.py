"""Owns a line to type into in which nothing can stand that would act on the terminal, whatever was pasted."""

from __future__ import annotations

from textual.widgets import Input

from mailtui.kit.safe_text import safe_text


class SafeInput(Input):
    """Escape sequences, other control characters and bidirectional marks become visible text."""

    def validate_value(self, value: str) -> str:
        """What Textual asks before it takes a value over."""
        return safe_text(value)
