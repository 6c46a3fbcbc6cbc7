"""`mailtui schedule`: what a schedule means, and when its next times are."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import common
from mailtui.cli.schedule_options import schedule_options
from mailtui.errors import UsageError
from mailtui.service.facade import Service
from mailtui.service.schedules import Schedule, ScheduleWords, chosen, countdown, described, moment_of

_EXAMPLES = """\b
Examples:
  mailtui schedule newsletter
  mailtui schedule --cron "0 9 * * MON" --timezone Europe/Berlin
  mailtui schedule --every "1 month" --at "2027-01-31 09:00"
  mailtui schedule --at "tomorrow 9:00" --hours 09:00-17:00 --days mon-fri
  mailtui schedule --cron "30 2 * * *" --timezone America/New_York --after 2027-03-13
"""


@click.command(epilog=_EXAMPLES)
@click.argument("campaign", metavar="[CAMPAIGN]", required=False, type=click.Path(path_type=Path))
@schedule_options
@click.option("--after", metavar="WHEN", help="Show the times after this one, instead of those after now.")
@common
def schedule(
    campaign: Path | None, after: str | None, *, service: Service, as_json: bool, **written: str | None
) -> None:
    """Say in words what a schedule means, with its next five times in its zone and in UTC. Nothing is sent.

    CAMPAIGN: the schedule of that campaign file, with what the options put in its place; without it that of the
    options alone. A clock change that moves one of the times is told. What all of it means: docs/schedules.md.
    """
    now = time.time()
    base = service.campaigns.load(campaign).schedule if campaign is not None else None
    said = any(value is not None for value in written.values())
    if base is None and not said:
        raise UsageError("There is no schedule to show", hint="Name a campaign, or see: mailtui schedule --help")
    if campaign is not None and not said and base == Schedule():
        _show_none(campaign, as_json=as_json)
        return
    found = chosen(now=now, base=base, **written)
    since = now if after is None else moment_of(after, found.timezone, now)
    words = described(found, since)
    if as_json:
        output.json_line(_as_object(found, words, now))
    else:
        _show(words, now)


def _show_none(campaign: Path, *, as_json: bool) -> None:
    if as_json:
        output.json_line({"words": "", "timezone": "", "schedule": {}, "next": [], "notes": []})
    else:
        output.data(f"{campaign} has no schedule: it is sent as soon as it is launched.")


def _show(words: ScheduleWords, now: float) -> None:
    output.data(output.wrapped(output.safe(words.words[:1].upper() + words.words[1:]), indent="", stream=sys.stdout))
    for one in words.upcoming:
        wait = f"  in {countdown(one.at - now)}" if one.at > now else ""
        output.data(f"  {one.said}{wait}")
        if one.note:
            output.data(output.wrapped(f"    {one.note}.", indent="    ", stream=sys.stdout))
    for note in words.notes:
        output.data(output.wrapped(note, indent="", stream=sys.stdout))


def _as_object(found: Schedule, words: ScheduleWords, now: float) -> dict[str, object]:
    return {
        "words": words.words,
        "timezone": found.timezone,
        "schedule": json.loads(found.to_json()),
        "next": [
            {
                "at": datetime.fromtimestamp(one.at, UTC).isoformat().replace("+00:00", "Z"),
                "shown": one.said,
                "in_seconds": round(one.at - now),
                "note": one.note,
            }
            for one in words.upcoming
        ],
        "notes": list(words.notes),
    }
