"""Owns the fields of a schedule's form: their order, names and sentences, and the choices that some of them have."""

from __future__ import annotations

from mailtui.tui.widgets.form_field import Entry
from mailtui.tui.widgets.setting_field import Choice

AT_ONCE = (
    Choice("now", "as soon as it is started"),
    Choice("once", "at a time to come"),
)
AGAIN = (
    Choice("every", "again and again, after so much time"),
    Choice("cron", "again and again, as a line of cron says"),
)
_MISSED = (
    Choice("ask", "it waits until a person says what to do"),
    Choice("send", "it is sent late, within the grace"),
    Choice("skip", "it is left out"),
)


def entries(kinds: tuple[Choice, ...], zone: str) -> tuple[Entry, ...]:
    """All fields, in their order; `kinds` are those that may be chosen, `zone` is this machine's."""
    return (
        Entry("kind", "goes out", "When it goes out. Up and down step through.", kinds),
        Entry("every", "every", "30 minutes, 2 hours, 1 day, 1 week, 1 month. Days keep the time of day."),
        Entry("cron", "cron", 'Minute, hour, day, month, weekday: "0 9 * * MON" is every Monday at 09:00.'),
        Entry("at", "at", "tomorrow 9:00, mon 9:00, in 2h, 2026-12-01 09:00. What recurs begins then."),
        Entry("timezone", "time zone", "By its name, such as Europe/Berlin or America/New_York.", (), zone),
        Entry("hours", "only from-to", "09:00-17:00: no mail outside; what is left waits for the next day.", (), "any"),
        Entry("days", "only on", "mon-fri, or mon,wed: the days on which those hours begin.", (), "any day"),
        Entry("until", "until", "The last day, or day and time, such as 2027-06-30.", (), "for ever"),
        Entry("times", "times", "How often at the most.", (), "no limit", digits=True),
        Entry("missed", "if missed", "What becomes of a time at which nobody could send.", _MISSED, "ask"),
        Entry("grace", "grace", "How late it may be sent: 30m, 2h. After that a person is asked.", (), "1h"),
        Entry("zone_column", "zones from", "A column with each recipient's time zone: that time by the clock there."),
        Entry("send_at_column", "times from", "A column with each recipient's own date and time."),
    )
