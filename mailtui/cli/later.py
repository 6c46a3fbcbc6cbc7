"""Owns what `mailtui run` says and does about a campaign that goes out later, or again and again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import click

from mailtui.cli import output
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.durations import show_duration
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.scheduled_rows import ScheduledRow, replaced
from mailtui.service.schedules import Schedule, chosen, countdown, show_moment
from mailtui.service.views import CampaignView

if TYPE_CHECKING:
    from mailtui.service.launching import LaunchPlan

_NOW = "now"
_INDENT = " " * 15
_WORTH_SAYING = 600.0  # seconds that a launch takes at the least


def schedule_of(file: Schedule, written: Mapping[str, str | None]) -> Schedule | None:
    """The schedule that somebody asks for in place of the file's; None for that one. Raises `UsageError`."""
    given = {name: value for name, value in written.items() if value is not None}
    if not given:
        return None
    if is_now(given):
        return Schedule()
    return chosen(now=time.time(), base=file, **given)


def is_now(written: Mapping[str, str | None]) -> bool:
    """Whether somebody says `--at now`. Raises `UsageError` where a time to come is said as well."""
    if (written.get("at") or "").strip().casefold() != _NOW:
        return False
    others = [name for name, value in written.items() if value is not None and name != "at"]
    if others:
        raise UsageError(f"--at now and --{others[0]} contradict each other", hint="Give one of them.")
    return True


def when_lines(plan: LaunchPlan) -> Iterator[tuple[str, str]]:
    """When it goes out and how long that takes, as (name, text) for people who are to agree."""
    if plan.agreed is not None:
        yield "when", f"{plan.agreed.words}{_in(plan.start_at)}"
        for nth, one in enumerate(plan.agreed.upcoming if plan.recurs else ()):
            yield "next" if not nth else "", f"{one.said}{_in(one.at)}"
        for one in plan.agreed.upcoming:
            if one.note:
                yield "", f"{one.note}."
        for note in plan.agreed.notes:
            yield "", note
    if plan.rows_due is not None:
        zone = Schedule.from_json(plan.schedule).timezone
        first, last = (show_moment(at, zone) for at in plan.rows_due)
        yield "", f"first mail: {first}{_in(plan.rows_due[0])}"
        yield "", f"last mail: {last}"
    if plan.takes is not None and plan.takes.seconds >= _WORTH_SAYING:
        yield "takes", f"at least {show_duration(plan.takes.seconds)}, {plan.takes.because}"


def say_when(plan: LaunchPlan) -> None:
    """The same on standard error."""
    for name, text in when_lines(plan):
        output.say(output.wrapped(f"  {name:<13}{output.safe(text)}", indent=_INDENT, stream=sys.stderr))


def _in(at: float | None) -> str:
    left = 0.0 if at is None else at - time.time()
    return f", in {countdown(left)}" if left > 0 else ""


async def recur(service: Service, plan: LaunchPlan, *, as_json: bool) -> ExitCode:
    """Begin to send it again and again, with a runner that waits for its times."""
    began = await service.scheduled.recur(plan)
    pid = await service.start_runner(await service.secrets_of(plan.members))
    row = await service.scheduled.row(began.recurrence.id)
    if as_json:
        output.json_line({**row.to_json(), "recurrence": row.id, "is_new": began.is_new})
        return ExitCode.DONE
    output.data(row.id)
    before = "" if began.is_new else " This takes the place of what was scheduled for it before."
    output.note(f"{row.name} is sent {row.words}. Next: {row.due}, {row.countdown}.{before}")
    output.note(f"Process {pid} waits for that.")
    for line in output.steps([("See what is to come", "mailtui scheduled"), ("End it", f"mailtui cancel {row.id}")]):
        output.note(line)
    return ExitCode.DONE


def confirm_recurring(plan: LaunchPlan, scheduled: Sequence[ScheduledRow]) -> None:
    """Have a person agree to what is sent again and again, by typing how many would get it today.

    `scheduled` is all that is to come: of one campaign there is one schedule, and a new one takes its place.
    """
    count = plan.counts.recipients
    row = replaced(scheduled, plan.campaign.name, plan.campaign.path)
    if row is not None:
        said = f"  until now    {row.words} ({row.id}); this takes its place"
        output.say(output.wrapped(output.safe(said), indent=_INDENT, stream=sys.stderr))
    output.say(f"  today        {counted(count, 'recipient')}; the list is read again each time")
    typed = click.prompt(f"Type {count} to begin, anything else to stop", default="", show_default=False, err=True)
    if typed.strip().replace(",", "") != str(count):
        output.say("Nothing was launched.")
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))


def say_scheduled(view: CampaignView) -> None:
    """What becomes of a campaign that was launched for a time to come."""
    output.note(f"{view.name} {view.begins}, and waits for that in the background (process {view.runner}).")
    for line in output.steps([("See what is to come", "mailtui scheduled"), *ways(view.id)]):
        output.note(line)


def ways(id: str) -> list[tuple[str, str]]:
    """What can be done with one that waits for its time, as (what for, command)."""
    return [
        ("Send it now", f"mailtui resume {id}"),
        ("At another time", f'mailtui set {id} --at "tomorrow 9:00"'),
        ("Not at all", f"mailtui cancel {id}"),
    ]
