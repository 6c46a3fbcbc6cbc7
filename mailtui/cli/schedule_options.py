"""Owns the options by which a command is told a schedule."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from mailtui.service.schedules import Missed

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--at", metavar="WHEN", help='"2026-12-01 09:00", "tomorrow 9:00", "mon 9:00" or "in 2h".'),
    click.option("--every", metavar="INTERVAL", help='Again and again: "2 hours", "1 day", "1 week", "1 month".'),
    click.option("--cron", metavar="LINE", help='Again and again: "0 9 * * MON" is every Monday at 09:00.'),
    click.option("--timezone", metavar="ZONE", help="The zone of all times, such as Europe/Berlin."),
    click.option("--until", metavar="DATE", help="With --every or --cron: the last day, or date and time."),
    click.option("--times", metavar="N", help="With --every or --cron: how often at most."),
    click.option("--hours", metavar="FROM-TO", help="Mails go only between these times: 09:00-17:00."),
    click.option("--days", metavar="DAYS", help="Mails go only on these days: mon-fri, or mon,wed."),
    click.option("--missed", type=click.Choice([str(one) for one in Missed]), help="What becomes of a missed time."),
    click.option("--grace", metavar="TIME", help="With --missed send: how late it may be, such as 2h."),
)


def schedule_options(command: Command) -> Command:
    """Add the options of a schedule; the command gets each as a text, None where it was not given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
