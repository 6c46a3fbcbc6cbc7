"""Owns a schedule as a person types it into a form: every field a text, and what is wrong with each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailtui.errors import UsageError
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.words import sentence
from mailtui.schedule.checking import check_schedule
from mailtui.schedule.moment import local_time, resolve
from mailtui.schedule.recurring import settle
from mailtui.schedule.schedule import GRACE, Missed, Schedule
from mailtui.schedule.window import Window, window_of
from mailtui.service.schedule_texts import value_of
from mailtui.service.schedules import ScheduleWords, described

NOW, ONCE, EVERY, CRON = KINDS = ("now", "once", "every", "cron")
_AT_ONCE = ScheduleWords("at once", (), ())


@dataclass(frozen=True, slots=True)
class ScheduleDraft:
    """A schedule as a person types it: every field a text, empty for what is left out.

    `kind` is `now`, `once`, `every` or `cron`; fields that do not belong to it are not looked at. `hours` and `days`
    are the sending window: `09:00-17:00` and `mon-fri`. `timezone` empty: this machine's.
    """

    kind: str = NOW
    at: str = ""
    every: str = ""
    cron: str = ""
    timezone: str = ""
    hours: str = ""
    days: str = ""
    until: str = ""
    times: str = ""
    missed: str = ""
    grace: str = ""
    zone_column: str = ""
    send_at_column: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleReading:
    """What a draft comes to: either what is wrong, by field, or what it says.

    `schedule` is settled; it is None where something is wrong, and where nothing is said at all: then it is at once.
    """

    problems: dict[str, str]
    schedule: Schedule | None
    words: ScheduleWords


def draft_of(schedule: Schedule | None) -> ScheduleDraft:
    """A draft that says what a schedule says; None is at once."""
    if schedule is None:
        return ScheduleDraft()
    window = schedule.window
    return ScheduleDraft(
        kind=CRON if schedule.cron else EVERY if schedule.every else ONCE if schedule.at else NOW,
        at=schedule.at,
        every=schedule.every,
        cron=schedule.cron,
        timezone=schedule.timezone,
        hours="" if window is None else window.hours,
        days="" if window is None else window.day_names,
        until=schedule.until,
        times="" if schedule.times is None else str(schedule.times),
        missed=str(schedule.missed),
        grace="" if schedule.grace == GRACE else f"{round(schedule.grace)}s",
        zone_column=schedule.zone_column,
        send_at_column=schedule.send_at_column,
    )


def says_something(name: str, draft: ScheduleDraft) -> bool:
    """Whether a field belongs to the draft's kind."""
    recurs = draft.kind in (EVERY, CRON)
    belongs = {
        "at": draft.kind != NOW,
        "every": draft.kind == EVERY,
        "cron": draft.kind == CRON,
        "until": recurs,
        "times": recurs,
        "missed": draft.kind != NOW,
        "grace": draft.kind != NOW and draft.missed == Missed.SEND,
        "zone_column": draft.kind != NOW or bool(draft.send_at_column),
        "send_at_column": not recurs,
    }
    return belongs.get(name, True)


def read_draft(
    draft: ScheduleDraft, now: float, *, columns: Sequence[str] | None = None, runs: int = 0
) -> ScheduleReading:
    """What a draft means at `now` (epoch seconds). `columns` are those of the list, None where they are not known;
    `runs`: how often a recurring one was launched.
    """
    fields = _Fields(draft, now, columns)
    schedule = fields.read()
    problems = fields.problems
    if problems:
        return ScheduleReading(problems, None, ScheduleWords("", (), ()))
    if not (schedule.begins_later or schedule.window is not None or schedule.send_at_column):
        return ScheduleReading({}, None, _AT_ONCE)
    try:
        settled = settle(schedule, now)
        check_schedule(settled)
        words = described(settled, now, runs=runs)
    except (ValueError, UsageError) as error:
        said = error.detail if isinstance(error, UsageError) else str(error)
        return ScheduleReading({_about(said, draft): _whole(said)}, None, ScheduleWords("", (), ()))
    if settled.begins_later and not words.upcoming:
        name = "times" if draft.times.strip() else "until" if settled.recurs else "at"
        return ScheduleReading({name: "None of its times is still to come."}, None, words)
    return ScheduleReading({}, settled, words)


