"""`mailtui accounts dkim`: the key that an account signs its mails with, and the DNS record that belongs to it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import click

from mailtui.cli import output
from mailtui.cli.options import at_terminal, common
from mailtui.errors import ExitCode, UsageError
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import sentence
from mailtui.service.dkim_keys import KINDS, DkimKey, DkimKeys, Finding
from mailtui.service.facade import Service


@click.command(short_help="Show the DNS record of an account's DKIM key, or make one.")
@click.argument("name")
@click.option("--make", "kind", type=click.Choice(KINDS), help="Make a new key; everybody can verify rsa.")
@click.option("--domain", default="", metavar="DOMAIN", help="The domain in From, which is signed for.")
@click.option("--selector", default="", metavar="NAME", help="With --make: the key's name in the DNS.")
@click.option(
    "--file", type=click.Path(path_type=Path), help="With --make: keep it in this new file instead of the keyring."
)
@click.option("--yes", is_flag=True, help="With --make: replace the key that there is without asking.")
@click.option("--dns", is_flag=True, help="Ask the DNS whether it has this key.")
@common
def dkim(
    name: str,
    kind: str | None,
    domain: str,
    selector: str,
    file: Path | None,
    yes: bool,
    dns: bool,
    *,
    service: Service,
    as_json: bool,
) -> ExitCode:
    """Show the DNS record of the key that an account signs with (DKIM), or make a key.

    \b
    mailtui accounts dkim acme --make rsa --domain acme.test
    mailtui accounts dkim acme --dns
    """
    keys = DkimKeys(service)
    if kind is None and (selector or file is not None or yes):
        raise UsageError("--selector, --file and --yes go with --make", hint="See: mailtui accounts dkim --help")
    if kind is None:
        key = asyncio.run(keys.of(name, domain=domain))
    else:
        _require_agreement(keys, name, yes=yes)
        path = None if file is None else Path(os.path.expanduser(file)).absolute()  # noqa: PTH111 - Path's raises for ~nobody
        key = asyncio.run(keys.make(name, kind, domain=domain, selector=selector, file=path))
    found = asyncio.run(keys.compare(key)) if dns else None
    if as_json:
        said = {"dns": about_key(found)} if dns else {}
        output.json_line({**key.to_json(), "made": kind is not None, **said})
    else:
        _show(key, made=kind is not None, found=found)
    return ExitCode.FINDINGS if found is not None and found.severity == "error" else ExitCode.DONE


def _require_agreement(keys: DkimKeys, name: str, *, yes: bool) -> None:
    """Nobody's key is replaced unasked: mails that are signed by it need its record for some days more."""
    if yes or not asyncio.run(keys.there(name)):
        return
    if not at_terminal():
        raise UsageError(f"{name} has a key already, and nobody is at a terminal to replace it", hint="Say --yes.")
    what = f"{name} has a key already. Replace it? What is signed by the new one needs a new record in the DNS."
    if not click.confirm(what, default=False, err=True):
        raise click.Abort


def _show(key: DkimKey, *, made: bool, found: Finding | None) -> None:
    where = "the keyring" if key.kept == "keyring" else safe_text(key.kept)
    output.note(f"{key.account} signs for {key.domain} by {key.kind}, {key.bits:,} bits; the key is in {where}.")
    if key.caution:
        output.say(key.caution)
    if made:
        output.note("Put this into the DNS before anything is sent:")
    output.data(key.line)
    if found is not None:
        tell_key(found)
    else:
        output.note(f"Once it is there: mailtui accounts dkim {key.account} --dns")


def about_key(found: Finding | None) -> dict[str, str] | None:
    """What the DNS says of a key, as JSON has it; None of an account that does not sign."""
    if found is None:
        return None
    return {"severity": found.severity, "code": found.code, "message": found.message, "hint": found.hint}


def tell_key(found: Finding | None) -> None:
    """The same for people."""
    if found is None:
        output.say("Its mails are not signed by mailtui (no dkim: in the account), so there is no key to look for.")
        return
    output.say(sentence(safe_text(found.message)))
    if found.hint:
        output.say(safe_text(found.hint))
