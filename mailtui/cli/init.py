"""`mailtui init`: a sample campaign to start from."""

from __future__ import annotations

from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import common
from mailtui.service.facade import Service
from mailtui.service.samples import write_sample


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@common
def init(folder: Path, *, service: Service, as_json: bool) -> None:  # noqa: ARG001 - common's signature
    """Write a sample campaign into FOLDER: a list, templates and a campaign file, with comments."""
    written = write_sample(folder)
    if as_json:
        output.json_line({"folder": str(folder), "files": [str(path) for path in written]})
        return
    for path in written:
        output.data(str(path))
    output.say(f"Look at a mail: mailtui preview {folder / 'campaign.yaml'}")
    output.say(f"Catch mail on this machine: mailtui sandbox. Send to it: mailtui run {folder / 'campaign.yaml'}")
