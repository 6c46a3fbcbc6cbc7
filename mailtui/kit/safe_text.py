"""Owns what a stranger's text may look like on a screen, in a log or in a table.

A list's cells, file names and a server's replies are data from strangers: escape sequences, other control
characters, bidirectional overrides and lone surrogates in them would act on the terminal. Everything that
shows such text passes it through here first.
"""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "["
    "\x00-\x1f\x7f-\x9f"  # C0, DEL and C1 controls, with ESC and CSI among them
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional marks, embeddings, overrides and isolates
    "\u2028\u2029"  # line and paragraph separators
    "\ud800-\udfff"  # lone surrogates cannot be encoded to a terminal
    "\ufff9-\ufffb"  # interlinear annotation
    "]"
)
_UNSAFE_KEEPING_NEWLINES = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_ELLIPSIS = "…"


def safe_text(text: str, *, limit: int | None = None, newlines: bool = False) -> str:
    """The same text with everything that could act on a terminal shown as a visible escape.

    `limit` cuts to that many characters, with an ellipsis as the last; `newlines` keeps line feeds.
    """
    unsafe = _UNSAFE_KEEPING_NEWLINES if newlines else _UNSAFE
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + _ELLIPSIS
    return unsafe.sub(_visible, text)


def safe_json(text: str) -> str:
    """The same JSON with those characters escaped as JSON escapes them: what it says is unchanged."""
    return _UNSAFE_KEEPING_NEWLINES.sub(lambda match: f"\\u{ord(match.group()):04x}", text)


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code == 0x0A:
        return "⏎"
    if code == 0x09:
        return " "
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
