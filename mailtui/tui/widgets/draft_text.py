"""Owns the words for a message that is being written: its files, its fields and its mistakes."""

from __future__ import annotations

from textual.content import Content

from mailtui.service.drafts import BODIES, DraftField, DraftFile, Mistake
from mailtui.tui.text import joined, plain

_ORIGINS = {
    "mailtui": ("·", "$text-muted", "in every message"),
    "default": ("~", "$text-warning", "no column; has a default"),
    "missing": ("×", "$text-error", "no column"),
    "unknown": ("?", "$text-muted", "the list cannot be read"),
    "filter": ("|", "$text-muted", ""),
}


def entry(file: DraftFile, *, short: bool, changed: bool) -> Content:
    """A file in the list of files; `short` where there is little room, `changed` (marked *) where it is not saved."""
    mark = plain("× ", "bold $text-error") if file.mistakes else plain("  ")
    unsaved = plain(" *", "bold $text-warning") if changed else plain("")
    if file.role in (*BODIES, "included"):
        role = "" if short else f"{file.role:<9}"
        return joined(mark, plain(role, "$text-muted"), plain(file.name, limit=60), unsaved)
    return joined(mark, plain(file.name if file.role == "campaign" else file.role, limit=60), unsaved)


def field_line(field: DraftField, widest: int) -> Content:
    """A field with its value, or a word about it."""
    name = plain(f"{field.name:<{widest}}", "bold" if field.origin != "unused" else "", limit=40)
    if field.origin in ("list", "unused"):
        value = plain(field.sample, limit=60) if field.sample.strip() else plain("(blank)", "$text-warning")
        return joined(plain("+ ", "$text-success") if field.origin == "list" else plain("  "), name, " ", value)
    symbol, style, said = _ORIGINS[field.origin]
    return joined(plain(f"{symbol} ", style), name, " ", plain(field.sample or said, style, limit=60))


def mistake_line(file: DraftFile, mistake: Mistake) -> Content:
    """Where a mistake is, and what is wrong."""
    where = f"{file.name}:{mistake.line}" + (f":{mistake.column}" if mistake.column else "")
    said = f"{mistake.message} {mistake.hint}".rstrip()
    return joined(plain("× ", "bold $text-error"), plain(where, "$text-warning", limit=60), " ", plain(said, limit=400))
