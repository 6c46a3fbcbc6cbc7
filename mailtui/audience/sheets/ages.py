"""Owns telling a person how old something is."""

from __future__ import annotations

from datetime import datetime

from mailtui.audience.source import SheetCopy
from mailtui.kit.words import counted


def freshness(sheet: SheetCopy, now: datetime) -> str:
    """How fresh a list from a sheet is: `as of 12:03 today`, `copy from 3 days ago (2026-11-02 12:03)`."""
    when = as_of(sheet.fetched_at, now)
    return f"copy from {age(sheet.fetched_at, now)} ago ({when})" if sheet.offline else f"as of {when}"


def as_of(fetched_at: float, now: datetime) -> str:
    """When something was fetched, in the local time of `now`: `12:03 today`, `18:40 yesterday`, `2026-11-02 12:03`."""
    then = datetime.fromtimestamp(fetched_at, now.tzinfo)
    days = (now.date() - then.date()).days
    if days == 0:
        return f"{then:%H:%M} today"
    return f"{then:%H:%M} yesterday" if days == 1 else f"{then:%Y-%m-%d %H:%M}"


def age(fetched_at: float, now: datetime) -> str:
    """How long ago that was: `5 minutes`, `3 hours`, `12 days`."""
    seconds = max(0.0, now.timestamp() - fetched_at)
    if seconds < 5_400:
        return counted(round(seconds / 60), "minute") if seconds >= 60 else "less than a minute"
    return counted(round(seconds / 3_600), "hour") if seconds < 36 * 3_600 else counted(round(seconds / 86_400), "day")
