"""Owns the words for what is to come: a schedule in words, its next times, and what clock changes do to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from mailtui.kit.words import sentence
from mailtui.service.schedule_draft import ScheduleReading
from mailtui.service.scheduled_rows import Upcoming
from mailtui.service.schedules import ScheduleWords, countdown
from mailtui.tui.text import joined, plain

_NOT_YET = "What it comes to is shown here as soon as nothing is wrong."


def coming(reading: ScheduleReading, now: float) -> Content:
    """What a form comes to: its words, the next times, one a line, and notes; nothing yet where something is wrong."""
    if reading.problems:
        return plain(_NOT_YET, "$text-muted")
    return joined(*schedule_lines(reading.words, now), separator="\n")


def schedule_lines(words: ScheduleWords, now: float) -> Iterator[Content]:
    """A schedule in words, its next times, and what else a person should know."""
    yield plain(sentence(words.words[:1].upper() + words.words[1:]), "bold")
    *first, last = words.notes or ("",)  # the last is about times that are missed; before it, about these
    for note in first:
        yield plain(f"! {note}", "$text-warning")
    yield from upcoming_lines(words.upcoming, now)
    if last:
        yield plain(last, "$text-muted")


def upcoming_lines(times: Sequence[Upcoming], now: float) -> Iterator[Content]:
    """The next times, a line each, how long the first one is away, and below each what a clock change does to it."""
    for nth, one in enumerate(times):
        name = plain(f"{'next' if not nth else '':<6}", "$text-muted")
        away = plain(f"  in {countdown(one.at - now)}", "$text-accent") if not nth else ""
        yield joined(name, plain(one.said), away)
        if one.note:
            yield plain(f"      ! {sentence(one.note)}", "$text-warning")
