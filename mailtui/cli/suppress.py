"""`mailtui suppress`: the people who are to get nothing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.list_options import source_options
from mailtui.cli.options import common
from mailtui.errors import UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.kit.suggest import nearest
from mailtui.kit.words import counted
from mailtui.service.archive import new_file
from mailtui.service.facade import Service
from mailtui.service.list_options import ListOptions
from mailtui.service.suppression import Listed, Removed, SuppressionEntry

_EXAMPLES = """\b
Examples:
  mailtui suppress add ann@example.org --reason "asked by mail"
  mailtui suppress add @example.com --list newsletter
  mailtui suppress import unsubscribed.csv --list newsletter
  mailtui suppress list --search example.org
  mailtui suppress export --out suppressed.csv
  mailtui suppress verify v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5g --add
"""

_list_option = click.option(
    "--list",
    "list_name",
    default="",
    metavar="NAME",
    help="Only for campaigns that say audience: {list: NAME}, instead of for all.",
)
_only_list = click.option("--list", "list_name", metavar="NAME", help="Only the entries for this list.")
_reason_option = click.option("--reason", default="", metavar="TEXT", help="Why; it is kept and shown in reports.")


@click.group(epilog=_EXAMPLES)
def suppress() -> None:
    """Keep the list of people who get nothing, from any campaign or from those of one list.

    It counts at once, also for a campaign that is being sent: whoever is on it gets nothing, unless the end of their
    mail was being written at that moment. @example.com stands for everybody at that domain.
    """


@suppress.command("list")
@_only_list
@click.option("--search", default="", metavar="TEXT", help="Only addresses that have this in them.")
@common
def list_entries(list_name: str | None, search: str, *, service: Service, as_json: bool) -> None:
    """Show who is on the suppression list, since when and why."""
    shown = asyncio.run(_show(service, list_name, search, as_json=as_json))
    if not shown and not as_json:
        output.say(asyncio.run(_nobody(service, list_name, search)))


async def _show(service: Service, list_name: str | None, search: str, *, as_json: bool) -> int:
    shown = 0
    async for entry in service.suppression.entries(list_name, search=search):
        shown += 1
        if as_json:
            output.json_line(entry.to_json())
        else:
            output.data(_line(entry))
    return shown


def _line(entry: SuppressionEntry) -> str:
    said = entry.reason or entry.source
    address, where = safe_text(entry.address), safe_text(entry.where)
    return f"{address:<40} {where:<20} {entry.since[:10]}  {safe_text(said, limit=200)}".rstrip()


async def _nobody(service: Service, list_name: str | None, search: str) -> str:
    counts = await service.suppression.counts()
    if search and counts.of(list_name):
        return f"Nobody on the suppression list has {search} in their address."
    if not list_name:
        return "Nobody is on the suppression list."
    names = [name for name, _ in counts.lists]
    hit = nearest(list_name, names)
    known = f" Did you mean {hit}?" if hit else f" There are: {', '.join(names)}." if names else ""
    return f"Nobody is on the suppression list of {list_name}.{known}"


@suppress.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@_list_option
@_reason_option
@common
def add(addresses: tuple[str, ...], list_name: str, reason: str, *, service: Service, as_json: bool) -> None:
    """Put people on the suppression list; @example.com stands for everybody at that domain."""
    word = asyncio.run(service.suppression.word_on_list(list_name))
    added = asyncio.run(service.suppression.add(addresses, list_name=list_name, reason=reason))
    if as_json:
        output.json_line({"new": added.new, "known": added.known, "list": list_name or None})
        return
    known = f"; {counted(added.known, 'was', 'were')} on it already" if added.known else ""
    output.say(f"{counted(added.new, 'entry', 'entries')} added to {_which(list_name)}{known}. {word}".rstrip())


@suppress.command()
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@_list_option
@common
def remove(addresses: tuple[str, ...], list_name: str, *, service: Service, as_json: bool) -> None:
    """Take people off the suppression list; they get mail again from campaigns that are launched from now on.

    Whom a campaign has settled as suppressed stays so in it, also when it is run again.
    """
    removed = asyncio.run(service.suppression.remove(addresses, list_name=list_name))
    if not removed.gone:
        why_still = "".join(f"{address} gets nothing: {why}\n" for address, why in removed.still)
        raise UsageError(
            f"Nobody of these is on {_which(list_name)}: {', '.join(removed.missing)}",
            detail=why_still + asyncio.run(_domains_elsewhere(service, removed.missing)),
            hint="See who is: mailtui suppress list" + ("" if list_name else ". Of one list only: --list NAME"),
        )
    if as_json:
        still = [{"address": address, "reason": why} for address, why in removed.still]
        output.json_line({"removed": removed.gone, "missing": list(removed.missing), "still": still})
        return
    _tell_removed(removed, list_name)


async def _domains_elsewhere(service: Service, missing: tuple[str, ...]) -> str:
    """The lists that domains which were to be taken off one are on; of addresses, `Removed.still` tells it."""
    lines = []
    for domain in (key for key in missing if key.startswith("@")):
        entries = [entry async for entry in service.suppression.entries(None, search=domain)]
        lines += [f"{domain} is on that of {entry.where}.\n" for entry in entries if entry.address == domain]
    return "".join(lines)


def _tell_removed(removed: Removed, list_name: str) -> None:
    output.say(f"{counted(removed.gone, 'entry', 'entries')} taken off {_which(list_name)}.")
    for address in removed.missing:
        output.say(f"  {address} was not on it.")
    for address, why in removed.still:
        output.say(f"  {address} still gets nothing: {why}.")
    output.say("Campaigns launched from now on send to them; where they are settled as suppressed they stay so.")


@suppress.command("import")
@click.argument("file", metavar="FILE")
@_list_option
@_reason_option
@source_options
@click.option("--problems", is_flag=True, help="Import, and show the rows that hold no address.")
@common
def import_list(
    file: str,
    list_name: str,
    reason: str,
    problems: bool,
    *,
    options: ListOptions,
    service: Service,
    as_json: bool,
) -> None:
    """Put everybody on a list on the suppression list; FILE is any list that mailtui reads, - is standard input.

    Without --reason the list's own column reason is kept, where it has one. Nothing is taken off. It can be run again:
    who is on the list already stays as they are. To look at a file only: mailtui audience FILE --problems.
    """

    def show(row: Listed) -> None:
        if as_json:
            output.json_line({"line": row.line, "reason": row.problem, "text": row.text})
        else:
            output.data(f"line {row.line}: {safe_text(row.problem)}   {safe_text(row.text, limit=100)}")

    with output.progress("Reading") as advance:
        word = asyncio.run(service.suppression.word_on_list(list_name))
        done = asyncio.run(
            service.suppression.import_list(
                file,
                list_name=list_name,
                reason=reason,
                options=options,
                progress=advance,
                problem=show if problems else None,
            )
        )
    if as_json:
        output.json_line(done.to_json())
        return
    known = f", {done.known:,} on it already" if done.known else ""
    told = f"{counted(done.rows, 'row')} of {done.name}: {done.new:,} new on {_which(list_name)}{known}. {word}"
    output.say(told.rstrip())
    if done.problems:
        more = "" if problems else " See them: run it again with --problems; it adds nobody twice"
        suppress = "suppresses" if done.problems == 1 else "suppress"
        output.say(f"{counted(done.problems, 'row')} without a usable address, which {suppress} nobody.{more}")


@suppress.command()
@_only_list
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write to a new file instead of stdout.")
@common
def export(list_name: str | None, out: Path | None, *, service: Service, as_json: bool) -> None:
    """Write the suppression list as CSV, which suppress import reads again; with --json one object a line."""

    async def write() -> int:
        if as_json and out is None:
            return await _show(service, list_name, "", as_json=True)
        if as_json:
            raise UsageError("--json goes to stdout", hint="Leave out --out, and redirect: > FILE")
        rows = -1  # the header
        if out is None:
            shown = output.safe_lines if sys.stdout.isatty() else str
            async for row in service.suppression.export(list_name):
                rows += 1
                sys.stdout.write(shown(row))
            return rows
        with new_file(out) as stream:
            async for row in service.suppression.export(list_name):
                rows += 1
                stream.write(row)
        return rows

    written = asyncio.run(write())
    output.note(f"{counted(written, 'entry', 'entries')}.")


@suppress.command()
@click.argument("token", metavar="TOKEN")
@click.option("--add", is_flag=True, help="Put whose it is on the suppression list of their campaign's list.")
@common
def verify(token: str, add: bool, *, service: Service, as_json: bool) -> None:
    """Say whose the token of an unsubscribe link or mail is, and that it is genuine; the whole link will do.

    Exit code 0 when it is, 3 when it is not. With --add they get nothing from now on: from campaigns of the same list,
    or from any where theirs has no list. That may be done any number of times.
    """
    from mailtui.service.leaving import let_go, whose

    leaver = asyncio.run(whose(service, token))
    new = asyncio.run(let_go(service, leaver)) if add else None
    if as_json:
        output.json_line(leaver.to_json() | ({} if new is None else {"added": new}))
        return
    output.data(safe_text(leaver.words, limit=1_000))
    if new is not None:
        output.say(f"{counted(new, 'entry', 'entries')} added to {_which(leaver.list)}.")


def _which(list_name: str) -> str:
    return f"the suppression list of {list_name}" if list_name else "the suppression list"
