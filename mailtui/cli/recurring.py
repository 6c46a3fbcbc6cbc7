"""Owns what `mailtui pause`, `resume`, `cancel` and `set` do where the id is that of what is sent again and again, and
how any of them puts something to another time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

import click

from mailtui.cli import output
from mailtui.cli.later import is_now
from mailtui.cli.options import at_terminal
from mailtui.errors import ExitCode, UsageError
from mailtui.service.facade import Service
from mailtui.service.scheduled_rows import ScheduledRow
from mailtui.service.schedules import Schedule, chosen

HOURS = frozenset({"hours", "days", "missed", "grace"})
"""What may be said of a campaign that has begun, too."""


def carried_out(
    service: Service, id: str | None, order: Callable[[ScheduledRow], Awaitable[str]], *, as_json: bool
) -> bool:
    """Whether the id is that of a recurring campaign: then the order was given to that one, and its answer told."""

    async def carry() -> tuple[ScheduledRow, str, ScheduledRow | None] | None:
        found = await service.scheduled.recurrence(id or "")
        if found is None:
            return None
        row = await service.scheduled.row(found.id)
        answer = await order(row)
        left = [one for one in await service.scheduled.rows() if one.id == row.id]
        return row, answer, left[0] if left else None

    done = asyncio.run(carry())
    if done is None:
        return False
    row, answer, after = done
    if as_json:
        now = {**row.to_json(), "state": "ended", "at": None, "next": []} if after is None else after.to_json()
        output.json_line({**now, "answer": answer})
    else:
        output.say(f"{row.name} ({row.id}): {answer}")
    return True


async def go_on(service: Service, row: ScheduledRow) -> str:
    """A paused one goes on with its next time; one that is not is sent now, besides its times."""
    if row.state == "paused":
        return await service.scheduled.resume(row.id)
    return await service.scheduled.send_now(row.id)


async def end(service: Service, row: ScheduledRow, *, yes: bool) -> str:
    """End it for good, once a person at a terminal agrees."""
    if not yes and at_terminal():
        output.say(f"{row.name} ({row.id}): {row.words}. What it has launched goes on.")
        if not click.confirm("End it? This cannot be undone", default=False, err=True):
            output.say("Nothing was changed.")
            raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))
    return await service.scheduled.cancel(row.id)


async def put_to(service: Service, id: str, file: str, written: Mapping[str, str | None]) -> str:
    """Put a campaign or a recurring one to another time; `file` is its schedule as it is. What came of that."""
    given = {name: value for name, value in written.items() if value is not None}
    if is_now(given):
        return await service.scheduled.send_now(id)
    schedule = chosen(now=time.time(), base=Schedule.from_json(file), **given)
    return await service.scheduled.reschedule(id, schedule, time_said=not given.keys() <= HOURS)


async def put_recurring_to(
    service: Service, row: ScheduledRow, written: Mapping[str, str | None], *, terms: bool
) -> str:
    """The same of a recurring one; `terms`: something was said of its pace, which is said elsewhere."""
    if terms:
        raise UsageError(
            "The pace of what is sent again and again is that of its file",
            detail="Nothing was changed.",
            hint=f"Change dispatch: in {row.file}, or run it again with other options.",
        )
    return await put_to(service, row.id, row.schedule, written)
