"""A schedule as it is typed into a form: what is wrong stands at its field, and what it comes to is told beforehand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailtui.service.schedule_draft import ScheduleDraft, draft_of, read_draft

BERLIN = "Europe/Berlin"
NOW = datetime(2026, 11, 22, 18, 0, tzinfo=UTC).timestamp()  # a Sunday
WEEKLY = ScheduleDraft("every", every="1 week", at="mon 9:00", timezone=BERLIN)


@pytest.mark.parametrize(
    ("draft", "field", "said"),
    [
        (ScheduleDraft("once"), "at", "Say when: tomorrow 9:00"),
        (ScheduleDraft("once", at="soon"), "at", "'soon' is no time"),
        (ScheduleDraft("once", at="2026-11-22 17:59", timezone="UTC"), "at", "That has passed"),
        (ScheduleDraft("every"), "every", "Say how often"),
        (replace(WEEKLY, every="weekly-ish"), "every", "is no interval"),
        (ScheduleDraft("cron"), "cron", "Write a line of cron"),
        (ScheduleDraft("cron", cron="61 9 * * MON"), "cron", "its minute is wrong"),
        (replace(WEEKLY, timezone="Europe/Berln"), "timezone", "Did you mean Europe/Berlin?"),
        (replace(WEEKLY, hours="9-5"), "hours", "no time of day; write it as 09:00"),
        (replace(WEEKLY, days="mnday"), "days", "is no day of the week"),
        (replace(WEEKLY, until="2026-01-01"), "until", "That has passed"),
        (replace(WEEKLY, times="0"), "times", "a number from 1 on"),
        (replace(WEEKLY, missed="perhaps"), "missed", "Write one of ask, send, skip."),
        (replace(WEEKLY, missed="send", grace="a while"), "grace", "is no duration"),
        (replace(WEEKLY, zone_column="tz"), "zone_column", "The list has no column 'tz'."),
        (ScheduleDraft("sometimes"), "kind", "Write one of now, once, every, cron."),
    ],
)
def test_c8_what_is_wrong_stands_at_its_field(draft: ScheduleDraft, field: str, said: str) -> None:
    reading = read_draft(draft, NOW, columns=("email", "zone"))
    assert list(reading.problems) == [field]
    assert said in reading.problems[field]
    assert reading.schedule is None


def test_c8_what_belongs_to_another_kind_is_not_looked_at() -> None:
    """Whoever steps through the kinds loses nothing that was typed, and is not held up by it either."""
    typed = ScheduleDraft("now", at="nonsense", every="nonsense", cron="nonsense", until="x", times="x", missed="x")
    reading = read_draft(typed, NOW)
    assert (reading.problems, reading.schedule, reading.words.words) == ({}, None, "at once")
    once = read_draft(replace(typed, kind="once", at="tomorrow 9:00", missed="", timezone=BERLIN), NOW)
    assert once.schedule is not None
    assert (once.schedule.at, once.schedule.every, once.schedule.cron) == ("2026-11-23 09:00", "", "")


def test_c8_the_next_five_say_what_a_clock_change_does() -> None:
    nightly = ScheduleDraft("cron", cron="30 2 * * *", at="2027-03-26 00:00", timezone=BERLIN, missed="skip")
    upcoming = read_draft(nightly, NOW).words.upcoming
    assert [one.said[:20] for one in upcoming] == [
        "Fri 2027-03-26 02:30",
        "Sat 2027-03-27 02:30",
        "Sun 2027-03-28 03:30",
        "Mon 2027-03-29 02:30",
        "Tue 2027-03-30 02:30",
    ]
    assert [bool(one.note) for one in upcoming] == [False, False, True, False, False]
    assert "02:30 does not exist on 2027-03-28 in Europe/Berlin" in upcoming[2].note


def test_c8_a_time_outside_of_the_hours_is_told_with_the_first_that_is_within() -> None:
    early = replace(WEEKLY, at="mon 7:00", hours="9:00-17:00", days="mon-fri")
    reading = read_draft(early, NOW)
    assert reading.schedule is not None and reading.schedule.window is not None
    assert "outside of its hours: the first mail goes Mon 2026-11-23 09:00" in reading.words.notes[0]


def test_c8_how_often_it_was_launched_counts() -> None:
    thrice = replace(WEEKLY, times="3")
    assert len(read_draft(thrice, NOW, runs=1).words.upcoming) == 2
    assert "times" in read_draft(thrice, NOW, runs=3).problems


@pytest.mark.parametrize(
    "draft",
    [
        ScheduleDraft("once", at="2026-12-01 09:00", timezone=BERLIN, hours="09:00-17:00", missed="ask"),
        ScheduleDraft("cron", cron="0 9 * * MON", timezone=BERLIN, until="2027-06-30", times="4", missed="skip"),
        ScheduleDraft("now", timezone=BERLIN, hours="22:00-06:00", days="sat,sun", missed="ask"),
        replace(WEEKLY, at="2026-11-23 09:00", missed="send", grace="5400s", zone_column="zone"),
    ],
)
def test_c8_a_draft_of_a_schedule_says_the_same(draft: ScheduleDraft) -> None:
    reading = read_draft(draft, NOW, columns=("email", "zone"))
    assert draft_of(reading.schedule) == draft
    assert draft_of(None) == ScheduleDraft()
