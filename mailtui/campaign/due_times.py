"""Owns when the rows of a list are due: with the campaign, when it is that time where they are, or at their own times.

The campaign begins with the first of them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mailtui.audience.recipient import Recipient
from mailtui.campaign.campaign import Campaign
from mailtui.errors import UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.message.preflight import Finding
from mailtui.outbox.records import NewDelivery
from mailtui.schedule.moment import local_time, resolve
from mailtui.schedule.recipients import recipient_time
from mailtui.schedule.recurring import next_after, settle
from mailtui.schedule.schedule import Schedule
from mailtui.schedule.words import in_words, show_moment

_KEPT = 100_000  # pairs of cells; lists have few zones, and times that whole groups share
_ROWS = 20  # that a finding names
_STEP = 1_000


def begins(schedule: Schedule) -> float | None:
    """The time of a settled schedule that goes out once; None for at once, and for what recurs."""
    if schedule.recurs or not schedule.at:
        return None
    return resolve(local_time(schedule.at), schedule.timezone).at


def at_once(schedule: Schedule) -> Schedule:
    """The same hours, policy and columns, without any time at which it begins."""
    return dataclasses.replace(schedule, at="", every="", cron="", until="", times=None)


def settled(schedule: Schedule, now: float) -> Schedule:
    """The schedule with what it leaves to this machine and to this moment; one that says nothing as it is.

    Raises `NoMachineZone`.
    """
    return settle(schedule, now) if says_anything(schedule) else schedule


def says_anything(schedule: Schedule) -> bool:
    """Whether a launch by it is another than one without a schedule; a policy or a zone alone make no difference."""
    return schedule.begins_later or schedule.window is not None or schedule.has_own_times


def has_passed(schedule: Schedule, now: float) -> str:
    """Why nothing comes of a settled schedule at `now`, as a title; empty where something does."""
    start_at = begins(schedule)
    if start_at is not None and start_at <= now:
        return f"Its time has passed: it was to begin at {show_moment(start_at, schedule.timezone)}"
    if schedule.recurs and next_after(schedule, now) is None:
        return f"None of its times is still to come: {in_words(schedule)}"
    return ""


class DueTimes:
    """When the rows of one campaign are due. `begins` (epoch seconds) is its own time, None for at once."""

    def __init__(self, schedule: Schedule, begins: float | None) -> None:
        self._schedule = schedule
        self._begins = begins
        self._known: dict[tuple[str, str], float] = {}
        self.first = math.inf
        """When the first of those is due whose mails were made."""

    def begin_after(self, now: float) -> float | None:
        """When a campaign of those mails is to begin: with the first of them; None where somebody is due by now."""
        return self.first if now < self.first < math.inf else None

    def of(self, cells: Mapping[str, str]) -> float:
        """When a row with these cells by column is due (epoch seconds); 0.0 for at once.

        Raises ValueError with a sentence for a cell that is no time, or no zone.
        """
        return self._at((cells.get(self._schedule.zone_column, ""), cells.get(self._schedule.send_at_column, "")))

    def mails(self, mails: Iterable[NewDelivery], columns: Sequence[str]) -> Iterator[NewDelivery]:
        """The mails, whose cells are in the order of these columns, each with its time. Raises `UsageError`."""
        names = self._schedule.zone_column, self._schedule.send_at_column
        zone, send_at = (columns.index(name) if name in columns else None for name in names)
        for mail in mails:
            pair = tuple("" if place is None else mail.fields[place] for place in (zone, send_at))
            try:
                due = self._at((pair[0], pair[1]))
            except ValueError as error:
                raise UsageError(
                    f"Row {mail.row} of the list has a time or a zone that cannot be read: {error}",
                    detail="Nothing was launched.",
                    hint="See all of them: mailtui check CAMPAIGN",
                ) from None
            self.first = min(self.first, due)
            yield mail._replace(due_at=due)

    def _at(self, pair: tuple[str, str]) -> float:
        found = self._known.get(pair)
        if found is None:
            zone, send_at = pair
            if self._begins is None and not send_at.strip():
                found = 0.0
            else:
                found = recipient_time(self._schedule, self._begins or 0.0, zone=zone, send_at=send_at)
            if len(self._known) < _KEPT:
                self._known[pair] = found
        return found


def due_times(schedule: Schedule, begins: float | None, columns: tuple[str, ...]) -> DueTimes | None:
    """When the rows of a list with these columns are due; None where all are with the campaign.

    Raises `UsageError` where a column is missing that says so.
    """
    for role, column in missing_columns(schedule, columns):
        raise UsageError(
            f"The list has no column {column}, which says when each mail goes",
            hint=f"Mend audience: columns: {role} in the campaign file.",
        )
    return DueTimes(schedule, begins) if schedule.has_own_times else None


@dataclass(slots=True)
class _Rows:
    first: str = ""
    rows: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, row: int, said: str = "") -> None:
        self.first = self.first or said
        self.count += 1
        if len(self.rows) < _ROWS:
            self.rows.append(row)


def row_time_findings(
    campaign: Campaign,
    schedule: Schedule,
    columns: tuple[str, ...],
    recipients: Callable[[], Iterable[Recipient]],
    now: float,
    progress: Callable[[int], None],
) -> Iterator[Finding]:
    """What is to be said of the times and zones of rows. `schedule` is settled; `progress` hears rows looked at."""
    missing = list(missing_columns(schedule, columns))
    for role, column in missing:
        place = campaign.document.place(("audience", "columns", role))
        yield Finding("error", "no-column", f"the list has no column {column}.", place=place)
    if missing or not schedule.has_own_times:
        return
    following = next_after(schedule, now) if schedule.recurs else None
    due = DueTimes(schedule, begins(schedule) if following is None else following.at)
    bad, passed, without, ahead = _Rows(), _Rows(), _Rows(), _Rows()
    for done, recipient in enumerate(recipients(), 1):
        try:
            at = due.of(recipient.fields)
        except ValueError as error:
            bad.add(recipient.row, str(error))
            continue
        if following is not None and at < following.at:
            ahead.add(recipient.row)
        elif 0.0 < at <= now:
            passed.add(recipient.row)
        if schedule.send_at_column and not recipient.fields[schedule.send_at_column].strip():
            without.add(recipient.row)
        if done % _STEP == 0:
            progress(done)
    yield from _about(campaign, schedule, bad, passed, without)
    if ahead.count:
        message = (
            f"{counted(ahead.count, 'recipient')} whose clock is ahead of {schedule.timezone}: each time their mails "
            "go as soon as the campaign begins, later than that by their own clock"
        )
        hint = "Name the zone that is farthest to the east: timezone: in schedule:."
        place = campaign.document.place(("schedule",))
        yield Finding("warning", "clocks-ahead", message, tuple(ahead.rows), ahead.count, place=place, hint=hint)


def missing_columns(schedule: Schedule, columns: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(role, name) of columns that are named, and that a list does not have."""
    for role, column in (("send_at", schedule.send_at_column), ("timezone", schedule.zone_column)):
        if column and column not in columns:
            yield role, column


def _about(campaign: Campaign, schedule: Schedule, bad: _Rows, passed: _Rows, without: _Rows) -> Iterator[Finding]:
    place = campaign.document.place(("audience", "columns"))
    if bad.count:
        message = (
            f"{counted(bad.count, 'row')} with a time or zone that cannot be read: {safe_text(bad.first, limit=200)}"
        )
        hint = "Write times as 2026-12-01 09:00, and zones as Europe/Berlin or +01:00; a blank cell is the campaign's."
        yield Finding("error", "row-times", message, tuple(bad.rows), bad.count, place=place, hint=hint)
    if passed.count:
        whose = "whose time has passed: its mail goes" if passed.count == 1 else "whose time has passed: their mails go"
        message = f"{counted(passed.count, 'recipient')} {whose} as soon as the campaign begins"
        yield Finding("warning", "row-times-passed", message, tuple(passed.rows), passed.count, place=place)
    if without.count:
        when = f"at {schedule.at} {schedule.timezone}" if schedule.at else "at once"
        message = f"{counted(without.count, 'recipient')} without a time of their own: their mails go {when}"
        yield Finding("note", "row-times-blank", message, tuple(without.rows), without.count, place=place)
