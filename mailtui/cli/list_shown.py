"""Owns what a list looks like on the terminal: how it was understood, its columns, its counts, and some of its rows."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Any

from mailtui.cli import output
from mailtui.kit.safe_text import safe_text
from mailtui.service.list_settings import shown as setting_shown
from mailtui.service.lists import (
    Audience,
    AudienceCounts,
    ColumnType,
    Explanation,
    ListRow,
    RowView,
    SheetCopy,
    Understanding,
    about_alike,
    freshness,
)

_COLUMNS_SHOWN = 30
_VALUES_SHOWN = 2
_LABEL = 13
_CELL = 32


def show_list(opened: Audience, filters: list[tuple[str, str]], limit: int, *, as_json: bool) -> None:
    """Everything about a list, with its first recipients."""
    counts = opened.counts()
    recipients = list(islice(opened.recipients(), limit))
    if as_json:
        rows = [{"row": item.row, "address": item.address, "fields": dict(item.fields)} for item in recipients]
        understood = _understood(opened.understanding)
        listed = {
            "filters": [text for _, text in filters],
            "about_filter": _about_filter(opened, counts),
            "understood": understood,
            "recipients": rows,
        }
        sheet = {"sheet": _sheet_json(opened.sheet)} if opened.sheet is not None else {}
        output.json_line({**asdict(counts), "flagged": dict(counts.flagged), **listed, **sheet})
        return
    output.data(output.bold(safe_text(opened.name)))
    if opened.sheet is not None:
        output.data(f"  {freshness(opened.sheet, datetime.now().astimezone())}")
    _show_findings(opened.understanding)
    _show_columns(opened)
    if opened.understanding.notes:
        output.data("")
    for note in opened.understanding.notes:
        _paragraph("note", safe_text(note))
    output.data("")
    _show_counts(counts, filters)
    said = _about_filter(opened, counts)
    if said:
        _paragraph("note", safe_text(said))
    alike, first = opened.alike(5)
    if alike:
        where = f"(rows {', '.join(map(str, first))}{', …' if alike > len(first) else ''})"
        _paragraph("note", f"{about_alike(alike)} {where}")
    if recipients:
        output.data("")
        cells = [(item.row, [item.fields[column] for column in opened.columns]) for item in recipients]
        show_rows(cells, opened.columns)
    if counts.rows > counts.recipients and counts.problems + counts.duplicates + counts.excluded:
        output.note("See the rows that get no mail: add --problems")


def _about_filter(opened: Audience, counts: AudienceCounts) -> str:
    """What to know of a filter that matches nobody or everybody, which is seldom what was meant; '' of others."""
    if opened.rule is None or not counts.rows:
        return ""
    nobody = not counts.matched
    if not nobody and (counts.matched < counts.rows - counts.problems or opened.matching(1, 1, held=False)):
        return ""
    from mailtui.service.rule_help import find_culprit  # here, since few filters need it

    culprit = find_culprit(opened, nobody=nobody)
    said = "The filter matches nobody." if nobody else "The filter leaves nobody out."
    return f"{said} {culprit.said}" if culprit is not None else said


def show_rows(rows: Sequence[tuple[int, Sequence[str]]], columns: Sequence[str]) -> None:
    """Rows with their numbers, and as many columns as fit."""
    room = _width() - 2 - max(3, *(len(str(number)) for number, _ in rows))
    kept = 0
    for position, name in enumerate(columns):
        cells = [safe_text(cells[position], limit=_CELL) for _, cells in rows if position < len(cells)]
        room -= 2 + max(map(len, (safe_text(name, limit=_CELL), *cells)))
        if room < 0 and kept:
            break
        kept += 1
    shown = [
        [str(number), *(safe_text(cell, limit=_CELL) for cell in cells[:kept]), *[""] * (kept - len(cells))]
        for number, cells in rows
    ]
    output.table(["row", *(safe_text(name, limit=_CELL) for name in columns[:kept])], shown, right=[0])
    if kept < len(columns):
        output.note(f"{len(columns) - kept:,} of {len(columns):,} columns do not fit; --json has all of them.")


def row_json(row: ListRow, columns: Sequence[str]) -> dict[str, Any]:
    """A row of the list, for JSON; one that cannot be cut into cells has its text instead of them."""
    whole = len(row.cells) == len(columns)
    fields = {"fields": dict(zip(columns, row.cells, strict=True))} if whole else {"text": "".join(row.cells)}
    return {"row": row.row, "line": row.line, "usable": row.usable, "matched": row.matched, **fields}


def show_row(view: RowView, unit: str, *, as_json: bool) -> None:
    """One row, and why it is in or out, clause by clause."""
    if as_json:
        output.json_line(asdict(view))
        return
    state = "in" if view.matched and view.problem is None else "out"
    output.data(output.bold(f"Row {view.row} ({unit} {view.line}) is {state}"))
    if view.problem is not None:
        output.data(f"  {view.problem.kind.replace('_', ' ')}: {safe_text(view.problem.reason)}")
    if view.with_row is not None:
        output.data(f"  its mail is that of row {view.with_row}, which has the same address")
    if view.further:
        output.data(f"  its mail has these rows too: {', '.join(map(str, view.further))}")
    said = view.problem.reason if view.problem is not None else ""
    for flag in (flag for flag in view.flags if flag != said):
        output.data(f"  {safe_text(flag)}")
    if view.explanation is not None:
        for line in _explained(view.explanation, 1):
            output.data(line)
    if view.fields:
        output.data("")
    wide = min(24, max((len(safe_text(name)) for name in view.fields), default=0))
    for name, value in view.fields.items():
        output.data(f"  {safe_text(name):<{wide}}  {safe_text(value, limit=200)}".rstrip())


def _explained(explanation: Explanation, depth: int) -> list[str]:
    mark = "yes" if explanation.held else "no "
    line = f"{'  ' * depth}{mark}  {safe_text(explanation.text)}"
    if explanation.actual is not None:
        note = f", {safe_text(explanation.note)}" if explanation.note else ""
        line += f"   (it is {safe_text(repr(explanation.actual), limit=80)}{note})"
    parts = [part for item in explanation.parts for part in _explained(item, depth + 1)]
    return [line, *parts]


def _sheet_json(sheet: SheetCopy) -> dict[str, Any]:
    fetched = datetime.fromtimestamp(sheet.fetched_at).astimezone()
    return {"fetched_at": fetched.isoformat(timespec="seconds"), "offline": sheet.offline}


def _show_findings(found: Understanding) -> None:
    """Each finding below the name of the option that overrides it."""
    settings = (("format", found.format), *found.settings, ("address", found.address_column))
    wide = min(24, max(len(setting_shown(key, finding.value)) for key, finding in settings))
    sure = max(len(finding.confidence) for _, finding in settings)
    for key, finding in settings:
        value = safe_text(setting_shown(key, finding.value), limit=40)
        head = f"  {'--' + key:<{_LABEL}}{value:<{wide}}  {finding.confidence:<{sure}}  "
        _data(head, safe_text(finding.reason), len(head))
        if key == "encoding" and finding.confidence in ("guess", "given"):
            for sample in found.samples:
                output.data(f"  {'':<{_LABEL}}{safe_text(sample, limit=_width() - _LABEL - 2)}")


def _show_columns(opened: Audience) -> None:
    found = opened.understanding
    first = [row for row in opened.page(1, 20) if len(row.cells) == len(found.columns)]
    lines = []
    for position, (name, kind) in enumerate(zip(found.columns, found.types, strict=True)):
        if position == _COLUMNS_SHOWN:
            break
        values = dict.fromkeys(cell for row in first if (cell := row.cells[position].strip()))
        lines.append((safe_text(name, limit=28), _kind(kind), list(values)[:_VALUES_SHOWN]))
    names, kinds = (max(len(line[place]) for line in lines) for place in (0, 1))
    output.data("")
    for name, type_name, cells in lines:
        head = f"  {name:<{names}}  {type_name:<{kinds}}  "
        room = max(8, _width() - len(head))
        shown = "  ".join(safe_text(value, limit=room) for value in cells)  # a comma may be part of one
        output.data((head + (shown if len(shown) <= room else shown[: room - 1] + "…")).rstrip())
    if len(found.columns) > _COLUMNS_SHOWN:
        output.data(f"  and {len(found.columns) - _COLUMNS_SHOWN:,} more columns")


def _kind(found: ColumnType) -> str:
    style = {"comma": " comma", "point": ""}.get(found.style, f" {found.style}" if found.style else "")
    return f"{found.kind}{style}"


def _show_counts(counts: AudienceCounts, filters: list[tuple[str, str]]) -> None:
    shown: list[tuple[str, int, str]] = [("rows", counts.rows, "")]
    if filters:
        shown.append(("match", counts.matched, ""))
    others = (("unusable", counts.problems), ("duplicates", counts.duplicates), ("excluded", counts.excluded))
    shown += [(name, number, "") for name, number in others if number]
    if counts.grouped:
        shown.append(("grouped", counts.grouped, "rows that go into another one's mail"))
    shown.append(("recipients", counts.recipients, ""))
    for position, (place, text) in enumerate(filters):
        _paragraph("and" if position else "filter", f"{safe_text(text)}   ({safe_text(place)})")
    for name, number, words in shown:
        output.data(f"  {name:<{_LABEL}}{number:>11,}  {words}".rstrip())
    flagged = ", ".join(f"{number:,} {kind.replace('_', ' ')}" for kind, number in counts.flagged if number)
    if flagged:
        kinds = " ".join(f"--exclude {kind}" for kind, number in counts.flagged if number)
        _paragraph("flagged", flagged if counts.excluded else f"{flagged} (leave them out: {kinds})")


def _understood(found: Understanding) -> dict[str, Any]:
    """For JSON: each setting under its own name, beside what every list has."""
    whole = asdict(found)
    return {"format": whole.pop("format"), **dict(whole.pop("settings")), **whole}


def _paragraph(label: str, text: str) -> None:
    head = f"  {label:<{_LABEL}}"
    _data(head, text, len(head))


def _data(head: str, text: str, indent: int) -> None:
    for line in _lines(head + text, indent):
        output.data(line.rstrip())


def _lines(text: str, indent: int) -> Iterator[str]:
    """As a terminal shows it; where there is none, a program reads whole lines."""
    if not sys.stdout.isatty():
        yield text
        return
    # Blanks inside are kept, since they align.
    yield from textwrap.wrap(
        text,
        _width(),
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )


def _width() -> int:
    return min(100, shutil.get_terminal_size().columns)
