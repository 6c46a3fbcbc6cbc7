"""Owns how far a meter is used, in a few words for people."""

from __future__ import annotations

from mailtui.dispatch.meter import Meter


def in_words(meter: Meter, now: float) -> str:
    """How much of its limits is used: `310 of 500 an hour, 900 of 2,000 a day`; empty where none of them counts."""
    minute, hour, day = meter.used(now)
    limits = meter.limits
    spans = (
        (minute, limits.per_minute, "a minute"),
        (hour, limits.per_hour, "an hour"),
        (day, limits.per_day, "a day"),
    )
    said = [f"{used:,} of {limit:,} {span}" for used, limit, span in spans if limit is not None]
    if limits.warm_up is not None:
        number, least = meter.warm_up_day(now)
        said.append(f"warm-up day {number}: {day:,} of {least:,}")
    return ", ".join(said)
