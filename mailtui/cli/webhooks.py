"""`mailtui webhooks`: who is told over HTTP what becomes of campaigns."""

from __future__ import annotations

import asyncio
import sys

import click

from mailtui.cli import output
from mailtui.cli.options import at_terminal, common
from mailtui.cli.unseen import ask_unseen, first_line
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.facade import Service
from mailtui.service.webhooks import Event, Webhooks, new_secret

_EXAMPLE = "mailtui webhooks add ci https://ci.example.com/mailtui"


@click.group()
def webhooks() -> None:
    """Who is told over HTTP what becomes of campaigns: list, add, test, secret, remove."""


@webhooks.command(name="list", short_help="List the webhooks, and what waits to be posted.")
@common
def list_webhooks(*, service: Service, as_json: bool) -> None:
    """List the webhooks of the settings, whether their secrets were found, and how many notices wait for each."""
    book = Webhooks(service)
    rows = asyncio.run(book.rows())
    ready = {row.name: asyncio.run(book.secret_problem(row.name)) is None for row in rows}
    if as_json:
        for row in rows:
            output.json_line({**row.to_json(), "secret": "found" if ready[row.name] else "missing"})
        return
    if not rows:
        output.say(f"Nobody is told: there is no webhook yet. To add one: {_EXAMPLE}")
        return
    output.table(
        ["webhook", "url", "events", "secret", "waiting", "from"],
        [
            [
                row.name,
                row.url,
                ", ".join(row.events),
                "found" if ready[row.name] else "missing",
                f"{row.waiting:,}" if row.waiting else "",
                row.origin,
            ]
            for row in rows
        ],
        right=(4,),
    )


@webhooks.command(short_help="Add a webhook; a secret for it is made, and shown once.")
@click.argument("name")
@click.argument("url")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice([str(event) for event in Event]),
    help="What it is told of; may be given several times. Left out: finished, paused, cancelled and missed.",
)
@click.option("--secret-stdin", is_flag=True, help="Take its secret from standard input, instead of making one.")
@common
def add(
    name: str, url: str, events: tuple[str, ...], secret_stdin: bool, *, service: Service, as_json: bool
) -> ExitCode:
    """Add a webhook. Campaigns that are launched from now on are told to it.

    \b
    mailtui webhooks add ci https://ci.example.com/mailtui
    mailtui webhooks add chat https://chat.example.com/hook --event finished --event missed

    Each post is signed, as Standard Webhooks say. The secret that it is signed with is made here, and printed once for
    whoever is to verify it; or it is the one on standard input.
    """
    book = Webhooks(service)
    secret = first_line("secret") if secret_stdin else new_secret()
    unkept = asyncio.run(book.add(name, url, events, secret))
    if as_json:
        made = {} if secret_stdin else {"secret": secret}
        output.json_line({"webhook": name, "url": url, **made, "kept": unkept is None})
    elif not secret_stdin:
        output.data(secret)
    output.say(f"{name} is in {service.settings.home.settings_file}.")
    if not secret_stdin:
        output.say("The secret above is shown once: give it to whoever verifies the signatures.")
    if unkept is not None:
        output.say(
            f"It could not be kept in the keyring ({unkept.word}). "
            f"Set it for mailtui and its runner: {book.variable(name)}"
        )
    output.note(f"Try it out: mailtui webhooks test {name}")
    return ExitCode.DONE


@webhooks.command(short_help="Change what a webhook is signed with.")
@click.argument("name")
@click.option("--stdin", "from_stdin", is_flag=True, help="Take it from standard input, its first line.")
@click.option("--new", is_flag=True, help="Make one, and show it once.")
@common
def secret(name: str, from_stdin: bool, new: bool, *, service: Service, as_json: bool) -> ExitCode:
    """Keep another secret for a webhook in the keyring; whatever is posted from now on is signed with it."""
    if from_stdin and new:
        raise UsageError("--stdin and --new: there is one, or one is to be made")
    if not (from_stdin or new or at_terminal()):
        raise UsageError("Nobody is at a terminal to type the secret", hint="Say --stdin or --new.")
    found = new_secret() if new else first_line("secret") if from_stdin else None
    found = asyncio.run(ask_unseen(f"Secret of {name}")) if found is None else found
    if not found:
        raise click.Abort
    asyncio.run(Webhooks(service).store_secret(name, found))
    if as_json:
        output.json_line({"webhook": name, **({"secret": found} if new else {})})
    elif new:
        output.data(found)
    output.say(f"What is posted to {name} from now on is signed with it.")
    return ExitCode.DONE


@webhooks.command(short_help="Post a test to a webhook, once.")
@click.argument("name")
@common
def test(name: str, *, service: Service, as_json: bool) -> ExitCode:
    """Post a test to a webhook, once, and say what it answered."""
    answer = asyncio.run(Webhooks(service).test(name))
    if as_json:
        output.json_line({"webhook": name, "taken": answer.taken, "status": answer.status, "said": answer.said})
    else:
        output.data(f"{name}: {'taken' if answer.taken else 'not taken'}: {safe_text(answer.said)}")
    return ExitCode.DONE if answer.taken else ExitCode.FINDINGS


@webhooks.command(short_help="Remove a webhook, with its secret.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove(name: str, yes: bool, *, service: Service, as_json: bool) -> None:
    """Remove a webhook, with its secret in the keyring. What waits to be posted to it is given up."""
    book = Webhooks(service)
    waiting = next((row.waiting for row in asyncio.run(book.rows()) if row.name == name), 0)
    if not yes and not sys.stdin.isatty():
        raise UsageError(f"Nobody is at a terminal to confirm that {name} is removed", hint="Say --yes.")
    told = f" {counted(waiting, 'notice')} that it has not taken would be given up." if waiting else ""
    if not yes and not click.confirm(f"Remove {name}, and its secret?{told}", default=False, err=True):
        raise click.Abort
    left = asyncio.run(book.remove(name))
    if as_json:
        output.json_line({"webhook": name, "removed": True, "keyring": None if left is None else left.word})
    else:
        kept = "" if left is None else f" Nothing was taken out of the keyring: {left.word}."
        output.say(f"{name} is removed.{kept}")
