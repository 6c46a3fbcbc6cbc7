"""C8: times as people write them, intervals, lines of cron, ends, missed times and each recipient's own."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailtui.errors import ConfigError
from mailtui.kit.durations import countdown
from mailtui.kit.validation import validate
from mailtui.kit.yaml_file import parse_yaml
from mailtui.schedule.checking import check_schedule
from mailtui.schedule.machine import NoMachineZone, machine_zone
from mailtui.schedule.missed import Decision, decide_missed
from mailtui.schedule.moment import as_local, local_time, resolve
from mailtui.schedule.recipients import recipient_time
from mailtui.schedule.recurring import next_after, settle, upcoming
from mailtui.schedule.schedule import Missed, Schedule
from mailtui.schedule.spec import ScheduleSpec
from mailtui.schedule.when import when
from mailtui.schedule.window import Window
from mailtui.schedule.words import in_words, show_moment
from mailtui.schedule.zones import zone_named

_ZONE = "Europe/Berlin"


def _at(text: str, zone: str = _ZONE) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def _coming(schedule: Schedule, after: str, most: int = 5) -> list[str]:
    moments = upcoming(schedule, _at(after), most)
    return [f"{datetime.fromtimestamp(one.at, ZoneInfo(schedule.timezone)):%Y-%m-%d %H:%M}" for one in moments]


_NOW = "2026-10-20 14:00"  # a Tuesday


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-12-01 09:00", "2026-12-01 09:00"),
        ("2026-12-01T9:00:30", "2026-12-01 09:00:30"),
        ("2026-12-01 09:00+02:00", "2026-12-01 09:00+02:00"),
        ("15:00", "2026-10-20 15:00"),
        ("14:00", "2026-10-21 14:00"),
        ("today 13:00", "2026-10-20 13:00"),
        ("Tomorrow at 9:00", "2026-10-21 09:00"),
        ("mon 9:00", "2026-10-26 09:00"),
        ("tuesday 14:00", "2026-10-27 14:00"),
        ("tue 14:01", "2026-10-20 14:01"),
        ("in 2h", "2026-10-20 16:00"),
        ("+30m", "2026-10-20 14:30"),
        ("in 1h 30m", "2026-10-20 15:30"),
        ("in 2 days", "2026-10-22 14:00"),
    ],
)
def test_c08_times_are_read_as_people_say_them(text: str, meant: str) -> None:
    assert when(text, _ZONE, _at(_NOW)).text == meant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("soon", "'soon' is no time that can be understood"),
        ("25:00", "25:00 is no time of day"),
        ("2026-02-30 09:00", "'2026-02-30 09:00' is no date and time"),
        ("2026-12-01", "'2026-12-01' has no time of day"),
        ("0026-12-01 09:00", "is not a year that mail is sent in"),
        ("foo 9:00", "'foo' is no day of the week"),
        ("in 3 parsecs", "is no duration"),
        ("in 99999999999999999999d", "is too far away"),
        ("in 2h tomorrow", "no time that can be understood"),
        ("", "'' is no time that can be understood"),
    ],
)
def test_c08_what_is_no_time_is_told(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        when(text, _ZONE, _at(_NOW))


def test_t01_in_half_an_hour_is_that_also_while_clocks_are_put_back() -> None:
    now = _at("2026-10-25 02:45")
    local = when("in 30m", _ZONE, now)
    assert local.text == "2026-10-25 02:15+01:00", "this time comes twice, and the second one is meant"
    assert resolve(local_time(local.text), _ZONE).at == now + 1_800
    assert as_local(now, _ZONE).text == "2026-10-25 02:45"


@pytest.mark.parametrize(
    ("schedule", "after", "times"),
    [
        (
            Schedule(cron="0 9 * * MON", timezone=_ZONE),
            _NOW,
            ["2026-10-26 09:00", "2026-11-02 09:00", "2026-11-09 09:00", "2026-11-16 09:00", "2026-11-23 09:00"],
        ),
        (
            Schedule(cron="0 9 * * MON", timezone=_ZONE, at="2026-11-02 09:00", until="2026-11-09"),
            _NOW,
            ["2026-11-02 09:00", "2026-11-09 09:00"],
        ),
        (
            Schedule(every="1 month", at="2026-10-31 08:00", timezone=_ZONE),
            _NOW,
            ["2026-10-31 08:00", "2026-11-30 08:00", "2026-12-31 08:00", "2027-01-31 08:00", "2027-02-28 08:00"],
        ),
        (
            Schedule(every="2 weeks", at="2020-01-06 08:00", timezone=_ZONE, times=3),
            _NOW,
            ["2026-11-02 08:00", "2026-11-16 08:00", "2026-11-30 08:00"],
        ),
        (
            Schedule(every="1 year", at="2024-02-29 08:00", timezone=_ZONE, until="2029-01-01 00:00"),
            _NOW,
            ["2027-02-28 08:00", "2028-02-29 08:00"],
        ),
        (
            Schedule(every="5 hours", at="2026-10-24 22:00", timezone=_ZONE, until="2026-10-25 12:00"),
            _NOW,
            ["2026-10-24 22:00", "2026-10-25 02:00", "2026-10-25 07:00", "2026-10-25 12:00"],
        ),
        (Schedule(at="2026-10-20 14:01", timezone=_ZONE), _NOW, ["2026-10-20 14:01"]),
        (Schedule(at="2026-10-20 14:00", timezone=_ZONE), _NOW, []),
        (Schedule(window=Window(540, 1_020), timezone=_ZONE), _NOW, []),
    ],
    ids=lambda value: in_words(value) if isinstance(value, Schedule) else "",
)
def test_c08_the_next_times_of_a_schedule(schedule: Schedule, after: str, times: list[str]) -> None:
    check_schedule(schedule)
    assert _coming(schedule, after) == times


def test_c08_how_often_it_was_launched_counts() -> None:
    schedule = Schedule(cron="0 9 * * *", timezone=_ZONE, times=3)
    assert len(upcoming(schedule, _at(_NOW), 5)) == 3
    assert len(upcoming(schedule, _at(_NOW), 5, runs=2)) == 1
    assert upcoming(schedule, _at(_NOW), 5, runs=3) == []


def test_c08_what_is_left_to_the_moment_is_settled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    settled = settle(Schedule(every="2 hours"), _at("2026-10-20 14:00:42", "Asia/Kathmandu"))
    assert settled == Schedule(every="2 hours", at="2026-10-20 14:00", timezone="Asia/Kathmandu")
    found = next_after(settled, _at("2026-10-20 14:00:42", "Asia/Kathmandu"))
    assert found is not None and found.at == _at("2026-10-20 16:00", "Asia/Kathmandu")
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    with pytest.raises(NoMachineZone, match="Name it: --timezone"):
        machine_zone()
    monkeypatch.delenv("TZ")
    zone_named(machine_zone())


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule(),
        Schedule(at="2026-12-01 09:00", timezone=_ZONE, missed=Missed.SKIP),
        Schedule(
            cron="0 9 * * 1",
            timezone="UTC",
            until="2027-01-01",
            times=4,
            missed=Missed.SEND,
            grace=7_200.0,
            window=Window(540, 60, (0, 4)),
            zone_column="tz",
        ),
        Schedule(every="1 week", at="2026-12-01 09:00", window=Window(), send_at_column="when"),
    ],
)
def test_c08_a_schedule_comes_back_from_json_as_it_was(schedule: Schedule) -> None:
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert Schedule.from_json("") == Schedule()


@pytest.mark.parametrize("text", ['{"sunset": true}', '{"window": {"opens": 1}}', '{"window": 5}', "[1]", "{", "5"])
def test_c08_what_a_newer_version_wrote_is_told(text: str) -> None:
    with pytest.raises(ValueError):
        Schedule.from_json(text)


@pytest.mark.parametrize(
    ("missed", "late", "decision"),
    [
        (Missed.ASK, -5, Decision.SEND),
        (Missed.ASK, 59, Decision.SEND),
        (Missed.ASK, 60, Decision.ASK),
        (Missed.SKIP, 59, Decision.SEND),
        (Missed.SKIP, 60, Decision.SKIP),
        (Missed.SEND, 60, Decision.SEND),
        (Missed.SEND, 3_600, Decision.SEND),
        (Missed.SEND, 3_601, Decision.ASK),
        (Missed.SEND, 5 * 86_400, Decision.ASK),
    ],
)
def test_t02_a_missed_time_is_treated_as_was_said(missed: Missed, late: float, decision: Decision) -> None:
    due = _at("2026-12-01 09:00")
    assert decide_missed(Schedule(at="2026-12-01 09:00", missed=missed), due, due + late) is decision


@pytest.mark.parametrize(
    ("zone", "send_at", "due"),
    [
        ("", "", _at("2026-12-01 09:00")),
        ("America/New_York", "", _at("2026-12-01 09:00", "America/New_York")),
        ("+05:30", "", _at("2026-12-01 09:00", "Asia/Kolkata")),
        ("UTC-3", " ", _at("2026-12-01 12:00", "UTC")),
        ("Z", "", _at("2026-12-01 09:00", "UTC")),
        ("", "2026-12-24 18:00", _at("2026-12-24 18:00")),
        ("Asia/Tokyo", "2026-12-24 18:00", _at("2026-12-24 18:00", "Asia/Tokyo")),
        ("Asia/Tokyo", "2026-12-24 18:00Z", _at("2026-12-24 18:00", "UTC")),
    ],
)
def test_c08_each_recipient_at_its_own_time(zone: str, send_at: str, due: float) -> None:
    schedule = Schedule(at="2026-12-01 09:00", timezone=_ZONE, zone_column="zone", send_at_column="when")
    assert recipient_time(schedule, _at("2026-12-01 09:00"), zone=zone, send_at=send_at) == due


@pytest.mark.parametrize(
    ("zone", "send_at", "said"),
    [
        ("9am", "", "'9am' is no time zone"),
        ("europe/berlin", "", "Did you mean Europe/Berlin"),
        ("../../etc/passwd", "", "is no time zone"),
        ("Europe", "", "is no time zone"),
        ("+15:00", "", "no place on earth is so far from UTC"),
        ("", "9am", "'9am' is no date and time"),
        ("", "2026-12-24", "has no time of day"),
    ],
)
def test_c08_cells_that_cannot_be_read_are_told(zone: str, send_at: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("+", r"\+")):
        recipient_time(Schedule(timezone=_ZONE), 0.0, zone=zone, send_at=send_at)


def _spec(text: str) -> Schedule:
    return validate(ScheduleSpec, parse_yaml(text, Path("c.yaml")), title="Mistakes").schedule()


def test_c08_the_campaign_file_says_a_schedule() -> None:
    assert _spec("{at: 2026-12-01 9:00, timezone: Europe/Berlin, missed: ask}") == Schedule(
        at="2026-12-01 09:00", timezone=_ZONE
    )
    text = """
