"""`mailtui runner`: only its help; the command itself goes straight from `__main__` to the engine."""

from __future__ import annotations

import click

from mailtui.errors import ExitCode
from mailtui.service.engine import main


@click.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def runner(arguments: tuple[str, ...]) -> ExitCode:
    """Hand over to the engine."""
    return ExitCode(main(arguments))
