"""`mailtui schema`: the JSON Schema of the campaign file, for editors."""

from __future__ import annotations

import click

from mailtui.cli import output
from mailtui.service.schema import campaign_schema


@click.command()
@click.option("--json", "as_json", is_flag=True, help="On one line.")
@click.option("--outbox", hidden=True)
def schema(as_json: bool, outbox: str | None) -> None:  # noqa: ARG001 - taken by every command
    """Print the JSON Schema of the campaign file; editors check and complete with it."""
    if as_json:
        output.json_line(campaign_schema())
    else:
        output.data(output.pretty(campaign_schema()))
