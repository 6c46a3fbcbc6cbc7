"""Owns the one door through which foreign text reaches the screen.

A cell of a list, a file name or a server's reply may hold markup that runs actions when clicked, brackets that break
the layout, or escape sequences for the terminal. So nothing in this room makes a `Static`, a `Label` or a toast by
itself: text comes through here, is made harmless, and is never read as markup. A test sees to it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from textual.app import App
from textual.content import Content
from textual.widgets import Static

from mailtui.kit.safe_text import safe_text

Shown = str | Content

# Within text these variables come out as full white or black: they are blended by the style sheet only.
_AS_DIM = ("$text-muted", "$text-disabled")


def plain(text: str, style: str = "", *, limit: int | None = None, newlines: bool = False) -> Content:
    """Foreign text as it may be shown; `style` is ours, such as `bold` or `$error`."""
    safe = safe_text(text, limit=limit, newlines=newlines)
    for variable in _AS_DIM:
        style = style.replace(variable, "dim")
    return Content.styled(safe, style) if style else Content(safe)


def from_home(text: str) -> str:
    """Text with the paths in it as a person says them: those below the own folder begin with ~."""
    own = str(Path.home())
    if text == own:
        return "~"
    return text.replace(own + os.sep, f"~{os.sep}") if len(own) > 1 else text


def joined(*parts: Shown, separator: str = "") -> Content:
    """Parts one after another; strings among them are made harmless too."""
    return Content(separator).join([part if isinstance(part, Content) else plain(part) for part in parts])


class Plain(Static):
    """Text that is shown and never interpreted."""

    def __init__(self, text: Shown = "", *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(_content(text), markup=False, id=id, classes=classes)

    def show(self, text: Shown, *, same_size: bool = False) -> None:
        """Show another text; `same_size` spares the screen being laid out anew, which costs more than drawing it."""
        self.update(_content(text), layout=not same_size)


def tell(app: App[Any], text: str, *, bad: bool = False) -> None:
    """A toast: for rare changes only, two lines at the most. It takes the place of the one before (see app.tcss)."""
    app.notify(safe_text(text, limit=160), severity="error" if bad else "information", markup=False, timeout=6)


def _content(text: Shown) -> Content:
    return text if isinstance(text, Content) else plain(text, newlines=True)
