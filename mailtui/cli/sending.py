"""Owns what a command does while a campaign is sent: host the engine or attach to one, and what Ctrl-C means."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import click

from mailtui.cli import output, watching
from mailtui.errors import ExitCode, RunnerBusy
from mailtui.service.facade import Service
from mailtui.service.lists import Launch
from mailtui.service.views import CampaignView

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_LOOK_EVERY = 0.1
_WORTH_SAYING = 1.0  # seconds of waiting after which a person is told what for


async def detach(service: Service, launch: Launch) -> CampaignView:
    """See that a runner of its own sends the campaign; returns once it does."""
    secrets = await service.secret_for(launch.campaign)
    await service.start_runner(secrets)
    for order in launch.orders:
        await service.orders.obeyed(order, secrets)
    await service.orders.taken_up(launch.campaign.id, secrets)
    return await service.view(launch.campaign.id)


async def send(service: Service, launch: Launch) -> CampaignView:
    """Send the campaign from this process, or watch the runner that lives, and take over when that one goes."""
    campaign = launch.campaign.id
    while True:
        if service.runner_pid() is None:
            try:
                return await _host(service, launch)
            except RunnerBusy:
                output.note("Another runner has just begun to work on this outbox; watching it.")
        if await _obeyed_elsewhere(service, launch):
            view = await watch(service, campaign)
            if not view.lost:
                return view
            output.say("The runner that sent it is gone; going on from here.")


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


async def _host(service: Service, launch: Launch) -> CampaignView:
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

    with watching.live() as show, _on_signals(stop):
        watcher = asyncio.create_task(_show_while(service, launch.campaign.id, show, started), name="watcher")
        try:
            await work
        finally:
            watcher.cancel()
            [end] = await asyncio.gather(watcher, return_exceptions=True)
    if isinstance(end, Exception):
        raise end
    return await service.view(launch.campaign.id)


async def _show_while(service: Service, campaign: str, show: watching.Show, started: asyncio.Event) -> None:
    await started.wait()
    async for view in service.follow(campaign):
        show(view)


async def watch(service: Service, campaign: str, *, plain: bool = False) -> CampaignView:
    """Follow a campaign that a runner elsewhere sends. Ctrl-C asks what to do; without a terminal it lets it run.

    Either way the command is over then, with exit code 130.
    """
    interrupted = asyncio.Event()
    view = await service.view(campaign)
    with _on_signals(lambda _: interrupted.set()):
        with watching.live(plain=plain) as show:
            following = asyncio.create_task(_follow(service, campaign, show), name="following")
            pressed = asyncio.create_task(interrupted.wait(), name="interrupt")
            await asyncio.wait({following, pressed}, return_when=asyncio.FIRST_COMPLETED)
            pressed.cancel()
            if following.done():
                return following.result()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        view = await service.view(campaign)
        await _ask(service, view)
    raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))


async def _follow(service: Service, campaign: str, show: watching.Show) -> CampaignView:
    view = await service.view(campaign)
    async for view in service.follow(campaign):
        show(view)
    return view


async def _ask(service: Service, view: CampaignView) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        output.say(
            f"{view.name} is still being sent in the background. "
            f"Watch it: mailtui status {view.id} --follow. Pause it: mailtui pause {view.id}"
        )
        return
    choice = await asyncio.to_thread(
        click.prompt,
        "(p)ause it, (c)ancel it, or (l)et it run on?",
        type=click.Choice(["p", "c", "l"]),
        default="l",
        err=True,
    )
    if choice == "p":
        output.say(f"{view.name}: {await service.pause(view)}. Go on with: mailtui resume {view.id}")
    elif choice == "c":
        output.say(f"{view.name}: {await service.cancel(view)}.")
    else:
        output.say(f"It is sent on. Watch it: mailtui status {view.id} --follow")


@contextmanager
def _on_signals(act: Callable[[str], None]) -> Iterator[None]:
    """Have a signal call `act` with its name for as long as this lasts."""
    loop = asyncio.get_running_loop()
    numbers = {getattr(signal, name): name for name in _SIGNALS if hasattr(signal, name)}
    try:
        for number, name in numbers.items():
            loop.add_signal_handler(number, act, name)
    except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt, which ends the command with 130
        yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
