"""Owns the words for how a list was understood and how many of it are meant."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping

from textual.content import Content

from mailtui.kit.words import counted
from mailtui.service.lists import AudienceCounts, ColumnType, Finding, Understanding
from mailtui.tui.text import joined, plain
from mailtui.tui.widgets.wrapped import Line

# What a confidence looks like: symbol and colour beside its word.
_SURE: Mapping[str, tuple[str, str]] = {
    "given": ("=", "$text-success"),
    "certain": ("+", "$text-success"),
    "likely": ("~", "$text-accent"),
    "guess": ("?", "$text-warning"),
}
_FLAGGED: Mapping[str, str] = {
    "role": "of a role (info@)",
    "disposable": "throw-away",
    "bad_domain": "mistyped domain",
}
_TYPES: Mapping[str, str] = {"number": "#", "date": "/", "code": "0"}
_PLAIN = ("format", "quote")
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe", " ": "blank"}
_NOTES = 2
_PANEL = 43
_REASON = 300
_NOTE = 1_000
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
        lines = [joined(*cells[first : first + 2], separator="  ") for first in range(0, len(cells), 2)]
    elif reasons == "beside":
        lines = [joined(_finding(*item), "  ", plain(item[2].reason, "$text-muted", limit=120)) for item in findings]
    else:
        lines = [line for item in findings for line in (_finding(*item), *_wrapped(item[2].reason, "$text-muted"))]
    notes = found.notes if reasons == "below" else found.notes[:_NOTES]
    for note in notes:
        label = plain(f"{'note':<{_LABEL}}", "$text-warning")
        lines += [label, *_wrapped(note, "")] if reasons == "below" else [joined(label, plain(note, limit=200))]
    if len(notes) < len(found.notes):
        more = f"and {counted(len(found.notes) - len(notes), 'more note')}: i shows everything"
        lines.append(plain(" " * _LABEL + more, "$text-muted"))
    if found.samples and reasons in ("beside", "below"):
        lines.append(joined(plain(f"{'reads as':<{_LABEL}}", "$text-muted"), plain(found.samples[0], limit=_SAMPLE)))
    return joined(*lines, separator="\n")


def how_sure(finding: Finding) -> Content:
    """How sure a finding is, and why."""
    symbol, style = _SURE[finding.confidence]
    return joined(
        plain(f"{symbol} {finding.confidence:<8}", style), " ", plain(finding.reason, "$text-muted", limit=_REASON)
    )


def in_full(found: Understanding) -> Iterator[Line]:
    """Everything that was understood: findings with their reasons, notes, the columns' types, samples."""
    if found.notes:
        yield Line(plain(counted(len(found.notes), "note"), "bold"))
        yield from (Line(plain(note, limit=_NOTE), plain("- ", "$text-warning")) for note in found.notes)
        yield Line(plain(""))
    for name, value, finding in _findings(found, everything=True):
        yield Line(plain(finding.reason, "$text-muted", limit=_REASON), joined(_finding(name, value, finding), " "))
    told = [(name, kind) for name, kind in zip(found.columns, found.types, strict=False) if kind.kind != "text"]
    if told:
        yield from (Line(plain("")), Line(plain("Columns that are more than text", "bold")))
    for name, kind in told:
        label = joined(plain(name, limit=_VALUE), plain(f"  {type_word(kind)}", "$text-accent"))
        yield Line(plain(kind.reason, "$text-muted", limit=_REASON), joined(label, "  "))
    if found.samples:
        yield from (Line(plain("")), Line(plain("Lines with letters beyond ASCII, as they read", "bold")))
        yield from (Line(plain(sample, limit=_REASON)) for sample in found.samples)


def type_word(kind: ColumnType) -> str:
    """A column's type as it is given and told, such as `date dmy`."""
    return f"{kind.kind} {kind.style}".strip()


def type_mark(kind: ColumnType) -> str:
    """A column's type in one character, for the head of a table; nothing for text."""
    return _TYPES.get(kind.kind, "")


