"""T-02: which of many times that were missed is the last one."""

from __future__ import annotations

import time

import pytest

from mailtui.dispatch.missed import last_due
from mailtui.schedule.recurring import next_after
from mailtui.schedule.schedule import Schedule

DAY = 86_400.0
START = 1_795_000_020.0  # 2026-11-18 11:47 UTC


@pytest.mark.parametrize("after", [30.0, 3_599.0, 5 * DAY, 130 * DAY, 500 * DAY])
@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(every="1 month", at="2026-08-31 02:30", timezone="Europe/Berlin"),
        Schedule(cron="*/20 1-3 * * SUN", timezone="Australia/Lord_Howe", until="2027-11-01"),
        Schedule(cron="0 9 29 2 *", timezone="UTC"),
    ],
)
def test_t02_the_last_of_the_times_until_now(schedule: Schedule, after: float) -> None:
    first = next_after(schedule, START)
    assert first is not None
    now, last = first.at + after, first.at
    while (following := next_after(schedule, last)) is not None and following.at <= now:
        last = following.at
    assert last_due(schedule, first.at, now) == last


def test_t02_a_million_missed_times_keep_nobody_waiting() -> None:
    schedule = Schedule(cron="* * * * *", timezone="UTC", until="2028-10-01")
    began = time.monotonic()
    last = last_due(schedule, START, START + 1_000 * DAY)
    assert next_after(schedule, last) is None and last > START + 600 * DAY
    assert time.monotonic() - began < 5, "a runner with other campaigns waits for it"
