"""`mailtui check`: the preflight over the whole list."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click

from mailtui.cli import output
from mailtui.cli.options import common, filter_option
from mailtui.cli.signals import ctrl_c_kept
from mailtui.errors import ExitCode
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.lists import CheckReport
from mailtui.service.sending_domain import require_selector, with_domain


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@filter_option
@click.option("--strict", is_flag=True, help="Exit code 3 with warnings as well.")
@click.option("--dns", is_flag=True, help="Ask the DNS about the domain in From, too: SPF, DKIM, DMARC, MX.")
@click.option(
    "--selector",
    "selectors",
    multiple=True,
    metavar="NAME",
    callback=lambda _context, _option, names: tuple(map(require_selector, names)),
    help="With --dns: a DKIM key to look at.",
)
@common
def check(
    campaign: Path,
    filter_text: str | None,
    strict: bool,
    dns: bool,
    selectors: tuple[str, ...],
    *,
    service: Service,
    as_json: bool,
) -> ExitCode:
    """Render every row, look at every address and mail, and list what is wrong and what to do. Nothing is sent.

    Exit code 3 when there is an error, with --strict also when there is a warning; notes do not count. What each
    finding means: docs/preflight.md.
    """
    loaded = service.campaigns.load(campaign, filter=filter_text)
    service.campaigns.endpoint(loaded)
    with output.progress("Checking") as advance, ctrl_c_kept() as heed:

        def progress(done: int, total: int) -> None:
            heed()
            advance(done, total)

        found = service.campaigns.check(loaded, every_row=True, progress=progress)
    if dns or selectors:
        output.note("Asking the DNS about the sender's domain ...")
        found = with_domain(service, loaded, found, selectors=selectors)
    if as_json:
        output.json_line(as_object(found))
    else:
        for line in finding_lines(found, stream=sys.stdout):
            output.data(line)
        told = f"{found.rendered:,} of {counted(found.counts.recipients, 'mail')} rendered: {_verdict(found)}."
        output.data(output.wrapped(told, indent="", stream=sys.stdout))
    return ExitCode.FINDINGS if found.errors or (strict and found.many("warning")) else ExitCode.DONE


def _verdict(found: CheckReport) -> str:
    told = [counted(found.many(severity), severity) for severity in ("error", "warning") if found.many(severity)]
    if found.errors:
        return " and ".join(told)
    return f"nothing stands in the way{', ' if told else ''}{''.join(told)}"


def as_object(found: CheckReport) -> dict[str, object]:
    """A check as one JSON object."""
    return {
        "campaign": found.campaign,
        **asdict(found.counts),
        "flagged": dict(found.counts.flagged),
        "rendered": found.rendered,
        "errors": found.errors,
        "warnings": found.many("warning"),
        "findings": [{**asdict(item), "place": str(item.place)} for item in found.findings],
    }


def finding_lines(found: CheckReport, *, stream: TextIO, notes: bool = True) -> list[str]:
    """The findings as lines for a person, the gravest first, broken to fit the `stream` they are for; what to do
    stands below each.

    Where rows are told, all of them are counted.
    """
    lines = []
    for item in found.findings:
        if item.severity == "note" and not notes:
            continue
        place = f"{item.place}: " if str(item.place) else ""
        more = f"; see why: {item.command}" if item.command else ""
        whose = f"  [{told}]" if (told := found.whose(item)) else ""
        lines.append(f"{item.severity:<8}{place}{item.message}{more}{whose}")
        if item.hint:
            lines.append(f"        {item.hint}")
    return [output.wrapped(safe_text(line), indent=" " * 8, stream=stream) for line in lines]