def heading_marks(found: Understanding) -> tuple[str, ...]:
    """What stands behind the columns' names: their types, and which one has the addresses."""
    types = (*(type_mark(kind) for kind in found.types), *[""] * (len(found.columns) - len(found.types)))
    address = found.address_column.value
    return tuple("@" if name == address else mark for name, mark in zip(found.columns, types, strict=True))


def _wrapped(text: str, style: str) -> list[Content]:
    lines = textwrap.wrap(plain(text, limit=_REASON).plain, _PANEL - 2)
    return [plain("  " + line, style) for line in lines]


def counts_text(counts: AudienceCounts | int, *, filtered: bool, counting: bool) -> Content:
    """How many rows there are, and how many mails come of them; only the rows, as long as nothing is counted."""
    if isinstance(counts, int):
        numbers = [_counted(counts, "row"), plain("counting ..." if counting else "not counted", "$text-muted")]
    else:
        numbers = [
            _counted(counts.rows, "row"),
            _number(counts.valid, "valid"),
            _number(counts.problems, "unusable", "$text-error" if counts.problems else ""),
            *([_number(counts.matched, "matched")] if filtered else []),
            *([_counted(counts.duplicates, "duplicate", "$text-warning")] if counts.duplicates else []),
            *([_number(counts.excluded, "excluded", "$text-warning")] if counts.excluded else []),
            *([_number(counts.grouped, "in another row's mail")] if counts.grouped else []),
            _counted(counts.recipients, "recipient", "bold $text-success" if counts.recipients else "bold $text-error"),
            *(_number(number, _FLAGGED[kind], "$text-warning") for kind, number in counts.flagged if number),
        ]
    numbers = [joined(" " * (_DIGITS - len(number.plain.split(" ")[0])), number) for number in numbers]
    return joined(*numbers, separator="\n")


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
    meant = counts.rows if everybody else counts.matched  # a bad row matches no filter, and is nobody left out by one
    others = [
        (counts.duplicates, counted(counts.duplicates, "duplicate")),
        (counts.grouped, f"{counts.grouped:,} in another row's mail"),
        (counts.excluded, f"{counts.excluded:,} excluded"),
    ]
    unusable = meant - counts.recipients - sum(number for number, _ in others)
    left = [text for number, text in (*others, (unusable, f"{unusable:,} unusable")) if number]
    style = "bold $text-success" if counts.recipients else "bold $text-error"
    end = plain(f", and {', '.join(left)}", "$text-muted") if left else plain("")
    return joined(start, ":  ", plain(counted(counts.recipients, "recipient"), style), end)


def _counted(number: int, one: str, style: str = "bold") -> Content:
    """A number with a noun that follows it."""
    return _number(number, counted(number, one).partition(" ")[2], style)


def _number(number: int, name: str, style: str = "bold") -> Content:
    return joined(plain(f"{number:,}", style or "bold"), " ", plain(name, "$text-muted"))


def _findings(found: Understanding, *, everything: bool = False) -> list[tuple[str, str, Finding]]:
    """Format and quote are told where everything is, or where somebody has given them or they are in doubt."""
    settings = [("format", found.format), *found.settings, ("address", found.address_column)]
    return [
        (key, _value(key, finding.value), finding)
        for key, finding in settings
        if everything or key not in _PLAIN or finding.confidence in ("given", "guess") or _notable(key, finding.value)
    ]


def _notable(key: str, value: str) -> bool:
    return key == "format" and value != "csv"


def _value(key: str, value: str) -> str:
    if key == "delimiter":
        return _DELIMITERS.get(value, value)
    if key == "header" and value.isdecimal():
        return f"line {value}" if value != "1" else "first line"
    return value or "none"


def _finding(name: str, value: str, finding: Finding) -> Content:
    symbol, style = _SURE[finding.confidence]
    shown = plain(value, "bold", limit=_VALUE - 1)
    gap = " " * max(1, _VALUE - shown.cell_length)
    return joined(
        plain(f"{name:<{_LABEL}}", "$text-muted"), shown, gap, plain(f"{symbol} {finding.confidence:<8}", style)
    )
