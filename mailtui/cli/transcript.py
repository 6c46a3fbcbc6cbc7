"""Owns how a transcript is asked for and shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from mailtui.cli import output
from mailtui.kit.safe_text import safe_text
from mailtui.service.accounts import Direction, Line

_MARKS = {Direction.SAID: ">", Direction.HEARD: "<", Direction.NOTED: "-"}

transcript_option = click.option(
    "--transcript", is_flag=True, help="Show every line said and heard; without passwords and addresses."
)


def show_transcript(lines: Sequence[Line]) -> None:
    """Each line with its time; > was said, < was heard, - happened."""
    output.data("")
    output.data(output.bold("Transcript: > said, < heard, - happened; seconds since the beginning"))
    for line in lines:
        output.data(f"{line.at:8.3f} {_MARKS[line.direction]} {safe_text(line.text)}")


def transcript_to_json(lines: Sequence[Line]) -> list[dict[str, Any]]:
    """The same for programs."""
    return [{"at": round(line.at, 6), "direction": str(line.direction), "text": line.text} for line in lines]
