"""`mailtui scheduled`: what is to come, by time, with a countdown."""

from __future__ import annotations

import asyncio
import sys

import click

from mailtui.cli import output
from mailtui.cli.later import ways
from mailtui.cli.options import common, password_option
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.scheduled_rows import ScheduledKind, ScheduledRow
from mailtui.service.schedules import countdown

_NOTHING = 'Nothing is scheduled. Launch a campaign for a time: mailtui run CAMPAIGN --at "tomorrow 9:00"'
_INDENT = " " * 15


@click.command()
@click.argument("id", metavar="[ID]", required=False)
@click.option("--start", is_flag=True, help="Start a runner in the background that waits for what is to come.")
@password_option
@common
def scheduled(id: str | None, start: bool, *, service: Service, as_json: bool) -> None:
    """List what is to come: campaigns that wait for their time, recurring ones, and those that a limit or a window
    keeps waiting. With ID all about one of them.

    Change it: mailtui set ID --at WHEN. Send it now: mailtui resume ID. Not at all: mailtui cancel ID.
    """
    asyncio.run(_scheduled(service, id, start=start, as_json=as_json))


async def _scheduled(service: Service, id: str | None, *, start: bool, as_json: bool) -> None:
    rows = await service.scheduled.rows()
    if id is not None:
        rows = [await service.scheduled.row(id)]
    if start and rows:
        pid = await service.scheduled.start_runner()
        output.say(f"Process {pid} waits for what is to come.")
    if as_json:
        for row in rows:
            output.json_line(row.to_json())
    elif id is not None:
        _show(rows[0])
    elif rows:
        _list(rows)
    else:
        output.say(_NOTHING)
    if not start and (missing := await service.scheduled.no_runner()):
        output.say(missing)


def _list(rows: list[ScheduledRow]) -> None:
    shown = [
        [
            row.id,
            _kind(row),
            row.due or "waits for you",
            row.countdown,
            "" if row.recipients is None else f"{row.recipients:,}",
            row.late,
            row.name,
        ]
        for row in rows
    ]
    output.table(["id", "kind", "when", "", "audience", "last late by", "name"], shown, right=[4, 5], spare=[5, 4])
    for row in rows:
        if row.reason or row.kind is ScheduledKind.WAITING:
            output.say(f"{row.id}: {row.reason or row.words}")


def _kind(row: ScheduledRow) -> str:
    """Its kind, and its state where that says more: one that waits is always paused until its time."""
    said = row.kind is not ScheduledKind.WAITING and row.state not in ("scheduled", "active", "running")
    return f"{row.kind}, {row.state}" if said else row.kind


def _show(row: ScheduledRow) -> None:
    """All about one."""
    output.data(output.bold(f"{safe_text(row.name)}  {row.id}  {row.state}"))
    _line("when", row.words)
    if row.at is not None:
        _line("next", f"{row.due}, {row.countdown}")
    for one in row.upcoming:
        if one.at != row.at:
            _line("", f"{one.said}, in {countdown(one.at - row.seen_at)}")
        if one.note:
            _line("", f"{one.note}.")
    if row.reason:
        _line("because", row.reason)
    if row.recipients is not None:
        _line("audience", f"{row.recipients:,}")
    if row.kind is ScheduledKind.RECURRING:
        _line("launched", counted(row.runs, "time"))
    if row.late:
        _line("late by", f"{row.late}, the last time")
    _line("file", row.file)
    for line in output.steps(_ways(row)):
        output.note(line)


def _ways(row: ScheduledRow) -> list[tuple[str, str]]:
    """What can be done with it."""
    if row.kind is ScheduledKind.WAITING:
        return [("How it stands", f"mailtui status {row.id}"), ("Stop it for good", f"mailtui cancel {row.id}")]
    if row.kind is ScheduledKind.ONCE:
        return ways(row.id)
    return [
        ("Once more, now", f"mailtui resume {row.id}"),
        ("At other times", f'mailtui set {row.id} --cron "0 9 * * MON"'),
        ("Not for now", f"mailtui pause {row.id}"),
        ("End it", f"mailtui cancel {row.id}"),
    ]


def _line(name: str, text: str) -> None:
    output.data(output.wrapped(f"  {name:<13}{safe_text(text)}", indent=_INDENT, stream=sys.stdout))
