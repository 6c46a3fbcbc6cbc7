"""Owns which letters of a mail's HTML take room, and how links and small digits are written as text."""

from __future__ import annotations

import re
from dataclasses import replace

from mailtui.message.html_blocks import Run

_SCHEME = re.compile(r"^(?:https?://(?:www\.)?|mailto:|tel:)", re.IGNORECASE)
# They take no room: soft hyphens, word joiners and the like, and marks that only say how text of both directions runs.
# Overrides of the direction are not among them; they are shown for what they are.
NO_ROOM = dict.fromkeys(
    map(
        ord,
        "\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u2060\u2061\u2062\u2063\u2064\ufeff"
        "\u2066\u2067\u2068\u2069",
    )
)
BLANK = (
    " \u00a0\u115f\u1160\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200c\u200d\u202f\u2800\u3000\u3164"
)
RAISED = str.maketrans("0123456789+-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻")
LOWERED = str.maketrans("0123456789+-", "₀₁₂₃₄₅₆₇₈₉₊₋")


def trimmed(runs: list[Run]) -> list[Run]:
    """Without the white space at the end of a line; that at its beginning was never taken in."""
    while runs:
        text = runs[-1].text.rstrip(BLANK)
        if text == runs[-1].text:
            break
        if text:
            runs[-1] = replace(runs[-1], text=text)
            break
        runs.pop()
    return runs


def bare(text: str) -> str:
    """A target as people write it."""
    if text[:4].lower() == "tel:" or text[:1] == "+":
        return re.sub(r"\D", "", text)
    return _SCHEME.sub("", text).rstrip("/")


def is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 8
