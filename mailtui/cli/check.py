"""`mailtui check`: the preflight over the whole list."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from mailtui.cli import output
from mailtui.cli.options import common, filter_option
from mailtui.errors import ExitCode
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.lists import CheckReport
from mailtui.service.sending_domain import with_domain


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@filter_option
@click.option("--dns", is_flag=True, help="Ask the DNS about the domain in From, too: SPF, DKIM, DMARC, MX.")
@click.option("--selector", "selectors", multiple=True, metavar="NAME", help="With --dns: a DKIM key to look at.")
@common
def check(
    campaign: Path,
    filter_text: str | None,
    dns: bool,
    selectors: tuple[str, ...],
    *,
    service: Service,
    as_json: bool,
) -> ExitCode:
    """Render every row, look at every address, and list what is wrong. Nothing is sent.

    Exit code 3 when there is an error; warnings and notes do not count.
    """
    loaded = service.campaigns.load(campaign, filter=filter_text)
    service.campaigns.endpoint(loaded)
    with output.progress("Checking") as advance:
        found = service.campaigns.check(loaded, every_row=True, progress=advance)
    if dns or selectors:
        output.note("Asking the DNS about the sender's domain ...")
        found = with_domain(service, loaded, found, selectors=selectors)
    if as_json:
        output.json_line(as_object(found))
    else:
        for line in finding_lines(found, stream=sys.stdout):
            output.data(line)
        verdict = f"{counted(found.errors, 'error')}" if found.errors else "nothing stands in the way"
        mails = counted(found.counts.recipients, "mail")
        output.data(f"{found.rendered:,} of {mails} rendered: {verdict}.")
    return ExitCode.FINDINGS if found.errors else ExitCode.DONE


def as_object(found: CheckReport) -> dict[str, object]:
    """A check as one JSON object."""
    return {
        "campaign": found.campaign,
        **asdict(found.counts),
        "rendered": found.rendered,
        "errors": found.errors,
        "findings": [{**asdict(item), "place": str(item.place)} for item in found.findings],
    }


def finding_lines(found: CheckReport, *, stream: TextIO, notes: bool = True) -> list[str]:
    """The findings as lines for a person, the gravest first, broken to fit the `stream` they are for.

    Where rows are told, all of them are counted.
    """
    lines = []
    for item in found.findings:
        if item.severity == "note" and not notes:
            continue
        rows = ""
        if item.rows:
            shown = ", ".join(map(str, item.rows[:5]))
            further = f" and {item.count - 5:,} more" if item.count > 5 else ""
            rows = f"  [row {shown}]" if item.count == 1 else f"  [rows {shown}{further}]"
        place = f"{item.place}: " if str(item.place) else ""
        more = f"; see why: {item.command}" if item.command else ""
        line = safe_text(f"{item.severity:<8}{place}{item.message}{more}{rows}")
        lines.append(output.wrapped(line, indent=" " * 8, stream=stream))
    return lines
