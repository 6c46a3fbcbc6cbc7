"""`mailtui sandbox`: a server on this machine that catches mail and delivers nothing."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, common
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.sandboxes import SandboxServer, Tls, load_tls, serve_sandbox


def _scale(_context: click.Context, _parameter: click.Parameter, scale: float | None) -> float | None:
    if scale is not None and not 0 < scale <= 1:
        raise click.BadParameter(f"{scale:g} is out of bounds; it goes from just above 0 to 1.")
    return scale


@click.command()
@click.option(
    "--port",
    type=Whole(0, 65_535),
    default=2525,
    metavar="P",
    show_default=True,
    help="Where to listen; 0 picks a free port.",
)
@click.option("--folder", type=click.Path(path_type=Path), metavar="DIR", help="Where to keep what it catches.")
@click.option(
    "--faults",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="How to misbehave: a file, or the name of a sample, such as greylisting.",
)
@click.option(
    "--time-scale",
    type=float,
    callback=_scale,
    metavar="X",
    help="Multiply all its times; 0.01 makes 5 minutes 3 seconds.",
)
@click.option("--tls-cert", type=click.Path(path_type=Path), metavar="FILE", help="Offer STARTTLS, with this PEM file.")
@click.option("--tls-key", type=click.Path(path_type=Path), metavar="FILE", help="The key, if in a file of its own.")
@click.option("--implicit-tls", is_flag=True, help="Begin TLS with the first byte, without STARTTLS.")
@common
def sandbox(
    port: int,
    folder: Path | None,
    faults: Path | None,
    time_scale: float | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    *,
    implicit_tls: bool,
    service: Service,
    as_json: bool,
) -> None:
    """Run a mail server on this machine that catches everything. Ctrl-C ends it."""
    if tls_cert is None and (tls_key is not None or implicit_tls):
        raise click.UsageError("TLS needs a certificate; name its file with --tls-cert.")
    tls = None if tls_cert is None else load_tls(tls_cert, tls_key, implicit=implicit_tls)
    serving = serve_sandbox(service.settings.home, port, folder, faults, time_scale=time_scale, tls=tls)
    asyncio.run(_serve(serving, _security(tls), as_json=as_json))


def _security(tls: Tls | None) -> str:
    """What a campaign file says to reach it."""
    if tls is None:
        return "plain"
    return "tls" if tls.implicit else "starttls"


async def _tell(server: SandboxServer) -> None:
    """Say on a terminal when mails have arrived, at most once a second."""
    said = server.counters.accepted
    output.note(f"Read what it catches:  less {shlex.quote(str(server.folder / 'messages.mbox'))}")
    while True:
        await asyncio.sleep(1.0)
        accepted = server.counters.accepted
        if accepted != said:
            said = accepted
            output.note(f"{counted(accepted, 'mail')} caught, the last to {safe_text(server.last_recipient)}")


async def _serve(serving: AbstractAsyncContextManager[SandboxServer], security: str, *, as_json: bool) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    async with serving as server:
        if as_json:
            output.json_line({"host": "127.0.0.1", "port": server.port, "folder": str(server.folder)})
        output.note(f"Catching mail on 127.0.0.1:{server.port}; it is kept in {server.folder}")
        output.note(f"In a campaign file:  smtp: {{host: 127.0.0.1, port: {server.port}, security: {security}}}")
        if not as_json and not sys.stderr.isatty():
            output.data(f"127.0.0.1:{server.port}")
        telling = asyncio.create_task(_tell(server), name="telling")
        await over.wait()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    output.note(f"{counted(server.counters.accepted, 'mail')} accepted, {server.counters.refused:,} refused.")
    output.note(f"{server.counters.summary()}.")
