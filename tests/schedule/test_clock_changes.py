"""T-01 over all clock changes of all zones, 2026 to 2028: each time of the wall comes exactly once, moved forward where
clocks leave it out and at the first where they show it twice, and says so.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, time, timedelta

import pytest

from mailtui.schedule.moment import LocalTime, resolve
from mailtui.schedule.recurring import next_after
from mailtui.schedule.schedule import Schedule
from tests.schedule.clock_changes import DAY, HOUR, ClockChange, all_changes, comes_at, first_shown, shown


def _times(schedule: Schedule, after: float, until: float) -> list[float]:
    found: list[float] = []
    moment = next_after(schedule, after)
    while moment is not None and moment.at <= until:
        found.append(moment.at)
        moment = next_after(schedule, moment.at)
    return found


def _minutes_around(change: ClockChange) -> list[datetime]:
    """Each minute of the wall from two hours before what is left out or comes twice to two hours after."""
    near = shown(change.at, change.zone).replace(second=0)
    shift = timedelta(seconds=abs(change.after - change.before))
    start, minutes = near - shift - timedelta(hours=2), int((2 * shift).total_seconds() // 60) + 240
    return [start + timedelta(minutes=minute) for minute in range(minutes)]


def test_t01_there_are_clock_changes_of_all_kinds_to_be_tried() -> None:
    changes = all_changes()
    assert len(changes) >= 60 and len({change.zone for change in changes}) >= 20
    shifts = {change.after - change.before for change in changes}
    assert {3600, -3600, 1800, -1800} <= shifts, "Lord Howe's are of half an hour"
    assert {0, 2, 3} <= {change.hour for change in changes}, "some are at midnight"


def _check_each(change: ClockChange, walls: Sequence[datetime]) -> None:
    known = first_shown(change)
    for wall in walls:
        moment = resolve(LocalTime(wall), change.zone)
        assert moment.at == comes_at(change, wall), (change, wall)
        said = "does not exist" if wall not in known else "comes twice" if _comes_twice(change, wall) else ""
        assert said in moment.said and bool(moment.said) == bool(said), (change, wall, moment)


def _comes_twice(change: ClockChange, wall: datetime) -> bool:
    again = first_shown(change)[wall] + abs(change.after - change.before)
    return shown(again, change.zone) == wall


def test_t01_each_minute_of_the_wall_comes_once_and_says_when_a_clock_change_moves_it() -> None:
    for change in all_changes():
        around = _minutes_around(change)
        edges = around[118:122] + around[-122:-118]
        _check_each(change, [*edges, *around[::17]])


@pytest.mark.long
def test_t01_the_same_with_each_minute_there_is() -> None:
    for change in all_changes():
        _check_each(change, _minutes_around(change))


def _days(change: ClockChange, of_day: time) -> list[datetime]:
    middle = shown(change.at, change.zone).date()
    return [datetime.combine(middle + timedelta(days=day), of_day) for day in (-1, 0, 1)]


def _check_daily(change: ClockChange, minutes: Sequence[datetime]) -> None:
    for wall in minutes:
        days = _days(change, wall.time())
        expected = [comes_at(change, day) for day in days]
        for schedule in (
            Schedule(cron=f"{wall.minute} {wall.hour} * * *", timezone=change.zone),
            Schedule(every="1 day", at=LocalTime(days[0] - timedelta(days=40)).text, timezone=change.zone),
        ):
            found = _times(schedule, expected[0] - 1, expected[-1])
            assert found == expected, (change, wall, schedule)


def test_t01_what_is_daily_comes_once_a_day() -> None:
    chance = random.Random(2026)
    for change in all_changes():
        around = _minutes_around(change)
        _check_daily(change, [around[120], around[-120], *chance.sample(around, 2)])


@pytest.mark.long
def test_t01_what_is_daily_comes_once_a_day_at_any_minute() -> None:
    for change in all_changes():
        _check_daily(change, _minutes_around(change)[::3])


def test_t01_lines_of_cron_with_many_times_a_day_miss_none_and_repeat_none() -> None:
    for change in all_changes():
        hours = sorted({(change.hour + step) % 24 for step in (0, 1, 23)})
        schedule = Schedule(cron=f"*/20 {','.join(map(str, hours))} * * *", timezone=change.zone)
        walls = [wall for wall in first_shown(change) if wall.hour in hours and wall.minute % 20 == 0]
        left_out = [wall for wall in _minutes_around(change) if wall.hour in hours and wall.minute % 20 == 0]
        after, until = change.at - 0.7 * DAY, change.at + 0.7 * DAY
        due = {comes_at(change, wall) for wall in (*walls, *left_out)}
        expected = sorted(at for at in due if after < at <= until)
        assert _times(schedule, after, until) == expected, change


def test_t01_what_comes_every_hour_goes_by_the_time_that_passes() -> None:
    for change in all_changes():
        after, until = change.at - 5 * HOUR, change.at + 5 * HOUR
        minutes = [after + 60.0 * step for step in range(1, 601)]
        on_the_clock = [at for at in minutes if shown(at, change.zone).minute == 30]
        assert _times(Schedule(cron="30 * * * *", timezone=change.zone), after, until) == on_the_clock, change
        begins = LocalTime(shown(change.at - 30 * HOUR, change.zone))
        first = comes_at(change, begins.wall.replace(second=0))
        every = Schedule(every="90 minutes", at=LocalTime(begins.wall.replace(second=0)).text, timezone=change.zone)
        found = _times(every, first - 1, until)
        assert found == [first + step * 5_400.0 for step in range(len(found))] and found[-1] > until - 5_400, change
