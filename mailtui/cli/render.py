"""`mailtui render`: mails written to files; no socket is opened."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, common, filter_option
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.service.dry_run import NoMail, Rows, dry_run, parse_rows
from mailtui.service.facade import Service
from mailtui.service.mailbox import Mbox, Nowhere, Sink, open_sink
from mailtui.service.signing import signature_for

_TOLD_EVERY = 100
_PROBLEMS_TOLD = 1_000  # of which JSON has each; the count is of all

Command = TypeVar("Command", bound=Callable[..., Any])


def rows_options(command: Command) -> Command:
    """Add --row, --rows and --limit."""
    for option in (
        click.option("--limit", type=Whole(1), metavar="N", help="Only the first N mails of those."),
        click.option("--rows", "rows_text", metavar="A-B", help="Only these rows of the list: 5-20, 5- or -20."),
        click.option("--row", type=Whole(1), metavar="N", help="Only this row of the list, from 1."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@click.option("--out", required=True, metavar="DIR|FILE.mbox|-", help="A folder of .eml files, one mbox, or stdout.")
@rows_options
@filter_option
@common
def render(
    campaign: Path,
    out: str,
    row: int | None,
    rows_text: str | None,
    limit: int | None,
    filter_text: str | None,
    *,
    service: Service,
    as_json: bool,
) -> ExitCode:
    """Write the mails that a launch would send to files, exactly as they would be sent. Nothing is sent.

    Whoever is suppressed gets none; --row writes one row's in any case. A copy (cc, bcc) is a mail of its own.
    """
    rows = chosen_rows(row, rows_text, limit)
    return render_to(service, campaign, out, rows, filter_text=filter_text, as_json=as_json and out != "-")


def chosen_rows(row: int | None, rows_text: str | None, limit: int | None) -> Rows:
    """What the options say. Raises `UsageError`."""
    if row is not None and rows_text is not None:
        raise UsageError("--row and --rows contradict each other", hint="Give one of them, or neither.")
    return Rows(row, row, limit) if row is not None else parse_rows(rows_text or "", limit)


def render_to(
    service: Service, campaign: Path, out: str | None, rows: Rows, *, filter_text: str | None, as_json: bool
) -> ExitCode:
    """Render rows into a file, a folder or, where `out` is None, nowhere; telling those that cannot be."""
    loaded = service.campaigns.load(campaign, filter=filter_text)
    problems: list[dict[str, object]] = []

    def trouble(found: NoMail) -> None:
        place = f" ({found.place})" if found.place else ""
        output.say(safe_text(f"row {found.row} ({found.address}): {found.reason}{place}"))
        if len(problems) < _PROBLEMS_TOLD:
            problems.append({**asdict(found), "place": found.place or None})

    with output.progress("Rendering") as advance, _sink(out) as sink:

        def told(done: int, total: int) -> None:
            if done % _TOLD_EVERY == 0:
                advance(done, total)

        signature = signature_for(service, loaded)
        written = dry_run(service.campaigns, loaded, sink, rows, told=told, trouble=trouble, signature=signature)
    if as_json:
        more: dict[str, object] = {"problems": problems} if problems else {}
        if written.despite:
            more["despite"] = written.despite
        if written.unsigned:
            more["unsigned"] = written.unsigned
        numbers = {"rendered": written.rendered, "copies": written.copies, "suppressed": written.suppressed}
        output.json_line({**numbers, "failed": written.failed, "out": sink.name, **more})
    else:
        failed = f", {written.failed:,} could not be" if written.failed else ""
        output.note(f"{written.in_words} rendered{sink.where}{failed}. Nothing was sent.")
        for line in written.notes():
            output.note(safe_text(f"{line}."))
    return ExitCode.FINDINGS if written.failed else ExitCode.DONE


@contextmanager
def _sink(out: str | None) -> Iterator[Sink]:
    if out is None:
        yield Nowhere()
    elif out == "-":
        yield Mbox(_stdout(), "-")
    else:
        with open_sink(out) as sink:
            yield sink


def _stdout() -> IO[bytes]:
    """A pipe gets the bytes as they are; a terminal gets nothing that could act on it."""
    return cast("IO[bytes]", _Screen()) if sys.stdout.isatty() else sys.stdout.buffer


class _Screen:
    """Takes bytes, and shows them."""

    def write(self, data: bytes) -> None:
        sys.stdout.write(output.safe_lines(data.decode("utf-8", "replace")))
