"""`mailtui outbox`: the file behind everything that was ever sent."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import common
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.words import counted
from mailtui.service import outbox as service_outbox
from mailtui.service.facade import Service


@click.group()
def outbox() -> None:
    """Look at the outbox's file: what it holds, whether it is whole, and a copy of it."""


@outbox.command()
@common
def info(*, service: Service, as_json: bool) -> None:
    """Tell where the outbox is, what it holds and who works on it."""
    found = service_outbox.info(service)
    if as_json:
        output.json_line(found.to_json())
        return
    held = found.facts
    last = held.last_event_at
    rows = [
        ("file", str(found.path)),
        ("size", f"{_size(held.size)}, of which {_size(held.free)} free; its log {_size(held.log_size)}"),
        ("holds", f"{counted(held.campaigns, 'campaign')}, {counted(held.deliveries, 'delivery', 'deliveries')}"),
        ("last event", "none yet" if last is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(last))),
        ("runner", "none" if found.runner is None else f"process {found.runner}"),
        ("generation", held.generation),
        ("schema", str(held.schema)),
        ("SQLite", found.sqlite),
        ("disk", found.filesystem or "not known"),
    ]
    copy = found.before_upgrade
    if copy is not None:
        rows.append(("copy", f"{copy} ({_size(copy.stat().st_size)}): as it was before its schema was last changed"))
    for name, text in rows:
        output.data(f"{name:<12}{output.safe(text)}")
    if found.risk is not None:
        output.say(f"This is not a good place for it: {found.risk}.")
    if found.refused is not None:
        _say_refused(service)


@outbox.command()
@common
def check(*, service: Service, as_json: bool) -> None:
    """Read all of the outbox: every page, row, index and count. About 3 seconds a million recipients."""
    health = service_outbox.check(service)
    if as_json:
        path, refused = str(service.outbox.path), service_outbox.outdated(service)
        told = {"ok": health.ok, "seconds": round(health.seconds, 3), "path": path}
        output.json_line({**told, "refused": None if refused is None else refused.title})
    else:
        output.data(f"{output.safe(str(service.outbox.path))} is whole ({health.seconds:.1f} s).")
        _say_refused(service)


@outbox.command()
@click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path, dir_okay=False), required=False)
@common
def backup(file: Path | None, *, service: Service, as_json: bool) -> None:
    """Write a checked copy of the outbox to a new FILE; also while a campaign is being sent."""
    written = service_outbox.backup(service, file)
    size = written.stat().st_size
    if as_json:
        output.json_line({"path": str(written), "size": size})
    else:
        output.data(output.safe(str(written)))
        output.note(f"{_size(size)}. It holds people's addresses, and only you can read it.")


@outbox.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def accept(yes: bool, *, service: Service, as_json: bool) -> ExitCode:
    """Go on with an older copy of the outbox, when the newer file is gone for good.

    Whoever was sent to after the copy was made waits in it as if nothing had been sent. Cancel the campaigns that were
    being sent then, or look in the server's log, before you go on with them.
    """
    refused = service_outbox.outdated(service)
    if refused is None:
        output.say("There is nothing to accept: this is the newest outbox that was seen here.")
    else:
        going = _what_goes_on(service)
        if not yes:
            _agree(f"{refused.title}.\n{refused.detail}\n{going}")
        service_outbox.accept(service)
        output.say(f"Accepted. {going}" if yes else "Accepted.")
        output.say("Look before you go on: mailtui list. Stop a campaign for good: mailtui cancel ID")
    if as_json:
        output.json_line({"accepted": refused is not None, "path": str(service.outbox.path)})
    return ExitCode.DONE


def _say_refused(service: Service) -> None:
    """Why nothing is sent from the outbox, and what to do, where it is an older copy."""
    refused = service_outbox.outdated(service)
    if refused is not None:
        output.say(f"{refused.title}.\n{refused.hint}")


def _what_goes_on(service: Service) -> str:
    """Who would get a mail from the copy as it is."""
    waiting = [
        f"  {view.id}  {counted(view.counts.open, 'mail')} to go: {view.name}"
        for view in asyncio.run(service_outbox.would_go_on(service))
    ]
    going = ["It goes on with these campaigns:", *waiting] if waiting else ["Nobody waits in it."]
    return "\n".join([*going, "Whoever got a mail after the copy was made is not known in it, and may get it again."])


def _agree(text: str) -> None:
    output.say(text)
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("Nobody is at a terminal to be asked", hint="Say --yes to accept it without being asked.")
    typed = click.prompt("Type accept to go on with it", default="", show_default=False, err=True)
    if typed.strip() != "accept":
        output.say("Nothing was changed.")
        raise click.exceptions.Exit(int(ExitCode.INTERRUPTED))


def _size(count: int) -> str:
    if count < 1024 * 1024:
        return f"{count / 1024:.0f} KB"
    return f"{count / 1024 / 1024:.1f} MB"
