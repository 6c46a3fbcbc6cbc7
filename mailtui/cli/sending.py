"""Owns what a command does while a campaign is sent: host the engine or attach to one, and what Ctrl-C means."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from mailtui.cli import output, watching
from mailtui.cli.ringing import Ring
from mailtui.cli.signals import Interrupted, Signals, signals_heard
from mailtui.errors import ExitCode, MailtuiError, RunnerBusy
from mailtui.kit.safe_text import safe_text
from mailtui.service.facade import Service
from mailtui.service.views import CampaignView

if TYPE_CHECKING:
    from mailtui.service.lists import Launch

_LOOK_EVERY = 0.1
_TO_COME = ("scheduled", "active")  # states of what is launched and not begun
_WORTH_SAYING = 1.0  # seconds of waiting after which a person is told what for


async def detach(service: Service, launch: Launch) -> CampaignView:
    """See that a runner of its own sends the campaign; returns once it does."""
    secrets = await service.secrets_of(launch.members)
    await service.start_runner(secrets, leave=launch.campaign.id)
    for order in launch.orders:
        await service.orders.obeyed(order, secrets)
    await service.orders.taken_up(launch.campaign.id, secrets)
    return await service.view(launch.campaign.id)


async def send(service: Service, launch: Launch, signals: Signals) -> CampaignView:
    """Send the campaign from this process, or watch the runner that lives, and take over when that one goes."""
    campaign, ring = launch.campaign.id, Ring(service)
    while not signals.came:
        if service.runner_pid() is None:
            try:
                view = await _host(service, launch, signals)
                ring.at_rest(view)
                return view
            except RunnerBusy:
                output.note("Another runner has just begun to work on this outbox; watching it.")
        try:
            seen = await signals.call_off(_sent_elsewhere(service, launch))
        except Interrupted:
            break
        if seen is not None and not seen.lost:
            ring.at_rest(seen)
            return seen
        if seen is not None:
            output.say("The runner that sent it is gone; going on from here.")
    return await let_go(service, campaign)


async def _sent_elsewhere(service: Service, launch: Launch) -> CampaignView | None:
    """Watch the runner that lives; None when that one leaves without having taken the campaign up."""
    await service.hand_over(await service.secrets_of(launch.members), leave=launch.campaign.id)
    if not await _obeyed_elsewhere(service, launch):
        return None
    with watching.live() as show:
        return await _follow(service, launch.campaign.id, show)


async def _obeyed_elsewhere(service: Service, launch: Launch) -> bool:
    """Wait until the runner that lives takes the campaign up; False when it leaves without having done so."""
    waited = 0.0
    while not await service.orders.in_hand(launch.campaign.id, launch.orders):
        pid = service.runner_pid()
        if pid is None:
            return False
        if waited > _WORTH_SAYING >= waited - _LOOK_EVERY:
            output.say(f"Waiting for process {pid}, which sends another campaign from this outbox.")
        await asyncio.sleep(_LOOK_EVERY)
        waited += _LOOK_EVERY
    return True


async def _host(service: Service, launch: Launch, signals: Signals) -> CampaignView:
    runner = service.engine(launch.campaign)
    started = asyncio.Event()
    work = asyncio.create_task(runner.run(started.set), name="runner")
    pausing = False

    def stop(name: str) -> None:
        nonlocal pausing
        if name == "SIGHUP":
            output.mute_all()
        if not pausing:
            pausing = True
            runner.pause("the person at the terminal")
            with suppress(OSError):  # whoever read this may be gone, and what is under way must finish all the same
                output.say("Pausing: what is under way finishes. Once more, and connections are dropped at once.")
        elif name == "SIGINT":
            # Only a person insists: a window that closes, or a logout, sends two signals at once.
            runner.abort("stopped at the terminal")

    with watching.live() as show, signals.go_to(stop):
        watcher = asyncio.create_task(_show_while(service, launch.campaign.id, show, started), name="watcher")
        try:
            await work
        finally:
            watcher.cancel()
            [end] = await asyncio.gather(watcher, return_exceptions=True)
    if isinstance(end, Exception):
        raise end
    await _wait_for_others(service)
    return await _told_later(service, await service.view(launch.campaign.id))


async def _wait_for_others(service: Service) -> None:
    """Whoever scheduled something meanwhile found this process at work, which minds its own campaign alone: have a
    runner wait for that, unless it would send something too that nobody wants now.
    """
    comes = any(row.state in _TO_COME for row in await service.scheduled.rows())
    if not comes or service.runner_pid() is not None:
        return
    why = "it would also go on with what was interrupted"
    if not any(other.active for other in await service.views()):
        try:
            pid = await service.scheduled.start_runner()
        except MailtuiError as error:
            why = error.title
        else:
            output.say(f"Process {pid} waits in the background for what is scheduled.")
            return
    output.say(f"Nobody waits for what is scheduled: {why}. Start a runner: mailtui scheduled --start")


async def _told_later(service: Service, view: CampaignView) -> CampaignView:
    """Who could not be told at once is told by a runner in the background, unless that one would send something too."""
    names = sorted({telling.webhook for telling in view.told if telling.waits})
    if not names or any(other.active for other in await service.views()):
        return view
    await service.start_runner({})
    output.say(f"{', '.join(names)} could not be told yet; that is tried again in the background.")
    return await service.view(view.id)


async def _show_while(service: Service, campaign: str, show: watching.Show, started: asyncio.Event) -> None:
    await started.wait()
    async for view in service.follow(campaign):
        show(view)


async def watch(service: Service, campaign: str, *, plain: bool = False) -> CampaignView:
    """Follow a campaign that a runner elsewhere sends. Ctrl-C asks what to do; without a terminal it lets it run.

    Unless the campaign has ended by then, the command is over with exit code 130.
    """

    async def following() -> CampaignView:
        with watching.live(plain=plain) as show:
            return await _follow(service, campaign, show)

    ring = Ring(service)
    with signals_heard() as signals:
        try:
            view = await signals.call_off(following())
        except Interrupted:
            return await let_go(service, campaign)
    ring.at_rest(view)
    return view


async def _follow(service: Service, campaign: str, show: watching.Show) -> CampaignView:
    view = await service.view(campaign)
    async for view in service.follow(campaign):
        show(view)
    return view


async def let_go(service: Service, campaign: str) -> CampaignView:
    """Nobody watches it any more: ask what is to become of it. It is given back only when it ended meanwhile."""
    view = await service.view(campaign)
    if view.state != "finished":
        if view.runner is not None and sys.stdin.isatty() and sys.stderr.isatty():
            await _ask(service, view)
        else:
            output.say(await _as_it_stands(service, view))
        view = await service.view(campaign)
    if view.state != "finished" or view.lost:
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))
    return view


async def _ask(service: Service, view: CampaignView) -> None:
    choice = await asyncio.to_thread(
        click.prompt,
        f"{safe_text(view.name, limit=30)} is launched as {view.id}: (p)ause it, (c)ancel it, or (l)et it run on?",
        type=click.Choice(["p", "c", "l"]),
        default="l",
        err=True,
    )
    now = await service.view(view.id)
    if now.state == "finished" and not now.lost:
        output.say("It has finished meanwhile.")
    elif choice == "p":
        answer = await service.pause(now)
        if (await service.view(view.id)).state != "finished":
            output.say(f"{view.name}: {answer}. Go on with: mailtui resume {view.id}")
    elif choice == "c":
        output.say(f"{view.name}: {await service.cancel(now)}.")
    else:
        output.say(await _as_it_stands(service, now))


async def _as_it_stands(service: Service, view: CampaignView) -> str:
    """What happens to a campaign that nobody watches, and what can be done about it."""
    launched = f"{view.name} is launched as {view.id}"
    stop = f"Stop it for good: mailtui cancel {view.id}"
    if view.runner is None:
        return f"{launched}, and nothing sends it at the moment. Go on with: mailtui resume {view.id}. {stop}"
    if not view.active:
        return f"{launched}, and {view.state} now. Look at it: mailtui status {view.id}"
    if not await service.orders.in_hand(view.id, ()):
        unless = "unless that is a mailtui run of another campaign"
        after = f"when it has ended, then: mailtui resume {view.id}"
        return f"{launched}. Process {view.runner} takes it up, {unless}; {after}. {stop}"
    watch = f"Watch it: mailtui status {view.id} --follow. Pause it: mailtui pause {view.id}"
    return f"{launched} and runs on in the background. {watch}. {stop}"
