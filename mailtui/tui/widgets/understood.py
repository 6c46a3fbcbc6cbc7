"""Owns the words for how a list was understood and how many of it are meant."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from textual.content import Content

from mailtui.kit.words import counted
from mailtui.service.lists import AudienceCounts, Finding, Understanding
from mailtui.tui.text import joined, plain

# What a confidence looks like: symbol and colour beside its word.
_SURE: Mapping[str, tuple[str, str]] = {
    "given": ("=", "$text-success"),
    "certain": ("+", "$text-success"),
    "likely": ("~", "$text-accent"),
    "guess": ("?", "$text-warning"),
}
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "blank"}
_NOTES = 2
_PANEL = 43
_REASON = 300
_SAMPLE = 32
_DIGITS = 9
_FILTER = 500
_LABEL = 11
_VALUE = 17


def understood(found: Understanding, *, reasons: str) -> Content:
    """How the list was read.

    `reasons` stand `beside` what they explain or `below` it, or are left out, with two findings a line (`pairs`) or
    one (`none`).
    """
    findings = _findings(found)
    cells = [_finding(*item) for item in findings]
    if reasons == "none":
        lines = cells
    elif reasons == "pairs":
        lines = [joined(*cells[:2], separator="  "), joined(*cells[2:], separator="  ")]
    elif reasons == "beside":
        lines = [joined(_finding(*item), "  ", plain(item[2].reason, "$text-muted", limit=120)) for item in findings]
    else:
        lines = [line for item in findings for line in (_finding(*item), *_wrapped(item[2].reason, "$text-muted"))]
    notes = found.notes if reasons == "below" else found.notes[:_NOTES]
    for note in notes:
        label = plain(f"{'note':<{_LABEL}}", "$text-warning")
        lines += [label, *_wrapped(note, "")] if reasons == "below" else [joined(label, plain(note, limit=200))]
    if len(notes) < len(found.notes):
        more = f"and {counted(len(found.notes) - len(notes), 'more note')}, shown on a larger screen"
        lines.append(plain(" " * _LABEL + more, "$text-muted"))
    if found.samples and reasons in ("beside", "below"):
        lines.append(joined(plain(f"{'reads as':<{_LABEL}}", "$text-muted"), plain(found.samples[0], limit=_SAMPLE)))
    return joined(*lines, separator="\n")


def _wrapped(text: str, style: str) -> list[Content]:
    lines = textwrap.wrap(plain(text, limit=_REASON).plain, _PANEL - 2)
    return [plain("  " + line, style) for line in lines]


def counts_text(counts: AudienceCounts | int, *, filtered: bool, counting: bool, width: int | None) -> Content:
    """How many rows there are, and how many mails come of them; only the rows, as long as nothing is counted.

    They stand below one another, or beside one another within `width`.
    """
    if isinstance(counts, int):
        numbers = [_counted(counts, "row"), plain("counting ..." if counting else "not counted", "$text-muted")]
    else:
        numbers = [
            _counted(counts.rows, "row"),
            _number(counts.valid, "valid"),
            _number(counts.problems, "unusable", "$text-error" if counts.problems else ""),
            *([_number(counts.matched, "matched")] if filtered else []),
            *([_counted(counts.duplicates, "duplicate", "$text-warning")] if counts.duplicates else []),
            _counted(counts.recipients, "recipient", "bold $text-success" if counts.recipients else "bold $text-error"),
        ]
    if width is None:
        numbers = [joined(" " * (_DIGITS - len(number.plain.split(" ")[0])), number) for number in numbers]
        return joined(*numbers, separator="\n")
    numbers.insert(0, numbers.pop())  # what matters most comes first
    lines = [numbers[0]]
    for number in numbers[1:]:
        line = joined(lines[-1], "   ", number)
        if line.cell_length > width:
            lines.append(number)
        else:
            lines[-1] = line
    return joined(*lines, separator="\n")


def filter_text(text: str, *, stacked: bool) -> Content:
    """The filter as it is set."""
    shown = plain(text, limit=_FILTER) if text else plain("none, so everybody is meant", "$text-muted")
    return joined(plain("filter", "$text-muted"), shown, separator="\n" if stacked else "  ")


def matched_text(counts: AudienceCounts, *, filtered: bool, everybody: bool) -> Content:
    """What a filter comes to, in words; nobody and everybody are said as such.

    `filtered` is whether there is a filter at all, `everybody` whether it leaves no row out.
    """
    of = f"of {counted(counts.rows, 'row')}"
    if not counts.matched:
        return plain(f"× Nobody: not one {of} matches." if counts.rows else "The list has no row.", "bold $text-error")
    if not filtered:
        start = plain(f"Everybody: no filter, {counted(counts.rows, 'row')}", "bold")
    elif everybody:
        start = plain(f"Everybody: {counted(counts.rows, 'row')}, no one left out", "bold $text-warning")
    else:
        start = plain(f"{counts.matched:,} {of} match", "bold")
    left = []
    if counts.duplicates:
        left.append(counted(counts.duplicates, "duplicate"))
    unusable = counts.matched - counts.recipients - counts.duplicates
    if unusable:
        left.append(f"{unusable:,} unusable")
    style = "bold $text-success" if counts.recipients else "bold $text-error"
    end = plain(f", and {', '.join(left)}", "$text-muted") if left else plain("")
    return joined(start, ":  ", plain(counted(counts.recipients, "recipient"), style), end)


def _counted(number: int, one: str, style: str = "bold") -> Content:
    """A number with a noun that follows it."""
    return _number(number, counted(number, one).partition(" ")[2], style)


def _number(number: int, name: str, style: str = "bold") -> Content:
    return joined(plain(f"{number:,}", style or "bold"), " ", plain(name, "$text-muted"))


def _findings(found: Understanding) -> list[tuple[str, str, Finding]]:
    shown = [(key, _value(key, finding.value), finding) for key, finding in found.settings if key != "quote"]
    return [*shown, ("address", found.address_column.value, found.address_column)]


def _value(key: str, value: str) -> str:
    return _DELIMITERS.get(value, value) if key == "delimiter" else value


def _finding(name: str, value: str, finding: Finding) -> Content:
    symbol, style = _SURE[finding.confidence]
    shown = plain(value, "bold", limit=_VALUE - 1)
    gap = " " * max(1, _VALUE - shown.cell_length)
    return joined(
        plain(f"{name:<{_LABEL}}", "$text-muted"), shown, gap, plain(f"{symbol} {finding.confidence:<8}", style)
    )
