"""T-04: sending hours go by the clocks of the campaign's zone, over midnights, weekends and clock changes."""

from __future__ import annotations

import math
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtui.schedule.window import DAYS, Window, day_numbers, minute_of_day, window_of
from tests.schedule.clock_changes import DAY, HOUR, MINUTE, ClockChange, all_changes

_ZONE = "Europe/Berlin"
_windows = st.builds(
    Window,
    opens=st.integers(0, 1_439),
    closes=st.integers(0, 1_440),
    days=st.lists(st.integers(0, 6), min_size=1, unique=True).map(lambda days: tuple(sorted(days))),
)


def _may_go(window: Window, at: float, zone: str) -> bool:
    """By what a clock and a calendar on the wall show, as a person would look."""
    wall = datetime.fromtimestamp(at, ZoneInfo(zone))
    minute = wall.hour * 60 + wall.minute
    if window.opens < window.closes or window.opens == window.closes:
        hours = window.opens == window.closes or window.opens <= minute < window.closes
        return hours and wall.weekday() in window.days
    began_today = minute >= window.opens and wall.weekday() in window.days
    return began_today or (minute < window.closes and (wall.weekday() - 1) % 7 in window.days)


@settings(max_examples=150, deadline=None)
@given(_windows, st.sampled_from(all_changes()), st.floats(-3 * DAY, 2 * DAY))
def test_t04_it_opens_and_closes_when_clocks_say_so(window: Window, change: ClockChange, away: float) -> None:
    at = change.at + away
    zone = change.zone
    is_open = window.open_at(at, zone)
    assert is_open == _may_go(window, at, zone)
    opens, closes = window.opens_at(at, zone), window.closes_at(at, zone)
    if is_open:
        assert opens == at < closes
    else:
        assert closes == at < opens
    edge = closes if is_open else opens
    if edge == math.inf:
        assert window.days == tuple(range(7))
        return
    assert _may_go(window, edge, zone) is not is_open, "then it is the other way"
    assert _may_go(window, edge - 1, zone) is is_open, "and not a second before"
    minutes = int(min(edge - at, 30 * HOUR) // MINUTE)
    assert all(_may_go(window, at + step * MINUTE, zone) is is_open for step in range(0, minutes, 7))


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(_ZONE)).timestamp()


@pytest.mark.parametrize(
    ("hours", "days", "now", "opens", "closes"),
    [
        ("09:00-17:00", "mon-fri", "2026-11-20 17:00", "2026-11-23 09:00", None),
        ("09:00-17:00", "mon-fri", "2026-11-20 16:59", None, "2026-11-20 17:00"),
        ("22:00-06:00", "fri", "2026-11-21 05:00", None, "2026-11-21 06:00"),
        ("22:00-06:00", "fri", "2026-11-20 05:00", "2026-11-20 22:00", None),
        ("", "sat,sun", "2026-11-21 12:00", None, "2026-11-23 00:00"),
        ("02:30-03:00", "", "2027-03-28 01:00", "2027-03-29 02:30", None),  # clocks skip it on that day
        ("02:30-04:00", "", "2027-03-28 01:00", "2027-03-28 03:00", None),  # and the half of this one
        ("00:00-24:00", "mon-thu", "2026-11-23 12:00", None, "2026-11-27 00:00"),
    ],
)
def test_t04_examples(hours: str, days: str, now: str, opens: str | None, closes: str | None) -> None:
    window = window_of(hours, days)
    assert window is not None
    at = _at(now)
    assert window.opens_at(at, _ZONE) == (at if opens is None else _at(opens))
    assert window.closes_at(at, _ZONE) == (at if closes is None else _at(closes))


def test_t04_hours_that_a_clock_change_leaves_out_are_those_of_the_week_after() -> None:
    """In 2026 Berlin has no 02:10 on 29 March."""
    sundays = Window(opens=130, closes=170, days=(6,))
    assert sundays.opens_at(_at("2026-03-22 03:00"), _ZONE) == _at("2026-04-05 02:10")
    midnight = Window(opens=1_440, closes=0)
    assert midnight.open_at(_at("2026-03-22 03:00"), _ZONE), "from midnight to midnight is all day"


def test_t04_one_that_is_always_open_never_closes() -> None:
    assert Window().closes_at(_at("2026-11-20 12:00"), _ZONE) == math.inf
    assert window_of("", "") is None


def test_t04_hours_and_days_are_read_as_they_are_written() -> None:
    assert day_numbers(["Mon", "wed-fri", "sunday"]) == (0, 2, 3, 4, 6)
    assert day_numbers(["sat-mon"]) == (0, 5, 6), "over the end of the week"
    assert minute_of_day("9:05") == 545 and minute_of_day("24:00") == 1_440
    window = window_of("22:00-06:00", "fri, sat")
    assert window is not None and window.words == "Fri, Sat 22:00–06:00"
    assert window_of(window.hours, window.day_names) == window
    assert Window(days=(0, 1, 2, 3, 4)).words == "Mon–Fri all day" and len(DAYS) == 7


@pytest.mark.parametrize(
    ("hours", "days", "said"),
    [
        ("9-17", "", "'9' is no time of day; write it as 09:00"),
        ("09:00", "", "'09:00' are no hours; write them as 09:00-17:00"),
        ("09:00-24:01", "", "'24:01' is no time of day"),
        ("", "mo", "'mo' is no day of the week"),
        ("", "mon-", "'' is no day of the week"),
    ],
)
def test_t04_what_cannot_be_read_is_told(hours: str, days: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("(", r"\(")):
        window_of(hours, days)
