"""Owns when each recipient gets its mail: at the campaign's time by its own clock, or at a time of its own."""

from __future__ import annotations

from datetime import tzinfo

from mailtui.schedule.moment import local_time, resolve_in, resolve_local
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.zones import wall_at, zone_named, zone_or_offset


def recipient_time(schedule: Schedule, begins: float, *, zone: str = "", send_at: str = "") -> float:
    """The moment (epoch seconds) at which one recipient of a settled schedule gets its mail.

    `begins`: the campaign's own time. `zone` and `send_at` are the cells of the row, empty for none. A row with a time
    gets its mail then, by its zone; a row with a zone alone when the clocks there show what those of the campaign show
    at `begins`; any other row at `begins`. Raises ValueError with a sentence for a cell that cannot be read.
    """
    zone, send_at = zone.strip(), send_at.strip()
    if not zone and not send_at:
        return begins
    own: tzinfo = zone_or_offset(zone) if zone else zone_named(schedule.timezone)
    if not send_at:
        return resolve_in(wall_at(begins, zone_named(schedule.timezone)), own, zone).at
    return resolve_local(local_time(send_at), own, zone or schedule.timezone).at
