"""`mailtui report`: what became of every recipient."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

import click

from mailtui.cli import output, watching
from mailtui.cli.options import common
from mailtui.cli.status import find
from mailtui.errors import UsageError
from mailtui.kit.durations import show_moment
from mailtui.kit.suggest import did_you_mean
from mailtui.service.archive import new_file
from mailtui.service.facade import Service
from mailtui.service.reports import MET, STATES, ReportLine, as_csv, as_json_line, csv_header
from mailtui.service.views import CampaignView


def _states(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for state in given:
        if state not in STATES:
            raise click.BadParameter(f"There is no state {state}. {did_you_mean(state, MET)}")
    return given


@click.command()
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option("--format", "form", type=click.Choice(["text", "csv", "jsonl"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file instead of stdout.")
@click.option(
    "--only",
    callback=_states,
    multiple=True,
    metavar="STATE",
    help=f"Only recipients in this state; may be repeated. States: {', '.join(MET)}.",
)
@click.option(
    "--original",
    is_flag=True,
    help="With csv: the rows of the list as they were, and a column error; a list to be corrected and sent again.",
)
@common
def report(
    campaign_id: str | None,
    form: str,
    out: Path | None,
    only: tuple[str, ...],
    original: bool,
    *,
    service: Service,
    as_json: bool,
) -> None:
    """Tell what became of every recipient: totals as text, or one line each as csv or jsonl (--json means jsonl)."""
    if original and (as_json or form != "csv"):
        raise UsageError("The rows of the list are written as CSV", hint="Say --original --format csv.")
    if original:
        asyncio.run(_originals(service, campaign_id, out, only))
    else:
        asyncio.run(_report(service, campaign_id, "jsonl" if as_json else form, out, only))


async def _originals(service: Service, campaign_id: str | None, out: Path | None, only: tuple[str, ...]) -> None:
    view = await find(service, campaign_id)
    count = -1  # the header
    with _opened(out) as stream:
        shown = output.safe_lines if stream.isatty() else str
        async for line in service.originals(view, only):
            count += 1
            stream.write(shown(line))
    if count < 1:
        _nobody(view, only)


async def _report(
    service: Service, campaign_id: str | None, form: str, out: Path | None, only: tuple[str, ...]
) -> None:
    view = await find(service, campaign_id)
    if form == "text" and not only and out is None:
        await watching.print_outcome(service, view, as_json=False)
        return
    count = 0
    with _opened(out) as stream:
        # A spreadsheet gets the text as it is; a terminal gets nothing that could act on it.
        shown = output.safe_lines if stream.isatty() else str
        if form == "csv":
            stream.write(csv_header())
        async for line in service.report(view, only):
            count += 1
            stream.write(
                as_json_line(line) + "\n" if form == "jsonl" else shown(as_csv(line)) if form == "csv" else _text(line)
            )
    if not count:
        _nobody(view, only)


def _nobody(view: CampaignView, only: tuple[str, ...]) -> None:
    states = " or ".join(state.replace("_", " ") for state in only)
    output.say(f"{view.name}: nobody is {states}." if only else f"{view.name} has no recipients.")


def _text(line: ReportLine) -> str:
    said = f"{line.code} {line.reply}" if line.code is not None else line.reason
    if line.account is not None:
        said += f"  (through {line.account})"
    if line.copy_of is not None:
        said += f"  (a copy of the mail to {line.copy_of})"
    if line.next_try is not None:
        said += f"  (next try at {show_moment(datetime.fromisoformat(line.next_try).timestamp())})"
    if line.resolution is not None:
        said += f"  ({line.resolution}, said {line.resolved_by} at {line.resolved_at})"
    return output.safe(f"row {line.row:<7} {line.state:<10} {line.address:<40} {said}".rstrip()) + "\n"


@contextmanager
def _opened(out: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a new file that only its owner can read."""
    if out is None:
        yield sys.stdout
        return
    with new_file(out) as stream:
        yield stream
