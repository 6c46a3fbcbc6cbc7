"""`mailtui audience`: a list, how it was understood, who matches, why a row is out, and what is wrong."""

from __future__ import annotations

from dataclasses import asdict
from itertools import islice
from typing import Any

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, common, filter_option
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.lists import Audience, Explanation, RowView, Understanding, about_alike


@click.command()
@click.argument("target", metavar="SOURCE|CAMPAIGN")
@filter_option
@click.option("--count", is_flag=True, help="Only count, in one pass over the list.")
@click.option("--full", is_flag=True, help="With --count: also valid addresses and duplicates.")
@click.option("--explain", type=int, metavar="ROW", help="Say clause by clause why a row is in or out.")
@click.option("--limit", type=Whole(0), default=10, metavar="N", show_default=True, help="Rows to show.")
@click.option("--problems", is_flag=True, help="Show the rows that get no mail, and why.")
@common
def audience(
    target: str,
    filter_text: str | None,
    count: bool,
    full: bool,
    explain: int | None,
    limit: int,
    problems: bool,
    *,
    service: Service,
    as_json: bool,
) -> None:
    """Look at a list (a CSV file, or - for standard input) or at a campaign's list."""
    if count and not full:
        counted = asdict(service.campaigns.count_list(target, filter=filter_text))
        _show_counts(counted, as_json=as_json)
        if not as_json:
            output.note("Valid addresses, duplicates and recipients: add --full")
        return
    with service.campaigns.open_list(target, filter=filter_text) as opened:
        if count:
            _show_counts(asdict(opened.counts()), as_json=as_json)
        elif explain is not None:
            _show_row(opened.row(explain), as_json=as_json)
        elif problems:
            _show_problems(opened, as_json=as_json)
        else:
            filters = service.campaigns.filters(target, filter=filter_text)
            _show_list(opened, filters, limit, as_json=as_json)


def _show_counts(counted: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        output.json_line(counted)
        return
    for name, number in counted.items():
        output.data(f"{name:<11}{number:>12,}")


def _show_list(opened: Audience, filters: list[tuple[str, str]], limit: int, *, as_json: bool) -> None:
    counts = opened.counts()
    recipients = list(islice(opened.recipients(), limit))
    if as_json:
        rows = [{"row": item.row, "address": item.address, "fields": dict(item.fields)} for item in recipients]
        output.json_line(
            {
                **asdict(counts),
                "filters": [text for _, text in filters],
                "understood": _understood(opened.understanding),
                "recipients": rows,
            }
        )
        return
    output.data(output.bold(safe_text(opened.name)))
    understood = opened.understanding
    findings = (("format", understood.format), *understood.settings, ("address_column", understood.address_column))
    for name, finding in findings:
        value = repr(finding.value) if name in ("delimiter", "quote") else finding.value
        label = name.replace("_", " ")
        output.data(f"  {label:<15}{safe_text(value):<16}{finding.confidence:<8} {safe_text(finding.reason)}")
    for note in understood.notes:
        output.data(f"  note           {safe_text(note)}")
    for position, (place, text) in enumerate(filters):
        output.data(f"  {'and' if position else 'filter':<15}{safe_text(text)}   ({safe_text(place)})")
    output.data("")
    output.data(
        f"  {counted(counts.rows, 'row')}, {counts.matched:,} match, {counted(counts.duplicates, 'duplicate')}, "
        f"{counts.problems:,} unusable: {counted(counts.recipients, 'recipient')}"
    )
    alike, first = opened.alike(5)
    if alike:
        output.data(f"  {about_alike(alike)} (rows {', '.join(map(str, first))}{', …' if alike > len(first) else ''})")
    if recipients:
        columns = list(opened.columns)[:6]
        output.data("")
        shown = [[str(item.row), *(item.fields[column] for column in columns)] for item in recipients]
        output.table(["row", *columns], [[safe_text(cell, limit=32) for cell in row] for row in shown], right=[0])
    if counts.problems or counts.duplicates:
        output.note("See the rows that get no mail: add --problems")


def _understood(found: Understanding) -> dict[str, Any]:
    """For JSON: each setting under its own name, beside what every list has."""
    whole = asdict(found)
    return {"format": whole.pop("format"), **dict(whole.pop("settings")), **whole}


def _show_problems(opened: Audience, *, as_json: bool) -> None:
    found = False
    for problem in opened.problems():
        found = True
        if as_json:
            output.json_line(asdict(problem))
        else:
            reason, text = safe_text(problem.reason), safe_text(problem.text, limit=100)
            output.data(f"line {problem.line}: {problem.kind.replace('_', ' ')}: {reason}   {text}")
    if not found and not as_json:
        output.note("No row is unusable or a duplicate.")


def _show_row(view: RowView, *, as_json: bool) -> None:
    if as_json:
        output.json_line(asdict(view))
        return
    state = "in" if view.matched and view.problem is None else "out"
    output.data(output.bold(f"Row {view.row} (line {view.line}) is {state}"))
    if view.problem is not None:
        output.data(f"  {view.problem.kind.replace('_', ' ')}: {safe_text(view.problem.reason)}")
    if view.explanation is not None:
        for line in _explained(view.explanation, 1):
            output.data(line)
    for name, value in view.fields.items():
        output.data(f"    {safe_text(name)} = {safe_text(value, limit=200)}")


def _explained(explanation: Explanation, depth: int) -> list[str]:
    mark = "yes" if explanation.held else "no "
    line = f"{'  ' * depth}{mark}  {safe_text(explanation.text)}"
    if explanation.actual is not None:
        line += f"   (it is {safe_text(repr(explanation.actual), limit=80)})"
    parts = [part for item in explanation.parts for part in _explained(item, depth + 1)]
    return [line, *parts]