every: 2w
until: 2027-01-01
times: 4
missed: send
grace: 2h
window: {from: 09:00, to: 17:00, days: mon-fri}
"""
    assert _spec(text) == Schedule(
        every="2 weeks",
        until="2027-01-01",
        times=4,
        missed=Missed.SEND,
        grace=7_200.0,
        window=Window(540, 1_020, (0, 1, 2, 3, 4)),
    )
    assert _spec("window: {days: [sat, Sunday]}").window == Window(days=(5, 6))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("at: soon", "c.yaml:1:1: at: 'soon' is no date and time"),
        ("at: tomorrow 9:00", "c.yaml:1:1: at: 'tomorrow 9:00' is no date and time"),
        ("cron: 0 9 * *", "it has five fields (minute, hour, day of the month, month, day of the week)"),
        ("cron: 0 9 31 2 *", "its day of month is wrong"),
        ("cron: 0 9 * * MON#6", "its day of week is wrong"),
        ("cron: 0 24 * * *", "its hour is wrong"),
        ("every: 5 parsecs", "every: '5 parsecs' is no interval"),
        ("every: 0 days", "a number from 1 to 100,000 is expected"),
        ("timezone: europe/berln", "Did you mean Europe/Berlin?"),
        ("{every: 1 week, cron: 0 9 * * 1}", "every and cron are two ways to say the same"),
        ("{at: 2026-12-01 9:00, times: 3}", "they need every or cron"),
        ("{at: 2026-12-01 9:00, grace: 2h}", "grace is how late it may be with missed: send"),
        ("{cron: 0 9 * * 1, timezone: UTC, at: 2026-01-01 9:00, until: 2025-12-31}", "is before its first time"),
        ("{every: 1 day, times: 0}", "times: should be 1 or more"),
        ("window: {form: 09:00}", "window.form: this key is not known. Did you mean from?"),
        ("missed: never", "missed: should be 'ask', 'send' or 'skip'"),
    ],
)
def test_c08_mistakes_in_the_campaign_file_are_told_with_their_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        _spec(text)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        (Schedule(), "it says no time"),
        (Schedule(timezone=_ZONE, zone_column="tz"), "it says no time"),
        (Schedule(window=Window(), zone_column="tz"), "none of them is there"),
        (Schedule(every="2h", zone_column="tz"), "an interval of hours or minutes has none"),
        (Schedule(cron="0 9 * * 1", send_at_column="when"), "each row has a time of its own"),
        (Schedule(at="2026-12-01 09:00", timezone="Mars/Base"), "is no time zone"),
    ],
)
def test_c08_what_does_not_go_together_is_told(schedule: Schedule, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        check_schedule(schedule)
    check_schedule(Schedule(send_at_column="when"))
    check_schedule(Schedule(cron="0 9 * * 1", zone_column="tz"))


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        (Schedule(at="2026-12-01 09:00"), "once, Tue 2026-12-01 09:00 CET (08:00 UTC)"),
        (Schedule(cron="0 9 * * MON"), "at 09:00 on Monday, Europe/Berlin"),
        (
            Schedule(every="1 week", at="2026-12-01 09:00"),
            "every week on Tuesday at 09:00 Europe/Berlin, from 2026-12-01",
        ),
        (  # the first one is at 03:30, since that night's 02:30 is left out; the others are not
            Schedule(every="1 week", at="2027-03-28 02:30"),
            "every week on Sunday at 02:30 Europe/Berlin, from 2027-03-28",
        ),
        (
            Schedule(every="90m", at="2026-12-01 00:30", times=2, until="2026-12-24"),
            "every 90 minutes, from Tue 2026-12-01 00:30 CET (Mon 23:30 UTC), until 2026-12-24, 2 times at most",
        ),
        (
            Schedule(at="2026-12-01 09:00", window=Window(540, 1_020, (0, 1)), zone_column="tz"),
            "once, Tue 2026-12-01 09:00 CET (08:00 UTC), only Mon, Tue 09:00–17:00, by each recipient's clock (tz)",
        ),
        (Schedule(window=Window(540, 1_020)), "only 09:00–17:00 Europe/Berlin"),
    ],
)
def test_c08_a_schedule_in_words(schedule: Schedule, words: str) -> None:
    assert in_words(dataclasses.replace(schedule, timezone=_ZONE)) == words


def test_t01_a_moment_is_shown_in_its_zone_and_in_utc() -> None:
    at = _at("2026-12-01 09:00")
    assert show_moment(at, "UTC") == "Tue 2026-12-01 08:00 UTC"
    assert show_moment(at + 5, "America/Sao_Paulo") == "Tue 2026-12-01 05:00:05 UTC-03 (08:00:05 UTC)"
    assert show_moment(at, "Pacific/Kiritimati") == "Tue 2026-12-01 22:00 UTC+14 (08:00 UTC)"
    assert [countdown(wait) for wait in (-5, 41.7, 725, 11_220, 187_200)] == [
        "0 s",
        "42 s",
        "12 min 05 s",
        "3 h 07 min",
        "2 d 4 h",
    ]
