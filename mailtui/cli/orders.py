"""`mailtui pause`, `resume`, `cancel` and `set`: orders to whoever sends the campaign; and what all orders share."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable
from functools import partial

import click

from mailtui.cli import output, recurring
from mailtui.cli.main import GIVEN
from mailtui.cli.options import (
    at_terminal,
    burst_option,
    common,
    note_window,
    pace_option,
    password_option,
    rate_option,
    window_option,
    workers_option,
)
from mailtui.cli.schedule_options import schedule_options
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.pace import plan_of, with_limits
from mailtui.service.scheduled_rows import ScheduledRow
from mailtui.service.terms import show_rate
from mailtui.service.views import CampaignView

Give = Callable[[CampaignView], Awaitable[str]]


@click.command()
@click.argument("campaign_id", metavar="[ID]", required=False)
@common
def pause(campaign_id: str | None, *, service: Service, as_json: bool) -> None:
    """Begin no further message of a campaign; what is under way finishes. It can be resumed.

    What is scheduled does not begin at its time then, nor does a recurring one.
    """
    if recurring.carried_out(service, campaign_id, lambda row: service.scheduled.pause(row.id), as_json=as_json):
        return
    _give(service, campaign_id, service.pause, as_json=as_json, fits=_can_pause)


@click.command()
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option("--skip-missed", is_flag=True, help="Leave out recipients whose own time has passed.")
@password_option
@common
def resume(campaign_id: str | None, skip_missed: bool, *, service: Service, as_json: bool) -> None:
    """Go on with a campaign that is paused, or whose runner was killed; in the background.

    One that is scheduled is sent now, and so is a recurring one, besides its times; if it is paused, it goes on.
    """

    async def gone_on(row: ScheduledRow) -> str:
        if skip_missed:
            raise UsageError(f"{row.id} is sent again and again; --skip-missed is for a single campaign")
        return await recurring.go_on(service, row)

    if recurring.carried_out(service, campaign_id, gone_on, as_json=as_json):
        return
    go_on = partial(service.resume, skip_missed=skip_missed)
    view = _give(service, campaign_id, go_on, as_json=as_json, fits=_can_resume)
    if not as_json and view.active:
        output.say(f"It goes on in the background. Watch it: mailtui status {view.id} --follow")


@click.command()
@click.argument("campaign_id", metavar="[ID]", required=False)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def cancel(campaign_id: str | None, yes: bool, *, service: Service, as_json: bool) -> None:
    """Stop a campaign for good: who has not been sent to gets nothing. A recurring one ends, a draft is thrown away."""
    if recurring.carried_out(service, campaign_id, lambda row: recurring.end(service, row, yes=yes), as_json=as_json):
        return

    async def agreed(view: CampaignView) -> str:
        if not yes and _can_cancel(view):
            _confirm_cancel(view, named=campaign_id is not None)
        return await service.cancel(view)

    _give(service, campaign_id, agreed, as_json=as_json, fits=_can_cancel)


def _confirm_cancel(view: CampaignView, *, named: bool) -> None:
    """Have a person agree to what cannot be undone; a script that names the campaign has said what it wants."""
    if not at_terminal():
        if named:
            return
        raise UsageError(
            f"{view.name} ({view.id}) would be cancelled, and nobody is at a terminal to confirm it",
            hint=f"Name it, or say --yes: mailtui cancel {view.id}",
        )
    waiting = view.counts.open - view.counts.in_flight
    output.say(f"{view.name} ({view.id}): {view.counts.sent:,} got it; {waiting:,} who wait would get nothing.")
    if not click.confirm("Cancel it? This cannot be undone", default=False, err=True):
        output.say("Nothing was changed.")
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))


@click.command(name="set")
@click.argument("campaign_id", metavar="[ID]", required=False)
@workers_option
@window_option
@rate_option
@burst_option
@pace_option
@schedule_options
@password_option
@common
def set_terms(
    campaign_id: str | None,
    workers: int | None,
    window: int | None,
    rate: float | None,
    burst: int | None,
    limits: dict[str, str],
    *,
    service: Service,
    as_json: bool,
    **written: str | None,
) -> None:
    """Change how many workers send a campaign, how fast, within what limits and at what hours, at once; or when it
    goes, where it has not begun. A recurring one takes another interval or line of cron.
    """
    given = {"workers": workers, "window": window, "rate": rate, "burst": burst}
    settings = {name: value for name, value in given.items() if value is not None}
    said = {name for name, value in written.items() if value is not None}
    moved, other_times = bool(said), bool(said - recurring.HOURS)
    if not settings and not limits and not moved:
        hint = "Say --workers N, --window K, --rate 10/s, --burst N, --pace per_hour=500, --hours FROM-TO or --at WHEN."
        raise UsageError("Nothing was given to change", hint=hint)
    terms = bool(settings or limits)

    def put_recurring(row: ScheduledRow) -> Awaitable[str]:
        return recurring.put_recurring_to(service, row, written, terms=terms)

    if recurring.carried_out(service, campaign_id, put_recurring, as_json=as_json):
        return

    async def changed(view: CampaignView) -> str:
        if moved and terms:
            raise UsageError("Pace and time are changed one after the other", hint="Give one of them at a time.")
        if moved:
            return await recurring.put_to(service, view.id, view.campaign.schedule, written)
        wanted = with_limits(plan_of(view), limits)
        answer = await service.change(view, {**settings, **wanted})
        said = ", ".join(filter(None, (_in_words(workers, window, rate, burst), *map(_limit_in_words, limits.items()))))
        return answer if as_json or answer != "changed" else f"{answer}: {said}"

    _give(service, campaign_id, changed, as_json=as_json, fits=_is_to_begin if other_times else _can_cancel)
    if window is not None and not as_json:
        note_window(window)


def _in_words(workers: int | None, window: int | None, rate: float | None, burst: int | None) -> str:
    """What is set, for people."""
    parts = (
        "" if workers is None else counted(workers, "worker"),
        "" if window is None else f"a window of {window}",
        "" if rate is None else show_rate(rate),
        "" if burst is None else f"a burst of {burst:,}",
    )
    return ", ".join(filter(None, parts))


def _limit_in_words(limit: tuple[str, str]) -> str:
    name, value = limit
    return f"{name} {value}" if value else f"no {name}"


def _can_pause(view: CampaignView) -> bool:
    waits = view.resume_at is not None or view.begins_at is not None
    return (view.state == "running" and not view.lost) or waits


def _can_resume(view: CampaignView) -> bool:
    return view.state in ("paused", "pausing") or view.lost


def _can_cancel(view: CampaignView) -> bool:
    return view.state in ("scheduled", "running", "pausing", "paused")


def _is_to_begin(view: CampaignView) -> bool:
    campaign = view.campaign
    rests = view.state == "paused" and campaign.start_at is not None and campaign.first_claim_at is None
    return view.begins_at is not None or rests


def _give(
    service: Service, campaign_id: str | None, give: Give, *, as_json: bool, fits: Callable[[CampaignView], bool]
) -> CampaignView:
    """Give the order to the campaign with this id; without one to the only campaign that it `fits`."""

    async def carry() -> tuple[str, CampaignView]:
        view = await chosen(service, campaign_id, fits)
        answer = await give(view)
        return answer, view if view.state == "draft" else await service.view(view.id)  # what was a draft is gone

    answer, view = asyncio.run(carry())
    tell(view, answer, as_json=as_json)
    return view


def tell(view: CampaignView, answer: str, *, as_json: bool) -> None:
    """Say what an order came to."""
    if as_json:
        output.json_line({**view.to_json(), "answer": answer})
    else:
        output.say(f"{view.name} ({view.id}): {answer}")


async def chosen(service: Service, campaign_id: str | None, fits: Callable[[CampaignView], bool]) -> CampaignView:
    """The campaign with this id; without one the only campaign that an order `fits`. Raises `UsageError`."""
    if campaign_id:
        return await service.view(campaign_id)
    candidates = [view for view in await service.views() if fits(view)]
    if len(candidates) == 1:
        return candidates[0]
    context = click.get_current_context()
    command, given = context.info_name, context.meta.get(GIVEN, [])
    if not candidates:
        raise UsageError(f"There is no campaign to {command} at the moment", hint="See all of them: mailtui list")
    lines = (f"{view.id}  {'lost' if view.lost else view.state}  {view.name}" for view in candidates)
    raise UsageError(
        f"There are {len(candidates)} campaigns to {command}; say which",
        detail="\n".join(lines),
        hint=f"For example: mailtui {shlex.join([str(command), candidates[-1].id, *given])}",
    )
