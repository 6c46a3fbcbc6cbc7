"""Owns the marks and words for the rows of a list: what becomes of each, and what is remarkable about its address."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content

from mailtui.kit.words import counted
from mailtui.service.lists import AudienceCounts, ListRow, Which
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.view_bar import Kind

UNUSABLE, OUT = "×", "-"
_FLAGS: Mapping[str, tuple[str, str]] = {
    "bad_domain": ("b", "a domain that is probably mistyped"),
    "disposable": ("d", "a throw-away address"),
    "role": ("r", "the address of a role"),
    "mailed": ("+", "gets the mail; other rows have its address"),
    "repeat": ("=", "another row with this address gets the mail"),
}
LEGEND = (
    "Beside a row: × no address a mail can go to, - left out by the filter,"
    " b a mistyped domain, d a throw-away mailbox, r a role"
    " (info@); of several rows with one address + gets the mail, = does not."
    " Behind a column's name: @ addresses, # numbers, / dates, 0 digits that keep their zeros."
)


def marks_of(row: ListRow) -> str:
    """What stands beside a row: what becomes of it, then the gravest of its flags."""
    first = UNUSABLE if not row.usable else " " if row.matched else OUT
    flags: set[str] = set(row.flags)
    if row.mailed is not None:
        flags.add("mailed" if row.mailed == row.row else "repeat")
    flag = next((mark for flag, (mark, _) in _FLAGS.items() if flag in flags), "")
    return f"{first}{flag}".rstrip()


def state_of(marks: str) -> Content:
    """The same in words; nothing where there is nothing to say."""
    if marks.startswith(UNUSABLE):
        return plain(f"{UNUSABLE} gets no mail; enter says why", "$text-error")
    said = [f"{OUT} left out by the filter"] if marks.startswith(OUT) else []
    said += [f"{mark} {words}" for mark, words in _FLAGS.values() if marks.endswith(mark)]
    return plain(", ".join(said), "$text-warning")


def kinds_of_rows(rows: int, counts: AudienceCounts | None, taken: str, *, filtered: bool) -> list[Kind]:
    """The kinds of rows that can be looked at, with how many there are of each; those of none are left out.

    `taken` is the one that is looked at, which stays.
    """
    if counts is None:
        return [_kind("all", rows, "row")]
    kinds = [
        _kind("recipients", counts.recipients, "recipient", style="$text-success"),
        _kind("all", counts.rows, "row"),
        *([_kind("matched", counts.matched, "matched", "matched")] if filtered else []),
        *([_kind("out", counts.rows - counts.matched, "out", "out")] if filtered else []),
        _kind("problems", counts.problems, "unusable", "unusable", style="$text-error"),
        _kind("duplicates", counts.duplicates, "duplicate", style="$text-warning"),
        _kind("excluded", counts.excluded, "excluded", "excluded", style="$text-warning"),
        _kind("flagged", counts.remarkable, "flagged", "flagged", style="$text-warning"),
    ]
    return [kind for kind in kinds if kind.count or kind.which in ("all", "recipients", taken)]


def other_rows(counts: AudienceCounts | None) -> Content:
    """The rows that went into another one's mail: counted beside the kinds, and not looked at by themselves."""
    if counts is None or not counts.grouped:
        return plain("")
    return joined(plain(f"{counts.grouped:,}", "bold"), plain(" in another row's mail", "$text-muted"))


def _kind(which: Which, count: int, one: str, many: str = "", *, style: str = "") -> Kind:
    return Kind(which, counted(count, one, many).partition(" ")[2], count, style)
