"""Owns what a mail's HTML becomes for a terminal: paragraphs and lines, and how stretches of their text stand out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

READ_ATTRIBUTES = frozenset(
    (
        *("style", "hidden", "role", "start", "value", "type", "checked", "width", "height", "align"),
        *("border", "colspan", "rowspan", "media", "aria-hidden"),
    )
)
"""Those of a page that decide how it is read; what others say is at most shown."""
SHEET_ATTRIBUTES = frozenset(("class", "id"))
"""Those that decide, too, in a page with style sheets."""


class Kind(StrEnum):
    """What a block is, for whoever colours it."""

    TEXT = "text"
    HEADING = "heading"
    CODE = "code"
    ROW = "row"
    RULE = "rule"
    LINK = "link"  # at the end: a number, and where it leads
    NOTE = "note"  # said by mailtui, not by the mail


@dataclass(frozen=True, slots=True)
class Look:
    """How a stretch of text is meant to stand out."""

    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: bool = False
    muted: bool = False


PLAIN = Look()


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text of one look."""

    text: str
    look: Look = PLAIN


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph or line. `indent` in columns, `quoted` levels of quoting; `lead` stands before its first line, and
    further lines are set in by as much. `gap`: a blank line comes before it.
    """

    kind: Kind
    runs: tuple[Run, ...]
    indent: int = 0
    quoted: int = 0
    lead: str = ""
    gap: bool = False

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)
