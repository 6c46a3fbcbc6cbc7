"""Owns watching a campaign at a terminal: the bar, and what is printed when it has come to rest."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from mailtui.cli import output
from mailtui.cli.later import ways
from mailtui.kit.durations import show_duration, show_moment, show_wait
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.advice import Sooner, for_paused, needs_mending, sooner
from mailtui.service.facade import Service
from mailtui.service.terms import show_people
from mailtui.service.views import CampaignView

_STATES = ("sent", "failed", "unknown", "deferred", "suppressed", "skipped", "cancelled", "expired")
_WAITING = ("queued", "claimed", "in_flight")


class Show(Protocol):
    """Shows a campaign as it stands now."""

    def __call__(self, view: CampaignView) -> None: ...


@contextmanager
def live(*, plain: bool = False) -> Iterator[Show]:
    """A bar with counts, rate and time left on stderr when that is a terminal; a line a change with `plain`."""
    if plain:
        yield _plain()
        return
    if not sys.stderr.isatty():
        yield _problems_only()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),  # a campaign's name and a server's words are no markup
        BarColumn(bar_width=None),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
        TextColumn("{task.fields[rate]}"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        task = bar.add_task("", total=1, rate="", left="")
        tell_silence = _silence()

        def show(view: CampaignView) -> None:
            counts = view.counts
            failed = f"  {counts.failed:,} failed" if counts.failed else ""
            waiting = f"  {counts.deferred:,} deferred, {_next_try(view)}".rstrip(", ") if counts.deferred else ""
            tell_silence(view)  # above the bar: what goes to standard error meanwhile is put there
            said = view.note or view.begins
            note = f"  {safe_text(said, limit=60)}" if said else ""
            bar.update(
                task,
                description=f"{safe_text(view.name, limit=30)}  {view.state}{failed}{waiting}{note}",
                completed=counts.settled,
                total=max(counts.total, 1),
                rate=f"{view.rate:,.0f}/s" if view.rate else "",
                left=f"{show_duration(view.eta_seconds)} left" if view.eta_seconds is not None else "",
            )

        yield show


def _problems_only() -> Show:
    """No terminal: only a note about trouble, once each."""
    said: set[str] = set()
    tell_silence = _silence()

    def show(view: CampaignView) -> None:
        tell_silence(view)
        if view.note and view.note not in said:
            said.add(view.note)
            output.say(f"{view.name}: {view.note}")

    return show


def _plain() -> Show:
    """A line of text for each change, for screen readers and logs."""
    last = gear = ""
    tell_silence = _silence()

    def show(view: CampaignView) -> None:
        nonlocal last, gear
        tell_silence(view)
        counts = view.counts
        line = (
            f"{view.name}: {view.state}, {counts.sent:,} of {counts.total:,} sent, {counts.failed:,} failed, "
            f"{counts.unknown:,} unknown"
        )
        if view.begins_at is not None:
            line += f", begins at {show_moment(view.begins_at)}"
        if counts.deferred:
            line += f", {counts.deferred:,} deferred, {_next_try(view)}".rstrip(", ")
        if line != last:
            last = line
            output.say(line)
        if view.live is not None and view.gear and view.gear != gear:
            gear = view.gear
            output.say(f"{view.name}: {gear}")

    return show


def _silence() -> Show:
    """A line when the runner cannot write any more, and one when it can again."""
    silent = False

    def show(view: CampaignView) -> None:
        nonlocal silent
        if bool(view.silence) != silent:
            silent = not silent
            output.say(f"{view.name}: {view.silence or 'its runner writes again.'}")

    return show


async def print_outcome(service: Service, view: CampaignView, *, as_json: bool) -> None:
    """What the campaign came to, on stdout."""
    if as_json:
        output.json_line(view.to_json())
        return
    state = "lost: its runner is gone" if view.lost else view.state
    output.data(output.bold(f"{safe_text(view.name)}  {view.id}  {state}"))
    if view.reason:
        output.data(output.wrapped(f"  because {safe_text(view.reason)}", indent=" " * 10, stream=sys.stdout))
    if view.note and view.note != view.reason:
        output.data(output.wrapped(f"  note    {safe_text(view.note)}", indent=" " * 10, stream=sys.stdout))
    for what_is_to_come in filter(None, (view.resumes, view.begins, view.waits)):
        output.data(f"  it {what_is_to_come}")
    for name in (*_STATES, *_WAITING):
        count = getattr(view.counts, name)
        if count or name == "sent":
            _line(name.replace("_", " "), f"{count:,}", _next_try(view) if name == "deferred" else "")
    copies = view.campaign.copies
    _line("audience", f"{view.counts.total:,}", show_people(view.counts.total, copies) if copies else "")
    intake = await service.intake(view)
    for kind, count in sorted(intake.items()):
        _line(kind.replace("_", " "), f"{count:,}", "not in the audience")
    if view.send_seconds and view.counts.sent:
        _line("time", show_duration(view.send_seconds), _speed(view))
    if view.lateness is not None:
        _line("late by", show_wait(view.lateness), "when it began")
    _say_accounts(view)
    for telling in view.told:
        said = f"  told       {safe_text(telling.webhook)}  {safe_text(telling.line(runner=view.runner is not None))}"
        output.data(output.wrapped(said, indent=" " * 13, stream=sys.stdout))
    if view.gear and view.active and not view.lost:  # one that rests has no connections
        _say_gear(view)
    for failed_state, code, text, count in await service.failures(view, 5):
        said = f"{code} {text}" if code is not None else text
        output.data(f"  {count:,} {failed_state}: {safe_text(said, limit=100)}")
    if view.some_suppressed:
        output.data(f"  {view.some_suppressed}")
    for line in next_steps(view):
        output.say(line)


def _say_accounts(view: CampaignView) -> None:
    width = max((len(part.name) for part in view.accounts), default=0)
    for part in view.accounts:
        facts = safe_text(part.facts(at_work=view.at_work))
        line = f"  through {safe_text(part.name):<{width}}  {facts}"
        output.data(output.wrapped(line, indent=" " * (width + 12), stream=sys.stdout))


def _say_gear(view: CampaignView) -> None:
    output.data(output.wrapped(f"  {'gear':<25}{safe_text(view.gear)}", indent=" " * 27, stream=sys.stdout))


def _next_try(view: CampaignView) -> str:
    """When the next of those who are deferred has its turn; empty while nobody would send it."""
    going = view.state == "running" and not view.lost
    return f"next try at {show_moment(view.next_try)}" if going and view.next_try is not None else ""


def _speed(view: CampaignView) -> str:
    """Mails a second between the first and the last, with all pauses; empty where that would say nothing."""
    rate = view.counts.sent / view.send_seconds
    if view.counts.sent < 2 or rate < 0.05:
        return ""
    return f"{rate:,.0f} a second from first to last" if rate >= 10 else f"{rate:.1f} a second from first to last"


def _line(name: str, value: str, remark: str = "") -> None:
    output.data(f"  {name:<11}{value:>12}  {remark}".rstrip())


def next_steps(view: CampaignView) -> list[str]:
    """What a person may want to do next."""
    steps = []
    if view.silence:
        steps.append(view.silence)
    if view.begins_at is not None:
        wait = [] if view.runner is not None else [("Have a process wait for it", "mailtui scheduled --start")]
        steps.extend(output.steps([*wait, *ways(view.id)]))
    if view.lost:
        steps.append(f"Nothing sends it at the moment. Go on with: mailtui resume {view.id}")
    elif view.state in ("paused", "pausing"):
        advice = for_paused(view)
        if advice:
            steps.append(f"{advice}.")
        again = "" if needs_mending(view.campaign) else _going_on(view)
        steps.append(f"{again}{'Or stop' if again else 'Stop it'} for good: mailtui cancel {view.id}")
    if view.counts.deferred and view.state == "running" and not view.lost:
        steps.append(f"To try at once what is deferred: mailtui retry {view.id} --only deferred")
    if view.counts.unknown:
        steps.append(
            f"{counted(view.counts.unknown, 'mail')} may or may not have arrived; none is sent again by itself. "
            f"To whom: mailtui report {view.id} --only unknown. Settle it: mailtui resolve {view.id} --as sent|resend"
        )
    if view.counts.expired:
        steps.append(f"Whose own time passed, and by how much: mailtui report {view.id} --only expired")
    if view.counts.failed:
        again = "" if view.state.startswith("cancel") else f". Send again: mailtui retry {view.id} --only failed"
        steps.append(f"Who failed, and why: mailtui report {view.id} --only failed{again}")
    return steps


def _going_on(view: CampaignView) -> str:
    """How it is resumed and what that does, with a blank behind it; empty where that would do nothing."""
    resume = f"mailtui resume {view.id}. "
    if view.resume_at is None:
        return f"Go on with: {resume}"
    if view.runner is None:
        return f"Have it go on then, in the background: {resume}"
    says = {
        Sooner.TRY: f"Try at once with: {resume}",
        Sooner.HIGHER_LIMIT: "Sooner only with a higher limit: it goes on when that is raised. ",
    }
    return says.get(sooner(view.reason), "")
