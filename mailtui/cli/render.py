"""`mailtui render`: every mail written to files; no socket is opened."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import click

from mailtui.cli import output
from mailtui.cli.options import common, filter_option
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.paths import create_private
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.lists import RenderProblem
from mailtui.service.mailbox import EmlFolder, Mbox, Nowhere, Sink


@click.command()
@click.argument("campaign", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@click.option("--out", required=True, metavar="DIR|FILE.mbox|-", help="A folder of .eml files, one mbox, or stdout.")
@filter_option
@common
def render(campaign: Path, out: str, filter_text: str | None, *, service: Service, as_json: bool) -> ExitCode:
    """Write every recipient's mail to files, exactly as it would be sent."""
    with _sink(out) as sink:
        return render_to(service, campaign, sink, filter_text=filter_text, as_json=as_json and out != "-")


def render_to(service: Service, campaign: Path, sink: Sink, *, filter_text: str | None, as_json: bool) -> ExitCode:
    """Render all rows into a sink, telling those that cannot be."""
    loaded = service.campaigns.load(campaign, filter=filter_text)
    rendered = failed = 0
    with output.progress("Rendering") as advance:
        for recipient, message in service.campaigns.render_all(loaded):
            if isinstance(message, RenderProblem):
                failed += 1
                output.say(f"row {recipient.row} ({recipient.address}): {message.reason}")
            else:
                rendered += 1
                sink.add(recipient, message)
            if (rendered + failed) % 100 == 0:
                advance(rendered + failed, 0)
    if as_json:
        output.json_line({"rendered": rendered, "failed": failed, "out": sink.name})
    else:
        output.note(f"{counted(rendered, 'mail')} rendered{sink.where}, {failed:,} could not be. Nothing was sent.")
    return ExitCode.FINDINGS if failed else ExitCode.DONE


def nowhere() -> Sink:
    """A sink that keeps nothing, for a dry run."""
    return Nowhere()


@contextmanager
def _sink(out: str) -> Iterator[Sink]:
    if out == "-":
        yield Mbox(_stdout(), "-")
        return
    path = Path(out)
    try:
        if path.suffix == ".mbox":
            with create_private(path) as stream:
                yield Mbox(stream, out)
            return
        yield EmlFolder(path)
    except FileExistsError:
        raise UsageError(
            f"{out} exists already", hint="Name a new file or folder; nothing is ever overwritten."
        ) from None
    except OSError as error:
        raise UsageError(f"{out} cannot be written", detail=str(error.strerror or error)) from None


def _stdout() -> IO[bytes]:
    """A pipe gets the bytes as they are; a terminal gets nothing that could act on it."""
    return cast("IO[bytes]", _Screen()) if sys.stdout.isatty() else sys.stdout.buffer


class _Screen:
    """Takes bytes, and shows them."""

    def write(self, data: bytes) -> None:
        sys.stdout.write(output.safe_lines(data.decode("utf-8", "replace")))
