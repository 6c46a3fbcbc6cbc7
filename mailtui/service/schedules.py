"""Owns schedules for faces: read from what a person writes into options and fields, and told in words."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Any

from mailtui.errors import UsageError
from mailtui.kit.durations import countdown
from mailtui.schedule.checking import check_parts, check_schedule
from mailtui.schedule.machine import machine_zone
from mailtui.schedule.moment import resolve
from mailtui.schedule.recurring import settle, upcoming
from mailtui.schedule.schedule import GRACE, Missed, Schedule
from mailtui.schedule.when import when
from mailtui.schedule.window import Window, window_of
from mailtui.schedule.words import in_words, show_moment
from mailtui.service.schedule_texts import value_of
from mailtui.service.scheduled_rows import Upcoming

__all__ = [
    "GRACE",
    "Missed",
    "Schedule",
    "ScheduleWords",
    "Window",
    "Written",
    "chosen",
    "countdown",
    "described",
    "machine_zone",
    "moment_of",
    "show_moment",
]

_DATE = re.compile(r"\s*\d{4}-\d{1,2}-\d{1,2}\s*\Z")
NEXT = 5
"""How many of the times to come are shown."""


@dataclass(frozen=True, slots=True)
class ScheduleWords:
    """A schedule for people: what it says as a half-sentence, its next times, and what else they should know."""

    words: str
    upcoming: tuple[Upcoming, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What a person wrote about a schedule; None for what was left alone, an empty text for what was taken away.

    `at`: `tomorrow 9:00`, `in 2h`, `2026-12-01 09:00`. `every`: `1 week`. `hours`: `09:00-17:00`. `days`: `mon-fri`.
    `grace`: `1h`. `times`: a number.
    """

    at: str | None = None
    every: str | None = None
    cron: str | None = None
    timezone: str | None = None
    until: str | None = None
    times: str | None = None
    missed: str | None = None
    grace: str | None = None
    hours: str | None = None
    days: str | None = None


def chosen(*, now: float, base: Schedule | None = None, **written: str | None) -> Schedule:
    """The schedule that somebody asks for at `now` (epoch seconds), settled and found to be possible.

    `written` are the fields of `Written`. What was left alone is as in `base`; but a new time, interval or line of cron
    takes the place of all of these there, and of when they end. Raises `UsageError`.
    """
    said = Written(**written)
    base = base or Schedule()
    if any((said.at, said.every, said.cron)):
        base = dataclasses.replace(base, at="", every="", cron="", until="", times=None)
    from mailtui.campaign.due_times import says_anything  # loads what reads lists, and most only show a schedule

    try:
        schedule = settle(dataclasses.replace(base, **_values(said, base, now)), now)
        if base.window is not None and not says_anything(schedule):
            check_parts(schedule)  # its hours were taken away, and nothing else is said
        else:
            check_schedule(schedule)
    except ValueError as error:
        raise UsageError("This schedule cannot be kept", detail=str(error), hint="See: docs/schedules.md") from None
    return schedule


def described(schedule: Schedule, now: float, *, runs: int = 0) -> ScheduleWords:
    """A schedule in words, with its next times after `now` (epoch seconds); `runs`: how often it was launched.

    Raises `UsageError` for one that cannot be kept.
    """
    try:
        schedule = settle(schedule, now)
        check_schedule(schedule)
        coming = upcoming(schedule, now, NEXT, runs=runs)
        shown = tuple(Upcoming(one.at, show_moment(one.at, schedule.timezone), one.said) for one in coming)
        return ScheduleWords(in_words(schedule), shown, tuple(_notes(schedule, shown)))
    except ValueError as error:
        raise UsageError("This schedule cannot be kept", detail=str(error), hint="See: docs/schedules.md") from None


def moment_of(text: str, zone: str, now: float) -> float:
    """The moment (epoch seconds) that a person means in a zone; a date alone is its midnight. Raises `UsageError`."""
    try:
        whole = f"{text.strip()} 00:00" if _DATE.match(text) else text
        return resolve(when(whole, zone, now), zone).at
    except ValueError as error:
        raise UsageError("This is no time", detail=str(error)) from None


def _values(written: Written, base: Schedule, now: float) -> dict[str, Any]:
    """What was written, as a schedule has it. Raises ValueError."""
    zone = value_of("timezone", base.timezone if written.timezone is None else written.timezone, "", now)
    values: dict[str, Any] = {} if written.timezone is None else {"timezone": zone}
    for name in ("at", "every", "cron", "until", "times", "missed", "grace"):
        if (text := getattr(written, name)) is not None:
            values[name] = value_of(name, text, zone, now)
    if written.hours is not None or written.days is not None:
        values["window"] = _window(written, base.window)
    return values


def _window(written: Written, base: Window | None) -> Window | None:
    hours = written.hours if written.hours is not None else base.hours if base is not None else ""
    days = written.days if written.days is not None else base.day_names if base is not None else ""
    return window_of(hours, days)


def _notes(schedule: Schedule, shown: tuple[Upcoming, ...]) -> list[str]:
    """What a person should know of the times that come."""
    notes = []
    if not shown and schedule.begins_later:
        notes.append("None of its times is still to come.")
    zone = schedule.timezone
    if schedule.window is not None:
        for one in shown:
            if not schedule.window.open_at(one.at, zone):
                opens = show_moment(schedule.window.opens_at(one.at, zone), zone)
                notes.append(f"{one.said} is outside of its hours: the first mail goes {opens}.")
                break
    if schedule.zone_column or schedule.send_at_column:
        notes.append("Whoever's time has passed when it begins gets the mail at once.")
    if schedule.begins_later:
        notes.append(_missed(schedule))
    return notes


def _missed(schedule: Schedule) -> str:
    late = "A time that is missed by a minute or more"
    if schedule.missed is Missed.SKIP:
        return f"{late} is left out."
    if schedule.missed is Missed.SEND:
        return f"{late} is sent late, up to {countdown(schedule.grace)}; after that a person is asked."
    return f"{late} waits until a person says what to do."
