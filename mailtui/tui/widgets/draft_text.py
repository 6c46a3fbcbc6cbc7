"""Owns the words for a message that is being written: its files and its fields."""

from __future__ import annotations

from textual.content import Content

from mailtui.service.drafts import BODIES, Draft, DraftField, DraftFile
from mailtui.tui.text import joined, plain

_NAME_WIDTH = 14
_ORIGINS = {
    "mailtui": ("·", "$text-muted", "in every message"),
    "default": ("~", "$text-warning", "no column; has a default"),
    "missing": ("×", "$text-error", "no column"),
    "unknown": ("?", "$text-muted", "the list cannot be read"),
}


def entry(file: DraftFile, *, short: bool) -> Content:
    """A file in the list of files; `short` where there is little room."""
    mark = plain("× ", "bold $text-error") if file.wrong else plain("  ")
    if file.role in (*BODIES, "included"):
        role = "" if short else f"{file.role:<9}"
        return joined(mark, plain(role, "$text-muted"), plain(file.name, limit=60))
    return joined(mark, plain(file.name if file.role == "campaign" else file.role, limit=60))


def fields(draft: Draft, *, short: bool) -> Content:
    """The fields a message uses, a line each."""
    if not draft.fields:
        said = "The whole row is read." if draft.whole_row else "None: everybody gets the same."
        return plain(said, "$text-muted")
    widest = 0 if short else min(max(len(field.name) for field in draft.fields), _NAME_WIDTH)
    lines = [_field(field, widest) for field in draft.fields]
    if draft.whole_row:
        lines.append(plain("and others, read from the row", "$text-muted"))
    return joined(*lines, separator="\n")


def _field(field: DraftField, widest: int) -> Content:
    name = plain(f"{field.name:<{widest}}", "bold", limit=40)
    if field.origin == "list":
        value = plain(field.sample, limit=60) if field.sample.strip() else plain("(blank)", "$text-warning")
        return joined(plain("+ ", "$text-success"), name, " ", value)
    symbol, style, said = _ORIGINS[field.origin]
    told = field.sample if field.origin == "mailtui" and field.sample else said
    return joined(plain(f"{symbol} ", style), name, " ", plain(told, style, limit=60))
