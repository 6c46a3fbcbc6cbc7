"""`mailtui report`: what became of every recipient."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import IO

import click

from mailtui.cli import output, watching
from mailtui.cli.options import common
from mailtui.cli.status import find
from mailtui.errors import UsageError
from mailtui.service.facade import Service
from mailtui.service.reports import STATES, as_csv, as_json_line, csv_header
from mailtui.service.views import CampaignView


@click.command()
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option("--format", "form", type=click.Choice(["text", "csv", "jsonl"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path), help="Write to a new file instead of stdout.")
@click.option(
    "--only", type=click.Choice(STATES), multiple=True, help="Only recipients in this state; may be repeated."
)
@common
def report(
    campaign_id: str | None, form: str, out: Path | None, only: tuple[str, ...], *, service: Service, as_json: bool
) -> None:
    """Tell what became of every recipient: totals as text, or one line each as csv or jsonl (--json means jsonl)."""
    form = "jsonl" if as_json else form
    try:
        stream = sys.stdout if out is None else out.open("x", encoding="utf-8", newline="")
    except FileExistsError:
        raise UsageError(f"{out} exists already", hint="Name a new file; nothing is ever overwritten.") from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written", detail=str(error.strerror or error)) from None
    try:
        asyncio.run(_report(service, campaign_id, form, stream, only))
    finally:
        if out is not None:
            stream.close()


async def _report(service: Service, campaign_id: str | None, form: str, stream: IO[str], only: tuple[str, ...]) -> None:
    view = await find(service, campaign_id)
    if form == "text" and not only and stream is sys.stdout:
        await watching.print_outcome(service, view, as_json=False)
        return
    if form == "text":
        await _as_text(service, view, stream, only)
        return
    if form == "csv":
        stream.write(csv_header())
    async for line in service.report(view, only):
        stream.write(as_csv(line) if form == "csv" else as_json_line(line) + "\n")


async def _as_text(service: Service, view: CampaignView, stream: IO[str], only: tuple[str, ...]) -> None:
    found = False
    async for line in service.report(view, only):
        found = True
        said = f"{line.code} {line.reply}" if line.code is not None else line.reason
        text = output.safe(f"row {line.row:<7} {line.state:<10} {line.address:<40} {said}".rstrip())
        stream.write(text + "\n")
    if not found:
        output.say(f"Nobody in {view.name} is {' or '.join(only) or 'on record'}.")