class _Fields:
    """Reads the fields of a draft one by one; what is wrong with each is kept in `problems`."""

    def __init__(self, draft: ScheduleDraft, now: float, columns: Sequence[str] | None) -> None:
        self.problems: dict[str, str] = {}
        self._draft, self._now, self._columns = draft, now, columns

    def read(self) -> Schedule:
        """What can be read of it: all of it where there are no problems."""
        if self._draft.kind not in KINDS:
            self.problems["kind"] = f"Write one of {', '.join(KINDS)}."
        self._need()
        zone = self._read("timezone", "")
        said = {name: self._read(name, zone) for name in ("at", "every", "cron", "until", "times", "missed", "grace")}
        window = self._window(self._draft.hours, self._draft.days)
        self._require_to_come(said, zone)
        said |= {name: self._column(name) for name in ("zone_column", "send_at_column")}
        return Schedule(timezone=zone, window=window, **said)

    def _need(self) -> None:
        """What a kind cannot be without."""
        wanted = {
            ONCE: ("at", "Say when: tomorrow 9:00, mon 9:00, in 2h, 2026-12-01 09:00."),
            EVERY: ("every", "Say how often: 2 hours, 1 day, 1 week, 1 month."),
            CRON: ("cron", 'Write a line of cron: "0 9 * * MON" is every Monday at 09:00.'),
        }
        name, what = wanted.get(self._draft.kind, ("", ""))
        if name and not getattr(self._draft, name).strip():
            self.problems[name] = what

    def _read(self, name: str, zone: str) -> Any:
        """What a field says; nothing where it does not belong to the kind, or is wrong."""
        text = getattr(self._draft, name) if says_something(name, self._draft) else ""
        if name == "at" and "timezone" in self.problems:
            text = ""  # it means nothing without one
        try:
            return value_of(name, text, zone, self._now)
        except (ValueError, UsageError) as error:
            self.problems.setdefault(name, _whole(error.title if isinstance(error, UsageError) else str(error)))
            return value_of(name, "", zone, self._now) if name != "timezone" else ""

    def _require_to_come(self, said: Mapping[str, Any], zone: str) -> None:
        if "timezone" in self.problems:
            return
        if self._draft.kind == ONCE and said["at"] and resolve(local_time(said["at"]), zone).at <= self._now:
            self.problems["at"] = "That has passed; say a time that is to come."
        if said["until"] and resolve(local_time(said["until"], end_of_day=True), zone).at <= self._now:
            self.problems["until"] = "That has passed; say a time that is to come, or nothing."

    def _window(self, hours: str, days: str) -> Window | None:
        window = None
        for name, given in (("hours", (hours, "")), ("days", ("", days))):
            try:
                window_of(*given)
            except ValueError as error:
                self.problems[name] = _whole(str(error))
        if "hours" not in self.problems and "days" not in self.problems:
            window = window_of(hours, days)
        return window

    def _column(self, name: str) -> str:
        text: str = getattr(self._draft, name).strip() if says_something(name, self._draft) else ""
        if text and self._columns is not None and text not in self._columns:
            hint = did_you_mean(text, self._columns)
            self.problems[name] = _whole(f"the list has no column {text!r}. {hint}".rstrip())
        return text


def _about(said: str, draft: ScheduleDraft) -> str:
    """The field that a sentence about several of them is best told at."""
    words = said.replace("_", " ").split()
    names = ("zone_column", "send_at_column", "until", "times", "grace", "cron", "every", "at")
    found = (name for name in names if name.split("_")[0] in words[:2] and says_something(name, draft))
    return next(found, draft.kind if draft.kind in (EVERY, CRON) else "at" if draft.kind == ONCE else "kind")


def _whole(text: str) -> str:
    return sentence(text[:1].upper() + text[1:])
