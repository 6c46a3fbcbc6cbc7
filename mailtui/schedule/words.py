"""Owns saying a schedule, a moment and a wait in words."""

from __future__ import annotations

from datetime import UTC, datetime

from mailtui.kit.words import counted
from mailtui.schedule.cron import cron_words
from mailtui.schedule.interval import parse_interval
from mailtui.schedule.moment import local_time, resolve
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.zones import zone_named


def show_moment(at: float, zone: str) -> str:
    """A moment (epoch seconds) in a zone and in UTC: `Tue 2026-12-01 09:00 CET (08:00 UTC)`."""
    local, utc = datetime.fromtimestamp(at, zone_named(zone)), datetime.fromtimestamp(at, UTC)
    clock = "%H:%M:%S" if local.second else "%H:%M"
    name = local.tzname() or ""
    shown = f"{local:%a %Y-%m-%d} {local.strftime(clock)} {name if name.isalpha() else f'UTC{name}'}"
    if not local.utcoffset() and name == "UTC":
        return shown
    day = "" if utc.date() == local.date() else f"{utc:%a} "
    return f"{shown} ({day}{utc.strftime(clock)} UTC)"


def in_words(schedule: Schedule) -> str:
    """What a settled schedule says, as a half-sentence: `every week, on Mondays at 09:00 Europe/Berlin, …`."""
    parts = [_when(schedule)]
    if schedule.until:
        parts.append(f"until {schedule.until}")
    if schedule.times is not None:
        parts.append(f"{counted(schedule.times, 'time')} at most")
    if schedule.window is not None:
        hours = f"only {schedule.window.words}"
        parts.append(hours if schedule.begins_later else f"{hours} {schedule.timezone}")
    if schedule.send_at_column:
        parts.append(f"to each recipient at its own time ({schedule.send_at_column})")
    if schedule.zone_column:
        parts.append(f"by each recipient's clock ({schedule.zone_column})")
    return ", ".join(part for part in parts if part)


def _when(schedule: Schedule) -> str:
    zone = schedule.timezone
    if schedule.cron:
        begins = f", from {schedule.at}" if schedule.at else ""
        return f"{cron_words(schedule.cron)}, {zone}{begins}"
    if not schedule.at:
        return f"every {parse_interval(schedule.every).words}" if schedule.every else ""
    first = local_time(schedule.at)
    moment = resolve(first, zone)
    shown = show_moment(moment.at, zone)
    if not schedule.every:
        return f"once, {shown}"
    interval = parse_interval(schedule.every)
    if interval.seconds is not None:
        return f"every {interval.words}, from {shown}"
    # A first time that a clock change moves is the exception: those that follow come at the time that was written.
    local = first.wall if first.offset is None else datetime.fromtimestamp(moment.at, zone_named(zone))
    day = {"week": f" on {local:%A}", "month": f" on day {local.day}", "year": f" on {local.day} {local:%B}"}
    return f"every {interval.words}{day.get(interval.unit, '')} at {local:%H:%M} {zone}, from {local:%Y-%m-%d}"
