"""`mailtui init`: a campaign to start from, the sample or one that was written for mailmerge."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import common
from mailtui.errors import ExitCode, Problem, UsageError
from mailtui.service.facade import Service
from mailtui.service.importing import Imported, import_mailmerge
from mailtui.service.samples import write_sample


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--from",
    "source",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Import a template of mailmerge, or the folder with its files, instead of writing the sample.",
)
@click.option(
    "--list",
    "list_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="With --from: the list; left out: mailmerge_database.csv beside the template.",
)
@common
def init(folder: Path, *, source: Path | None, list_file: Path | None, service: Service, as_json: bool) -> ExitCode:
    """Write a sample campaign into DIR: a list, templates and a campaign file, with comments.

    With --from, a campaign of what was written for mailmerge: its template with header lines, its list, and its
    server, never a password. What is not carried over as it was is told with its line. Nothing is ever overwritten.
    """
    if source is None:
        if list_file is not None:
            raise UsageError("--list goes with --from", hint="The sample brings a list of its own.")
        _told(folder, write_sample(folder), as_json=as_json)
        return ExitCode.DONE
    made = import_mailmerge(source, folder, cache=service.settings.home.audiences, list_file=list_file)
    return _told_imported(folder, made, as_json=as_json)


def _told(folder: Path, written: Sequence[Path], *, as_json: bool) -> None:
    if as_json:
        output.json_line({"folder": str(folder), "files": [str(path) for path in written]})
        return
    for path in written:
        output.data(str(path))
    campaign = folder / "campaign.yaml"
    output.note("Catch mail on this machine:  mailtui sandbox    (in a second terminal)")
    output.note(f"Open it in the app:          mailtui {folder}")
    output.note(f"Or by commands, a mail:      mailtui preview {campaign}")
    output.note(f"and to send it there:        mailtui run {campaign}")


def _told_imported(folder: Path, made: Imported, *, as_json: bool) -> ExitCode:
    code = ExitCode.FINDINGS if made.mistakes else ExitCode.DONE
    if as_json:
        found = {"remarks": [_as_json(item) for item in made.remarks], "mistakes": list(map(_as_json, made.mistakes))}
        output.json_line({"folder": str(folder), "files": [str(path) for path in made.files], **found})
        return code
    for path in made.files:
        output.data(output.safe(str(path)))
    for item in made.remarks:
        output.say(output.safe(f"note     {item}"))
    for item in made.mistakes:
        output.say(output.safe(f"mistake  {item}"))
    if made.mistakes:
        output.note(f"Mend what is above, then: mailtui check {made.campaign}")
    else:
        output.note(f"Look through every row:  mailtui check {made.campaign}")
        output.note(f"Look at a mail:          mailtui preview {made.campaign}")
    return code


def _as_json(problem: Problem) -> dict[str, object]:
    place = problem.place
    where = {"file": place.file or None, "line": place.line, "column": place.column, "key": place.key or None}
    return {**where, "message": problem.message, "hint": problem.hint or None}
