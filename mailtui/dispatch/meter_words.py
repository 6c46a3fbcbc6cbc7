"""Owns how far a meter is used, in a few words for people, and which words say that it is used up."""

from __future__ import annotations

from mailtui.dispatch.meter import Meter
from mailtui.kit.rates import show_rate

_LIMITS = ("limit of this minute of ", "hourly limit of ", "daily limit of ", "warm-up day ")


def is_for_limits(reason: str) -> bool:
    """Whether a campaign waits for limits of our own alone, by the reason it gives: to try is of no use before they are
    others.
    """
    return bool(reason) and all(part.startswith(_LIMITS) for part in reason.split("; "))


def in_words(meter: Meter, now: float, *, pace: bool = False) -> str:
    """How much of its limits is used: `310 of 500 an hour, 900 of 2,000 a day`; empty where none of them counts.

    `pace`: say the rate, too.
    """
    limits = meter.limits
    minute, hour, day = meter.used(now)
    most = (minute, limits.per_minute, "a minute"), (hour, limits.per_hour, "an hour"), (day, limits.per_day, "a day")
    said = [f"at most {show_rate(limits.rate)}"] if pace and limits.rate is not None else []
    said += [f"{used:,} of {limit:,} {span}" for used, limit, span in most if limit is not None]
    if limits.batch is not None:
        said.append(f"{meter.in_batch:,} of a batch of {limits.batch.size:,}")
    if limits.warm_up is not None:
        number, least = meter.warm_up_day(now)
        said.append(f"warm-up day {number}: {day:,} of {least:,}")
    return ", ".join(said)
