"""`mailtui audience`: a list, how it was understood, who matches, why a row is out, and what is wrong."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import click

from mailtui.cli import list_shown, mail_domains, output
from mailtui.cli.list_options import reading_options
from mailtui.cli.options import Whole, common, filter_option
from mailtui.errors import UsageError
from mailtui.kit.safe_text import safe_json, safe_text
from mailtui.kit.words import counted
from mailtui.service.archive import new_file
from mailtui.service.facade import Service
from mailtui.service.list_options import ListOptions
from mailtui.service.list_problems import problems_as_csv
from mailtui.service.lists import Audience, ListView, RowProblem


@click.command()
@click.argument("target", metavar="SOURCE|CAMPAIGN")
@filter_option
@click.option("--count", is_flag=True, help="Only count, in one pass over the list.")
@click.option("--full", is_flag=True, help="With --count: also valid addresses and duplicates.")
@click.option("--explain", type=int, metavar="ROW", help="Say clause by clause why a row is in or out.")
@click.option("--limit", type=Whole(0), default=10, metavar="N", show_default=True, help="Rows to show.")
@click.option("--problems", is_flag=True, help="Show the rows that get no mail, and why.")
@click.option("--out", metavar="FILE", help="With --problems: write them to a new file as CSV; - for stdout.")
@click.option("--sort", metavar="COLUMN", help="Show rows in the order of a column; -COLUMN for the other way round.")
@click.option(
    "--mx", is_flag=True, help="Ask the DNS which domains take mail; with --problems, the rows of the others."
)
@click.option("--search", metavar="TEXT", help="Show rows with this text in any column.")
@reading_options
@common
def audience(
    target: str,
    filter_text: str | None,
    count: bool,
    full: bool,
    explain: int | None,
    limit: int,
    problems: bool,
    out: str | None,
    sort: str | None,
    search: str | None,
    mx: bool,
    *,
    options: ListOptions,
    service: Service,
    as_json: bool,
) -> None:
    """Look at a list or at a campaign's list.

    SOURCE is a file (CSV, TSV, XLSX, JSON, JSON lines, Parquet, SQLite), a link to a Google sheet, or - for standard
    input. What was understood of it is shown, each part by the name of the option that overrides it.
    """
    if out is not None and not problems:
        raise UsageError("--out is for the rows without a mail", hint="Add --problems")
    if full and not count:
        raise UsageError("--full is for counting", hint="Add --count")
    _require_one_question(
        {"--count": count, "--explain": explain is not None, "--problems": problems and not mx, "--mx": mx}
        | {"--sort": sort is not None, "--search": search is not None and sort is None}
    )
    if mx and (count or sort is not None or search is not None or explain is not None):
        raise UsageError("--mx looks at domains, not at rows", hint="With it goes --problems alone")
    if count and not full:
        streamed = service.campaigns.count_list(target, filter=filter_text, options=options)
        _show_counts(asdict(streamed), as_json=as_json)
        if not as_json and filter_text and not streamed.matched:
            output.note("The filter matches nobody; without --count it is told why.")
        elif not as_json:
            output.note("Valid addresses, duplicates and recipients: add --full")
            if options.settings.keys() & {"group", "exclude"}:
                output.note("--group and --exclude change none of these numbers, but those of --full.")
        return
    with output.progress("Reading") as advance:
        opened = service.campaigns.open_list(
            target, filter=filter_text, options=options, progress=lambda rows: advance(rows, 0)
        )
    with opened:
        if mx:
            found = mail_domains.look_up(service, opened)
            if problems:
                _problems(found.rows(opened), opened, out, as_json=as_json)
            else:
                mail_domains.show_domains(found, as_json=as_json)
        elif count:
            counts = opened.counts()
            _show_counts({**asdict(counts), "flagged": dict(counts.flagged)}, as_json=as_json)
        elif explain is not None:
            list_shown.show_row(opened.row(explain), opened.understanding.unit, as_json=as_json)
        elif problems:
            _problems(opened.problems(), opened, out, as_json=as_json)
        elif sort is not None or search is not None:
            _rows(opened, sort, search, limit, as_json=as_json)
        else:
            filters = service.campaigns.filters(target, filter=filter_text)
            list_shown.show_list(opened, filters, limit, as_json=as_json)


def _require_one_question(asked: dict[str, bool]) -> None:
    """Only one of them is answered, and the others must not look as if they had been."""
    names = [name for name, wanted in asked.items() if wanted]
    if len(names) > 1:
        raise UsageError(f"{names[0]} and {names[1]} are two questions", hint="Ask one at a time.")


_COUNT_WORDS = {"problems": "unusable"}


def _show_counts(counted: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        output.json_line(counted)
        return
    flagged = counted.pop("flagged", {})
    for name, number in {**counted, **flagged}.items():
        output.data(f"{_COUNT_WORDS.get(name, name):<11}{number:>12,}")


def _rows(opened: Audience, sort: str | None, search: str | None, limit: int, *, as_json: bool) -> None:
    """Rows of the list that the filter lets in, sorted or with a text in them, whether they get a mail or not."""
    column, descending = (None, False) if sort is None else (sort.removeprefix("-"), sort.startswith("-"))
    if sort in opened.columns:
        column, descending = sort, False
    view = ListView("all" if opened.rule is None else "matched", column, descending)
    length = opened.prepare(view)
    rows = []
    if search is None:
        rows = opened.page(1, limit, view)
    else:
        place = 0
        while len(rows) < limit and (found := opened.search(search, place, view)) is not None:
            rows += opened.page(found, 1, view)
            place = found
    if as_json:
        for row in rows:
            output.json_line(list_shown.row_json(row, opened.columns))
        return
    if not rows:
        output.note("No row has it." if search else "There is no row.")
        return
    list_shown.show_rows([(row.row, row.cells) for row in rows], opened.columns)
    if search is None and length > len(rows):
        output.note(f"{counted(length - len(rows), 'more row')}: --limit says how many are shown.")


def _problems(problems: Iterable[RowProblem], opened: Audience, out: str | None, *, as_json: bool) -> None:
    if out is None and not as_json:
        found = 0
        for problem in problems:
            found += 1
            reason, text = safe_text(problem.reason), safe_text(problem.text, limit=100)
            kind = problem.kind.replace("_", " ")
            output.data(f"{opened.understanding.unit} {problem.line}: {kind}: {reason}   {text}")
        if not found:
            output.note("Every row gets a mail: none is unusable, a duplicate or excluded.")
        return
    written = 0
    with _opened(out) as stream:
        if as_json:
            for problem in problems:
                stream.write(safe_json(json.dumps(asdict(problem))) + "\n")
                written += 1
        else:
            shown = output.safe_lines if stream.isatty() else str
            for written, line in enumerate(problems_as_csv(problems)):  # noqa: B007 - the last one counts
                stream.write(shown(line))
    if out not in (None, "-"):
        output.say(f"{counted(written, 'row')} without a mail written to {out}.")


@contextmanager
def _opened(out: str | None) -> Iterator[IO[str]]:
    """Standard output, or a new file that only its owner can read."""
    if out in (None, "-"):
        yield sys.stdout
        return
    with new_file(Path(out)) as stream:
        yield stream
