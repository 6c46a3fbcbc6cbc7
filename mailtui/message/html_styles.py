"""Owns what the style of an element says that matters to somebody who reads its text in a terminal."""

from __future__ import annotations

import re
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

_END = r"\s*(?:!|;|$)"
_ZERO = r"0(?:\.0+)?(?:px|pt|em|rem|%)?" + _END
_GONE = re.compile(
    r"(?:^|[;\s{])(?:display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)"
    rf"|opacity\s*:\s*{_ZERO}|(?:left|top|text-indent)\s*:\s*-\d{{3,}})",
    re.IGNORECASE,
)
_CLIPPED = re.compile(r"(?:^|[;\s])overflow\s*:\s*hidden", re.IGNORECASE)
_NO_ROOM = re.compile(rf"(?:^|[;\s])(?:max-)?(?:height|width)\s*:\s*{_ZERO}", re.IGNORECASE)
_SHOWN = re.compile(r"(?:^|[;\s])display\s*:\s*(?!none)[a-z]", re.IGNORECASE)
_NO_LETTERS = re.compile(
    rf"(?:^|[;\s])(?:font-size\s*:\s*(?:1px{_END}|{_ZERO})|color\s*:\s*transparent{_END})", re.IGNORECASE
)
_LETTERS = re.compile(r"(?:^|[;\s])(?:font-size|font|color)\s*:", re.IGNORECASE)
_BOLD = re.compile(
    r"(?:^|[;\s])(?:font-weight\s*:\s*(?:bold|[6-9]00)|font-size\s*:\s*(?:[2-9]\d|\d{3,})(?:\.\d+)?px)", re.IGNORECASE
)
_BLOCK = re.compile(r"(?:^|[;\s])display\s*:\s*(?:block|table|flex|grid|list-item)\b", re.IGNORECASE)
_KEPT = re.compile(r"white-space\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_RULED = re.compile(r"(?:^|[;\s])border-top\s*:(?!\s*(?:none|0))[^;]*\b(?:solid|dashed|dotted|double)", re.IGNORECASE)
_TIGHT = re.compile(r"(?:^|[;\s])margin\s*:\s*(?:0[a-z%]*\s*)+(?:!|;|$)|mso-list", re.IGNORECASE)
_RIGHT = re.compile(r"text-align\s*:\s*right", re.IGNORECASE)
_MARKER = re.compile(r"mso-list\s*:\s*ignore", re.IGNORECASE)


class Seen(Enum):
    """What a style makes of an element."""

    AS_BEFORE = 0
    GONE = 1  # with all that is in it
    NO_LETTERS = 2  # text takes no room; pictures do, and elements inside that set their own size
    LETTERS = 3


class Style(NamedTuple):
    """What a style attribute, or the declarations of a rule, say."""

    seen: Seen = Seen.AS_BEFORE
    shown: bool = False  # it has a display that is not none
    bold: bool = False  # or large
    block: bool = False
    boxed: bool = False  # in a line, and yet a box of its own
    kept: bool = False  # white space counts
    ruled: bool = False  # a line is above it
    tight: bool = False  # no room above and below
    right: bool = False
    marker: bool = False  # Word writes the number of a list's item as text


PLAIN_STYLE = Style()


@lru_cache(2048)
def style_of(text: str) -> Style:
    """Read declarations; those of one mail are mostly the same few, and those of its copies all are."""
    return Style(
        _seen(text),
        _SHOWN.search(text) is not None,
        _BOLD.search(text) is not None,
        _BLOCK.search(text) is not None,
        "inline-block" in text,
        _KEPT.search(text) is not None,
        _RULED.search(text) is not None,
        _TIGHT.search(text) is not None,
        _RIGHT.search(text) is not None,
        _MARKER.search(text) is not None,
    )


def _seen(style: str) -> Seen:
    if _GONE.search(style) or (_CLIPPED.search(style) and _NO_ROOM.search(style)):
        return Seen.GONE
    if _NO_LETTERS.search(style):
        return Seen.NO_LETTERS
    return Seen.LETTERS if _LETTERS.search(style) else Seen.AS_BEFORE
