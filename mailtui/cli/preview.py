"""`mailtui preview`: one recipient's mail, in the view that is asked for."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, common, filter_option
from mailtui.kit.safe_text import safe_text
from mailtui.service.facade import Service

PARTS = ("text", "html", "headers", "source", "tree")


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@click.option("--row", type=Whole(1), metavar="N", help="The row of the list, from 1.")
@click.option("--to", "address", metavar="ADDRESS", help="The recipient's address.")
@click.option("--part", type=click.Choice(PARTS), help="What to show; left out: headers and text.")
@filter_option
@common
def preview(
    campaign: Path,
    row: int | None,
    address: str | None,
    part: str | None,
    filter_text: str | None,
    *,
    service: Service,
    as_json: bool,
) -> None:
    """Show one recipient's mail exactly as it would be sent; the first one's unless a row or address is given."""
    loaded = service.campaigns.load(campaign, filter=filter_text)
    shown = service.previews.of(loaded, row=row, to=address)
    view = shown.view
    if not shown.matched and not as_json:
        number = shown.recipient.row
        again = f" --filter {shlex.quote(filter_text)}" if filter_text else ""
        why = f"mailtui audience {shlex.quote(str(campaign))}{again} --explain {number}"
        output.say(f"Row {number} gets no mail: the filter leaves it out. See why: {why}")
    elif shown.left_out and not as_json:
        output.say(f"Row {shown.recipient.row} gets no mail of its own: {safe_text(shown.left_out)}.")
    if len(shown.recipient.rows) > 1 and not as_json:
        output.say(
            f"{len(shown.recipient.rows):,} rows of the list make this mail; the first is row {shown.recipient.row}."
        )
    if as_json:
        recipient = {"row": shown.recipient.row, "address": shown.recipient.address}
        asked = {"matched": shown.matched, "left_out": shown.left_out or None}
        output.json_line({**recipient, **asked, "envelope_from": shown.message.sender, **asdict(view)})
        return
    if part in (None, "headers"):
        for name, value in view.headers:
            output.data(f"{name}: {safe_text(value)}")
    if part is None:
        output.data("")
    if part in (None, "text"):
        body = view.text if view.text is not None or part == "text" else view.html
        _body(body, "This mail has no plain text part.")
    elif part == "html":
        _body(view.html, "This mail has no HTML part.")
    elif part == "source":
        output.data(safe_text(view.source.replace("\r\n", "\n"), newlines=True))
    elif part == "tree":
        for line in view.tree:
            output.data(safe_text(line))


def _body(text: str | None, missing: str) -> None:
    if text is None:
        output.say(missing)
    else:
        output.data(safe_text(text, newlines=True))
