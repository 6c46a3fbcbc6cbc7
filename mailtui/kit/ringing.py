"""Owns calling a person back to a terminal: the bell, and a notice of its own where it shows such (OSC 9)."""

from __future__ import annotations

from collections.abc import Mapping

from mailtui.kit.safe_text import safe_text

_SHOWS_ALL = ("linux", "dumb", "")
"""Values of TERM at which an unknown sequence may appear as text."""


def ringing(text: str, environ: Mapping[str, str]) -> str:
    """What to write to the terminal. Many show the text as a notice of the desktop (OSC 9, from iTerm2); the others
    take no heed of it, and all ring.
    """
    if environ.get("TERM", "") in _SHOWS_ALL:
        return "\a"
    return f"\x1b]9;{safe_text(text, limit=200)}\x1b\\\a"
