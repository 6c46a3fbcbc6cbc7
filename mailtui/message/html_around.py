"""Owns what holds for everything inside an element of a mail's HTML: its look, its lists, whether its text is seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from mailtui.message.html_blocks import PLAIN, Kind, Look
from mailtui.message.html_letters import LOWERED, RAISED, is_number
from mailtui.message.html_styles import Seen, Style
from mailtui.message.html_tables import Cell

_MARKED = frozenset(
    (*("a", "b", "strong", "th", "dt", "i", "em", "cite", "dfn"), *("s", "del", "strike", "code", "kbd", "samp", "tt"))
)
_SPAN = 1_000  # columns or rows that a cell takes at the most

Attributes = Mapping[str, str | None]


class Around(NamedTuple):
    """What holds for everything inside an element."""

    look: Look = PLAIN
    kind: Kind = Kind.TEXT
    indent: int = 0
    quoted: int = 0
    kept: bool = False  # white space counts
    seen: bool = True  # text is; a picture is in any case
    items: Items | None = None
    digits: dict[int, int] | None = None  # as they are written here


@dataclass(slots=True)
class Items:
    """A list that is being read."""

    ordered: bool
    number: int

    def lead(self, given: str | None) -> str:
        if not self.ordered:
            return "• "
        if given is not None and is_number(given):
            self.number = int(given)
        self.number += 1
        return f"{self.number - 1}. "


def inside(tag: str, style: Style, around: Around, seen: Seen) -> Around:
    """What holds inside an element, as its name and style say."""
    look = around.look
    if style.bold or tag in _MARKED:
        look = _look(tag, style.bold, look)
    shown = around.seen
    if seen is not Seen.AS_BEFORE:
        shown = seen is Seen.LETTERS
    kept = around.kept or style.kept
    digits = {"sup": RAISED, "sub": LOWERED}.get(tag, around.digits)
    if look is around.look and shown == around.seen and kept == around.kept and digits is around.digits:
        return around
    return around._replace(look=look, seen=shown, kept=kept, digits=digits)


@lru_cache(512)
def _look(tag: str, bold: bool, look: Look) -> Look:
    if tag == "a":
        look = replace(look, link=True)
    if tag in ("b", "strong", "th", "dt") or bold:
        return look if look.bold else replace(look, bold=True)
    if tag in ("i", "em", "cite", "dfn"):
        return replace(look, italic=True)
    if tag in ("s", "del", "strike"):
        return replace(look, strike=True)
    if tag in ("code", "kbd", "samp", "tt"):
        return replace(look, code=True)
    return look


def cell_of(tag: str, attributes: Attributes, style: Style, start: int) -> Cell:
    right = (attributes.get("align") or "").strip().lower() == "right" or style.right
    return Cell(start, tag == "th", right, _span(attributes.get("colspan")), _span(attributes.get("rowspan")))


def _span(given: str | None) -> int:
    return min(max(int(given), 1), _SPAN) if given is not None and is_number(given) else 1


def is_tight(attributes: Attributes, style: Style) -> bool:
    """Whether a paragraph leaves no room above and below: of Outlook, or by its style."""
    return (attributes.get("class") or "").startswith("Mso") or style.tight
