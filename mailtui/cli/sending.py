"""Owns what a command does while a campaign is sent: host the engine or attach to one, and what Ctrl-C means."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from mailtui.cli import output, watching
from mailtui.errors import RunnerBusy
from mailtui.service.facade import Service
from mailtui.service.lists import Launch
from mailtui.service.views import CampaignView

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


async def detach(service: Service, launch: Launch) -> CampaignView:
    """See that a runner of its own sends the campaign; returns once it does."""
    secrets = await service.secret_for(launch.campaign)
    await service.start_runner(secrets)
    for order in launch.orders:
        await service.obeyed(order, secrets)
    return await service.view(launch.campaign.id)


async def send(service: Service, launch: Launch) -> CampaignView:
    """Send the campaign from this process, or watch the runner that lives; the campaign as it stands at the end."""
    if service.runner_pid() is None:
        try:
            return await _host(service, launch)
        except RunnerBusy:
            output.say("Another runner has just begun to work on this outbox; watching it.")
    await detach(service, launch)
    return await watch(service, launch.campaign.id)


async def _host(service: Service, launch: Launch) -> CampaignView:
    runner = service.engine(launch.campaign)
    started = asyncio.Event()
    work = asyncio.create_task(runner.run(started.set), name="runner")
    presses = 0

    def stop() -> None:
        nonlocal presses
        presses += 1
        if presses == 1:
            output.say("Pausing: what is under way finishes. Once more, and connections are dropped at once.")
            runner.pause("the person at the terminal")
        else:
            runner.abort("stopped at the terminal")

    with watching.live() as show, _on_signals(stop):
        watcher = asyncio.create_task(_show_while(service, launch.campaign.id, show, started), name="watcher")
        try:
            await work
        finally:
            watcher.cancel()
            await asyncio.gather(watcher, return_exceptions=True)
    return await service.view(launch.campaign.id)


async def _show_while(service: Service, campaign: str, show: watching.Show, started: asyncio.Event) -> None:
    await started.wait()
    async for view in service.follow(campaign):
        show(view)


async def watch(service: Service, campaign: str, *, plain: bool = False) -> CampaignView:
    """Follow a campaign that a runner elsewhere sends. Ctrl-C asks what to do; without a terminal it lets it run."""
    interrupted = asyncio.Event()
    view = await service.view(campaign)
    with _on_signals(interrupted.set):
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
    raise click.Abort


async def _follow(service: Service, campaign: str, show: watching.Show) -> CampaignView:
    view = await service.view(campaign)
    async for view in service.follow(campaign):
        show(view)
    return view


async def _ask(service: Service, view: CampaignView) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        output.say(f"{view.name} is sent on in the background: mailtui status {view.id} --follow")
        return
    choice = await asyncio.to_thread(
        click.prompt,
        "(p)ause it, (c)ancel it, or (l)et it run on?",
        type=click.Choice(["p", "c", "l"]),
        default="l",
        err=True,
    )
    if choice == "p":
        output.say(await service.pause(view))
    elif choice == "c":
        output.say(await service.cancel(view))


@contextmanager
def _on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Have a signal call `act` for as long as this lasts."""
    loop = asyncio.get_running_loop()
    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    try:
        for number in numbers:
            loop.add_signal_handler(number, act)
    except NotImplementedError:  # Windows: Ctrl-C raises KeyboardInterrupt, which ends the command with 130
        yield
        return
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
