"""C8: `mailtui schedule` says what a schedule means before anything goes out by it."""

from __future__ import annotations

from tests.cli.program import Mailtui

_BERLIN = {"TZ": "Europe/Berlin"}


def test_c08_a_schedule_of_options_is_told_in_words_with_its_next_times(mailtui: Mailtui) -> None:
    line = ("schedule", "--cron", "30 2 * * *", "--timezone", "America/New_York", "--after", "2027-03-13")
    shown = mailtui.call(*line)
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[0] == "At 02:30 every day, America/New_York"
    assert lines[1].startswith("  Sat 2027-03-13 02:30 EST (07:30 UTC)")
    assert lines[2].startswith("  Sun 2027-03-14 03:30 EDT (07:30 UTC)")
    said = "02:30 does not exist on 2027-03-14 in America/New_York: the clock is put forward; it goes at 03:30"
    assert lines[3] == f"    {said}."
    assert lines[-1] == "A time that is missed by a minute or more waits until a person says what to do."

    told = mailtui.call(*line, "--json").json
    assert told["words"] == "at 02:30 every day, America/New_York"
    assert told["schedule"] == {"cron": "30 2 * * *", "timezone": "America/New_York"}
    assert [one["at"] for one in told["next"]][:3] == [f"2027-03-{day}:30:00Z" for day in ("13T07", "14T07", "15T06")]
    assert [one["note"] for one in told["next"]] == ["", said, "", "", ""]

    monthly = ("--every", "1 month", "--at", "2027-10-31 02:30", "--times", "2", "--missed", "skip")
    shown = mailtui.call("schedule", *monthly, "--hours", "09:00-17:00", "--days", "mon-fri", env=_BERLIN)
    assert shown.out.splitlines() == [
        "Every month on day 31 at 02:30 Europe/Berlin, from 2027-10-31, 2 times at most, only Mon–Fri 09:00–17:00",
        shown.out.splitlines()[1],
        "    02:30 comes twice on 2027-10-31 in Europe/Berlin: the clock is put back; it goes at the first.",
        shown.out.splitlines()[3],
        "Sun 2027-10-31 02:30 CEST (00:30 UTC) is outside of its hours: the first mail goes "
        "Mon 2027-11-01 09:00 CET (08:00 UTC).",
        "A time that is missed by a minute or more is left out.",
    ]


def test_c08_the_schedule_of_a_campaign_is_told_with_what_options_put_in_its_place(mailtui: Mailtui) -> None:
    said = {"cron": "0 9 * * MON", "timezone": "Europe/Berlin", "until": "2099-12-31", "window": {"from": "08:00"}}
    weekly = mailtui.campaign(1, port=1, schedule=said)
    told = mailtui.call("schedule", weekly, "--json").json
    assert told["words"] == "at 09:00 on Monday, Europe/Berlin, until 2099-12-31, only 08:00–24:00"
    assert len(told["next"]) == 5
    told = mailtui.call("schedule", weekly, "--at", "2099-12-01 09:00", "--json").json
    assert told["words"] == "once, Tue 2099-12-01 09:00 CET (08:00 UTC), only 08:00–24:00"

    plain = mailtui.campaign(1, port=1, name="plain")
    shown = mailtui.call("schedule", plain)
    assert shown.out == f"{plain} has no schedule: it is sent as soon as it is launched.\n"
    assert mailtui.call("schedule", plain, "--json").json["next"] == []


def test_c08_a_schedule_that_cannot_be_kept_is_told(mailtui: Mailtui) -> None:
    for arguments, sentence in (
        ((), "There is no schedule to show"),
        (("--cron", "0 9 * *"), "'0 9 * *' is no line of cron"),
        (("--at", "soon"), "'soon' is no time that can be understood"),
        (("--at", "9:00", "--timezone", "europe/berlin"), "Did you mean Europe/Berlin?"),
        (("--every", "1 day", "--times", "often"), "'often' is no number of times"),
        (("--at", "9:00", "--times", "3"), "they need every or cron"),
        (("--missed", "skip"), "it says no time"),
        (("--cron", "0 9 * * *", "--after", "soon"), "This is no time"),
    ):
        shown = mailtui.call("schedule", *arguments, env=_BERLIN)
        assert (shown.code, shown.out) == (2, ""), arguments
        assert sentence in shown.err, shown.err
        assert "Traceback" not in shown.err
    bad = mailtui.campaign(1, port=1, schedule={"cron": "0 9 31 2 *"})
    shown = mailtui.call("schedule", bad)
    assert shown.code == 3 and "schedule.cron: '0 9 31 2 *' is no line of cron: its day of month is wrong" in shown.err
