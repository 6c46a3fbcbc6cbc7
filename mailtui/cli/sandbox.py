"""`mailtui sandbox`: a server on this machine that catches mail and delivers nothing."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import Whole, common
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.sandboxes import SandboxServer, serve_sandbox


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
@click.option("--faults", type=click.Path(path_type=Path), metavar="FILE", help="A file with rules for misbehaving.")
@common
def sandbox(port: int, folder: Path | None, faults: Path | None, *, service: Service, as_json: bool) -> None:
    """Run a mail server on this machine that catches everything. Ctrl-C ends it."""
    asyncio.run(_serve(service, port, folder, faults, as_json=as_json))


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


async def _serve(service: Service, port: int, folder: Path | None, faults: Path | None, *, as_json: bool) -> None:
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    async with serve_sandbox(service.settings.home, port, folder, faults) as server:
        if as_json:
            output.json_line({"host": "127.0.0.1", "port": server.port, "folder": str(server.folder)})
        output.note(f"Catching mail on 127.0.0.1:{server.port}; it is kept in {server.folder}")
        output.note(f"In a campaign file:  smtp: {{host: 127.0.0.1, port: {server.port}, security: plain}}")
        if not as_json and not sys.stderr.isatty():
            output.data(f"127.0.0.1:{server.port}")
        telling = asyncio.create_task(_tell(server), name="telling")
        await over.wait()
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
    output.note(f"{counted(server.counters.accepted, 'mail')} accepted, {server.counters.refused:,} refused.")
