"""`mailtui run`: check, confirm, freeze, send, and say what became of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mailtui.cli import later, output, sending, watching
from mailtui.cli.check import as_object, finding_lines
from mailtui.cli.options import (
    burst_option,
    common,
    filter_option,
    note_window,
    pace_option,
    password_option,
    rate_option,
    window_option,
    workers_option,
)
from mailtui.cli.render import chosen_rows, render_to, rows_options
from mailtui.cli.schedule_options import schedule_options
from mailtui.cli.signals import Interrupted, signals_heard
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.launching import ANOTHER_TIME, LaunchPlan
from mailtui.service.lists import Again, Launch, LaunchedCampaign, MessageChanged, Planned
from mailtui.service.pace import pace_in_words, with_limits
from mailtui.service.terms import (
    show_difference,
    show_from,
    show_launch,
    show_mails,
    show_people,
    show_server,
    show_shares,
    what_a_window_means,
    why_no_mails,
)
from mailtui.service.views import CampaignView


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@workers_option
@window_option
@rate_option
@burst_option
@pace_option
@filter_option
@click.option(
    "--check", "depth", type=click.Choice(["sample", "all"]), default="sample", help="How many rows to try first."
)
@schedule_options
@click.option("--new", is_flag=True, help="As a new campaign to everybody: the message changed, or goes out again.")
@click.option("--top-up", is_flag=True, help="The message changed: only for those who did not get the earlier one.")
@click.option("--dry-run", is_flag=True, help="Render every row, or those of the options below, and send nothing.")
@click.option("--out", metavar="DIR|FILE.mbox|-", help="Where a dry run puts the mails; left out: nowhere.")
@rows_options
@click.option("--detach", is_flag=True, help="Let it run on in the background.")
@click.option("--yes", is_flag=True, help="Do not ask for the number of mails.")
@password_option
@common
def run(
    campaign: Path,
    workers: int | None,
    window: int | None,
    rate: float | None,
    burst: int | None,
    limits: dict[str, str],
    filter_text: str | None,
    depth: str,
    new: bool,
    top_up: bool,
    dry_run: bool,
    out: str | None,
    row: int | None,
    rows_text: str | None,
    limit: int | None,
    detach: bool,
    yes: bool,
    *,
    service: Service,
    as_json: bool,
    **written: str | None,
) -> ExitCode:
    """Send a campaign. Nobody gets it twice, however often this is run or interrupted.

    With --at it goes out at that time, with --every or --cron again and again; `--at now` is at once, whatever its file
    says. A runner in the background waits for that.
    """
    if new and top_up:
        raise UsageError("--new and --top-up contradict each other", hint="Give one of them, or neither.")
    if dry_run:
        rows = chosen_rows(row, rows_text, limit)
        return render_to(service, campaign, out, rows, filter_text=filter_text, as_json=as_json and out != "-")
    if (out, row, rows_text, limit) != (None, None, None, None):
        raise UsageError(
            "--out, --row, --rows and --limit are for a dry run",
            hint="Add --dry-run. To send to fewer people, narrow the list: --filter RULE.",
        )
    loaded = service.campaigns.load(campaign, filter=filter_text)
    given = {"workers": workers, "window": window, "rate": rate, "burst": burst}
    said = {key: value for key, value in given.items() if value is not None}
    plan = service.prepare(
        loaded,
        plan={**said, **with_limits(loaded.spec.dispatch.plan(), limits)},
        schedule=later.schedule_of(loaded.schedule, written),
    )
    if plan.passed:
        raise UsageError(plan.passed, detail="Nothing was launched.", hint=ANOTHER_TIME)
    if plan.recurs and (new or top_up):
        raise UsageError("--new and --top-up are for a single send", hint="Each time is a new one to everybody anyway.")
    with output.progress("Checking") as advance:
        found = service.campaigns.check(plan.campaign, every_row=depth == "all", progress=advance)
    if found.errors and as_json:
        output.json_line({**as_object(found), "state": "not launched"})
    if found.errors or not as_json:
        for line in finding_lines(found, stream=sys.stderr, notes=sys.stderr.isatty()):
            output.say(line)
    if found.errors:
        output.say("Nothing was sent.")
        return ExitCode.FINDINGS
    if plan.recurs:
        return _begin(service, plan, yes=yes, as_json=as_json)
    again = Again.NEW if new else Again.TOP_UP if top_up else Again.ASK
    plan, again = asyncio.run(_forecast(service, plan, again))
    planned = plan.planned
    if planned is not None and planned.earlier is not None and planned.nothing_to_do:
        return asyncio.run(_nothing_to_do(service, planned, planned.earlier.id, detach=detach, as_json=as_json))
    if yes:
        if planned is not None and sys.stderr.isatty():
            _say_difference(planned)
        note_window(plan.plan.window)
    else:
        _confirm(plan)
    return asyncio.run(_send(service, plan, again, detach=detach, as_json=as_json))


def _begin(service: Service, plan: LaunchPlan, *, yes: bool, as_json: bool) -> ExitCode:
    """Begin to send it again and again, once a person has agreed."""
    if not yes:
        _require_terminal(f"{plan.campaign.name} would be sent again and again")
        _say_plan(plan)
        later.confirm_recurring(plan, asyncio.run(service.scheduled.rows()))
    return asyncio.run(later.recur(service, plan, as_json=as_json))


async def _forecast(service: Service, plan: LaunchPlan, again: Again) -> tuple[LaunchPlan, Again]:
    """Count what would really go out; where the message has changed, ask first what that means."""
    try:
        return await service.forecast(plan, again=again), again
    except MessageChanged as error:
        if not _at_terminal():
            raise
        changed = error
    output.say(f"{changed.title}.")
    choice = click.prompt(
        "Send it as a (n)ew campaign to everybody, only to those who did not get it (t), or (s)top?",
        type=click.Choice(["n", "t", "s"]),
        default="s",
        err=True,
    )
    if choice == "s":
        output.say("Nothing was sent.")
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))
    return await _forecast(service, plan, Again.NEW if choice == "n" else Again.TOP_UP)


async def _nothing_to_do(service: Service, planned: Planned, earlier: str, *, detach: bool, as_json: bool) -> ExitCode:
    """The campaign is through and nobody is new: say so, and nothing that looks like a send."""
    view = await service.view(earlier)
    if as_json:
        output.json_line(_object(view, planned))
        return ExitCode.DONE if detach else view.exit_code
    if detach:
        output.data(view.id)
    output.note(f"already sent  {_sent_before(view.counts.sent, view.campaign)}")
    if not as_json:
        output.say(f"{why_no_mails(planned)}; nothing was sent.")
        output.note("To send it to everybody once more, as a campaign of its own: add --new")
    for line in watching.next_steps(view):
        output.note(line)
    return ExitCode.DONE if detach else view.exit_code


def _object(view: CampaignView, planned: Planned | None) -> dict[str, Any]:
    """What --json prints: how it ended, and what was to be sent when it began."""
    return view.to_json() | ({} if planned is None else {"planned": planned.to_json()})


def _sent_before(sent: int, earlier: LaunchedCampaign) -> str:
    return f"{sent:,} ({show_launch(earlier)})"


async def _send(service: Service, plan: LaunchPlan, again: Again, *, detach: bool, as_json: bool) -> ExitCode:
    await service.secrets_of(plan.members)  # before anything is launched: without them, nothing could be sent
    with signals_heard() as signals:
        try:
            launch = await signals.call_off(_launch(service, plan, again))
        except Interrupted:
            output.say(_not_launched(plan))
            return ExitCode.INTERRUPTED
        if not launch.is_new and not as_json:
            new = f"{show_people(launch.added, launch.copies)} added" if launch.added else "nobody is new on the list"
            output.note(f"{launch.campaign.name} was launched before ({launch.campaign.id}): {new}.")
        try:
            if detach or plan.waits:
                return await signals.call_off(_detach(service, launch, plan, as_json=as_json))
            view = await sending.send(service, launch, signals)
        except Interrupted:
            view = await sending.let_go(service, launch.campaign.id)
    try:
        if as_json:
            output.json_line(_object(view, plan.planned))
        else:
            await watching.print_outcome(service, view, as_json=False)
    except BrokenPipeError:
        output.mute()  # the exit code says what became of the campaign, whoever reads the rest
    return view.exit_code


def _not_launched(plan: LaunchPlan) -> str:
    """What an interrupted launch came to: a new campaign had not gone live, one that there was may have grown."""
    earlier = plan.planned.earlier if plan.planned is not None else None
    if earlier is None:
        return "Nothing was sent; the next run begins anew."
    return (
        f"Interrupted while {earlier.id} was being added to: some who are new may be in it already. "
        f"The next run adds the others; nobody gets it twice. See how it stands: mailtui status {earlier.id}"
    )


async def _detach(service: Service, launch: Launch, plan: LaunchPlan, *, as_json: bool) -> ExitCode:
    view = await sending.detach(service, launch)
    if as_json:
        output.json_line(_object(view, plan.planned))
    else:
        output.data(view.id)
        if view.begins_at is not None:
            later.say_scheduled(view)
        else:
            output.note(f"{view.name} is sent in the background. Watch it: mailtui status {view.id} --follow")
    return ExitCode.DONE


async def _launch(service: Service, plan: LaunchPlan, again: Again) -> Launch:
    with output.progress("Launching") as advance:
        total = plan.counts.recipients
        return await service.launch(plan, again=again, progress=lambda done: advance(done, total))


def _confirm(plan: LaunchPlan) -> None:
    """Show what is about to happen, and have the number of mails that will really go out typed."""
    planned = plan.planned
    count = plan.counts.recipients if planned is None else planned.mails
    if not count and planned is not None and planned.earlier is None:
        output.say(f"{why_no_mails(planned)}; nothing was sent.")
        raise click.exceptions.Exit(int(ExitCode.DONE))
    if not count and planned is not None and planned.earlier is not None:
        return  # what was launched is only to be brought to its end
    _require_terminal(f"{counted(count, 'mail')} would be sent")
    _say_plan(plan)
    does, undone = ("schedule it", "scheduled") if plan.waits else ("send", "sent")
    typed = click.prompt(f"Type {count} to {does}, anything else to stop", default="", show_default=False, err=True)
    if typed.strip().replace(",", "") != str(count):
        output.say(f"Nothing was {undone}.")
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))


def _require_terminal(what: str) -> None:
    if not _at_terminal():
        raise UsageError(
            f"{what}, and nobody is at a terminal to confirm it", hint="Say --yes to send without being asked."
        )


def _say_plan(plan: LaunchPlan) -> None:
    """What is about to happen."""
    planned, spec = plan.planned, plan.campaign.spec
    count = plan.counts.recipients if planned is None else planned.mails
    output.say(f"{safe_text(plan.campaign.name)}")
    for name, text in _servers(plan):
        output.say(f"  {name:<13}{text}")
    said = f"  from         {safe_text(show_from(plan.campaign))}"
    output.say(output.wrapped(said, indent=" " * 15, stream=sys.stderr))
    output.say(f"  subject      {safe_text(spec.subject or 'as each row says')}")
    output.say(f"  recipients   {plan.counts.recipients:,} of {counted(plan.counts.rows, 'row')}")
    if planned is not None and planned.earlier is not None:
        output.say(f"  already sent {_sent_before(planned.sent, planned.earlier)}")
        output.say(f"  to send      {show_mails(planned)}")
        _say_difference(planned)
    elif planned is not None and (planned.copies or count != plan.counts.recipients):
        others = "; the others are on a list of those who get nothing" if planned.new < plan.counts.recipients else ""
        output.say(f"  to send      {show_mails(planned)}{others}")
    if plan.counts.recipients:
        output.say(f"  first, last  {safe_text(plan.first)}, {safe_text(plan.last)}")
    output.say(f"  pace         {pace_in_words(plan.plan)}, {counted(plan.plan.workers, 'worker')}")
    if plan.plan.window > 1:
        text = f"  window       {plan.plan.window}. {what_a_window_means(plan.plan.window)}"
        output.say(output.wrapped(text, indent=" " * 15, stream=sys.stderr))
    later.say_when(plan)


def _say_difference(planned: Planned) -> None:
    """What has changed since the earlier launch."""
    for line in show_difference(planned.difference, planned.new):
        output.say(output.wrapped(f"{'':15}{safe_text(line)}", indent=" " * 15, stream=sys.stderr))


def _servers(plan: LaunchPlan) -> Iterator[tuple[str, str]]:
    """The server, or the accounts with their shares, a line each."""
    if len(plan.members) == 1:
        yield "server", show_server(plan.endpoint)
        return
    shares = show_shares({member.name: member.weight for member in plan.members})
    width = max(map(len, shares))
    for nth, member in enumerate(plan.members):
        share = f"{member.name:<{width}} {shares[member.name]:>5}"
        yield "" if nth else "accounts", f"{share}  {show_server(member.endpoint)}"


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
