"""Owns what a face shows of the notices of a campaign: who was told of what, and who has not taken it yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailtui.kit.durations import show_moment
from mailtui.kit.words import counted
from mailtui.outbox.ports import Reader
from mailtui.outbox.records import Campaign
from mailtui.outbox.states import NoticeState
from mailtui.outbox.timed_records import Notice


@dataclass(frozen=True, slots=True)
class Telling:
    """A webhook and one thing that it is told."""

    notice: Notice

    @property
    def webhook(self) -> str:
        return self.notice.target

    @property
    def waits(self) -> bool:
        """Whether it is still to be told."""
        return self.notice.state is NoticeState.WAITING

    @property
    def given_up(self) -> bool:
        """Whether it never took it, and is not asked any more."""
        return self.notice.state is NoticeState.GIVEN_UP

    def line(self, *, runner: bool) -> str:
        """All of it for people; `runner`: whether one lives, which goes on trying."""
        notice = self.notice
        said = f" ({notice.said})" if notice.said else ""
        tries = counted(notice.attempts, "try", "tries")
        if notice.state is NoticeState.DELIVERED:
            when = "" if notice.told_at is None else f" at {show_moment(notice.told_at)}"
            how = f", at the {_nth(notice.attempts)} try" if notice.attempts > 1 else ""
            return f"{notice.event}: told{when}{how}{said}"
        if notice.state is NoticeState.GIVEN_UP:
            return f"{notice.event}: given up after {tries}{said}"
        if not runner:
            return f"{notice.event}: not told yet{said}; the next runner tries"
        if not notice.attempts:
            return f"{notice.event}: being told"
        return f"{notice.event}: not told after {tries}{said}; next try at {show_moment(notice.due_at)}"

    def to_json(self) -> dict[str, Any]:
        notice = self.notice
        return {
            "webhook": notice.target,
            "id": notice.id,
            "event": notice.event,
            "state": str(notice.state),
            "attempts": notice.attempts,
            "said": notice.said,
            "at": _utc(notice.at),
            "last_try": None if notice.told_at is None else _utc(notice.told_at),
            "next_try": _utc(notice.due_at) if self.waits else None,
        }


async def told_of(reader: Reader, campaign: Campaign) -> tuple[Telling, ...]:
    """What is told of a campaign, the oldest first."""
    if campaign.hooks == "[]":
        return ()
    return tuple(Telling(notice) for notice in await reader.notices(campaign.number))


def _nth(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number % 100 not in (11, 12, 13) else "th"
    return f"{number:,}{ending}"


def _utc(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
