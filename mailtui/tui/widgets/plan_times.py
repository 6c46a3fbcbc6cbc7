"""Owns the words for when what is about to be launched goes out, and how long its limits and hours make it take."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from mailtui.kit.durations import show_duration
from mailtui.kit.words import sentence
from mailtui.service.launching import LaunchPlan
from mailtui.service.schedules import Schedule, countdown, show_moment
from mailtui.service.views import now
from mailtui.tui.text import joined, plain

_WORTH_SAYING = 5.0  # seconds that it takes at the least


def when_lines(plan: LaunchPlan) -> Iterator[tuple[str, Content]]:
    """(name, value) of each thing to know about its times; nothing where it goes out at once and no limit is in the
    way.
    """
    if plan.passed:
        yield "goes out", plain(f"{sentence(plan.passed)} w says another time.", "$text-error")
    elif plan.agreed is not None:
        yield "goes out", joined(plain(plan.agreed.words, "bold"), _away(plan.start_at))
        for nth, one in enumerate(plan.agreed.upcoming if plan.recurs else ()):
            yield ("" if nth else "next"), joined(plain(one.said), _away(None if nth else one.at))
        for one in plan.agreed.upcoming:
            if one.note:
                yield "", plain(sentence(one.note), "$text-warning")
        for note in plan.agreed.notes:
            yield "", plain(note, "$text-muted")
    if plan.rows_due is not None:
        zone = Schedule.from_json(plan.schedule).timezone
        for name, at in zip(("first mail", "last mail"), plan.rows_due, strict=True):
            yield name, joined(plain(show_moment(at, zone)), _away(at))
    if plan.takes is not None and plan.takes.seconds >= _WORTH_SAYING:
        yield "takes", plain(f"at least {show_duration(plan.takes.seconds)}, {plan.takes.because}")


def where_and_when(plan: LaunchPlan, where: str) -> str:
    """How the last question ends: `for real`, `for real, Mon 2026-12-07 09:00 CET`, `for real, again and again`."""
    if plan.recurs:
        return f"{where}, again and again"
    first = plan.start_at if plan.rows_due is None else plan.rows_due[0]
    if first is None or first <= now():
        return where
    return f"{where}, {show_moment(first, Schedule.from_json(plan.schedule).timezone).partition(' (')[0]}"


def _away(at: float | None) -> Content:
    left = 0.0 if at is None else at - now()
    return plain(f"  in {countdown(left)}" if left > 0 else "", "$text-accent")
