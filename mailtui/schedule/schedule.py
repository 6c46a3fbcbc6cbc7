"""Owns the schedule of a campaign: when it is sent, and what else is said about that, as a frozen value and as JSON."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailtui.schedule.window import EVERY_DAY, Window

GRACE = 3_600.0


class Missed(StrEnum):
    """What becomes of a time that passed while nobody could send."""

    ASK = "ask"  # a person is asked
    SEND = "send"  # it is sent late, up to `grace`; after that a person is asked
    SKIP = "skip"  # it is left out


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a campaign is sent.

    One of: `at` alone, once, at that time of the wall (`2026-12-01 09:00`); `every`, an interval (`2 hours`, `1 week`)
    counted from `at`; `cron`, a line of five fields, of which nothing counts before `at`. `timezone` is an IANA name.
    It ends after `until` (a date or a date and time of the wall) or when it was launched `times` times. `missed`, with
    `grace` in seconds: what becomes of a time that has passed. Nothing goes outside `window`. `zone_column` and
    `send_at_column`: columns of the list with each recipient's zone, or its own time.
    """

    at: str = ""
    every: str = ""
    cron: str = ""
    timezone: str = ""
    until: str = ""
    times: int | None = None
    missed: Missed = Missed.ASK
    grace: float = GRACE
    window: Window | None = None
    zone_column: str = ""
    send_at_column: str = ""

    @property
    def recurs(self) -> bool:
        """Whether it is for a campaign that is sent again and again."""
        return bool(self.every or self.cron)

    @property
    def begins_later(self) -> bool:
        """Whether a launch by it waits for a time; False for one that only has hours, or times in the list."""
        return bool(self.at) or self.recurs

    @property
    def has_own_times(self) -> bool:
        """Whether recipients may be due at another time than the campaign."""
        return bool(self.zone_column or self.send_at_column)

    def has_times_of(self, other: Schedule) -> bool:
        """Whether everybody is due at the same times by both: they differ in hours and policy at most."""
        return _times(self) == _times(other)

    def to_json(self) -> str:
        """What is said, and nothing that is not."""
        said: dict[str, Any] = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value != field.default:
                said[field.name] = value
        if self.window is not None:
            said["window"] = {"opens": self.window.opens, "closes": self.window.closes, "days": list(self.window.days)}
        return json.dumps(said)

    @classmethod
    def from_json(cls, text: str) -> Schedule:
        """The schedule that `to_json` wrote; an empty text is a schedule that says nothing.

        Raises ValueError for what is none, or says what this version does not know.
        """
        try:
            said: dict[str, Any] = json.loads(text) if text else {}
            if "missed" in said:
                said["missed"] = Missed(said["missed"])
            if "window" in said:
                window = said["window"]
                days = tuple(window.get("days", EVERY_DAY))
                said["window"] = Window(opens=window["opens"], closes=window["closes"], days=days)
            return cls(**said)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"it says what is not known here: {error}") from None


def _times(schedule: Schedule) -> Schedule:
    """What it says of times alone."""
    zone = schedule.timezone if schedule.begins_later or schedule.has_own_times else ""
    return dataclasses.replace(schedule, window=None, missed=Missed.ASK, grace=GRACE, timezone=zone)
