"""Owns the `schedule:` section of the campaign file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from mailtui.kit.durations import parse_duration
from mailtui.kit.validation import Duration, Spec
from mailtui.schedule.checking import check_parts
from mailtui.schedule.cron import check_cron
from mailtui.schedule.interval import parse_interval
from mailtui.schedule.moment import local_time
from mailtui.schedule.schedule import Missed, Schedule
from mailtui.schedule.window import EVERY_DAY, Window, day_numbers, minute_of_day
from mailtui.schedule.zones import zone_named


def _read_by(parse: Callable[[str], Any]) -> AfterValidator:
    """What a text is checked with; it stays as it was written."""

    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _as_days(said: str | list[str]) -> list[str]:
    days = said.split(",") if isinstance(said, str) else said
    day_numbers(days)
    return days


class WindowSpec(Spec):
    """Hours and days in which mails may go."""

    opens: Annotated[str, _read_by(minute_of_day)] = Field(
        default="00:00", alias="from", description="When it opens, such as 09:00."
    )
    closes: Annotated[str, _read_by(minute_of_day)] = Field(
        default="24:00", alias="to", description="When it closes; a time before `from` is on the next day."
    )
    days: Annotated[str | list[str], AfterValidator(_as_days)] | None = Field(
        default=None, description="Days on which it opens, such as mon-fri or [mon, wed]; without them every day."
    )

    def window(self) -> Window:
        """The value that a runner works with."""
        days = EVERY_DAY if self.days is None else day_numbers(self.days)
        return Window(opens=minute_of_day(self.opens), closes=minute_of_day(self.closes), days=days)


class ScheduleSpec(Spec):
    """When the campaign is sent; without it, as soon as it is launched."""

    at: Annotated[str, _read_by(local_time)] | None = Field(
        default=None,
        description="Date and time, such as 2026-12-01 09:00. With every or cron: the first time at the earliest.",
    )
    every: Annotated[str, _read_by(parse_interval)] | None = Field(
        default=None, description="Again and again, counted from `at`: 2 hours, 1 day, 1 week, 1 month."
    )
    cron: Annotated[str, _read_by(check_cron)] | None = Field(
        default=None, description='Again and again, as a line of cron says: "0 9 * * MON" is every Monday at 09:00.'
    )
    timezone: Annotated[str, _read_by(zone_named)] | None = Field(
        default=None, description="The zone of all times here, such as Europe/Berlin; without it that of this machine."
    )
    until: Annotated[str, _read_by(lambda text: local_time(text, end_of_day=True))] | None = Field(
        default=None, description="Nothing is sent again after this date, or date and time."
    )
    times: int | None = Field(default=None, ge=1, description="How often it is sent at most.")
    missed: Missed = Field(
        default=Missed.ASK,
        description="What becomes of a time at which nobody could send: ask, send it late, or skip it.",
    )
    grace: Duration = Field(default="1h", description="How late `missed: send` may be; after that a person is asked.")
    window: WindowSpec | None = Field(default=None, description="Hours and days in which mails may go.")

    @model_validator(mode="after")
    def _go_together(self) -> ScheduleSpec:
        check_parts(self.schedule())
        return self

    def schedule(self) -> Schedule:
        """The value that everything else works with; not settled yet."""
        return Schedule(
            at=local_time(self.at).text if self.at is not None else "",
            every=parse_interval(self.every).text if self.every is not None else "",
            cron=check_cron(self.cron) if self.cron is not None else "",
            timezone=self.timezone or "",
            until=self.until or "",
            times=self.times,
            missed=self.missed,
            grace=parse_duration(self.grace),
            window=self.window.window() if self.window is not None else None,
        )
