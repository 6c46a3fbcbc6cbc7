"""`mailtui init`: a sample campaign to start from."""

from __future__ import annotations

from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import common
from mailtui.service.facade import Service
from mailtui.service.samples import write_sample


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@common
def init(folder: Path, *, service: Service, as_json: bool) -> None:  # noqa: ARG001 - common's signature
    """Write a sample campaign into DIR: a list, templates and a campaign file, with comments."""
    written = write_sample(folder)
    if as_json:
        output.json_line({"folder": str(folder), "files": [str(path) for path in written]})
        return
    for path in written:
        output.data(str(path))
    campaign = folder / "campaign.yaml"
    output.note(f"Look at a mail:              mailtui preview {campaign}")
    output.note("Catch mail on this machine:  mailtui sandbox")
    output.note(f"Send it there:               mailtui run {campaign}")
