"""`mailtui accounts login` and `logout`: accounts that log in at a provider instead of with a password."""

from __future__ import annotations

import asyncio
import dataclasses
import sys

import click

from mailtui.cli import output
from mailtui.cli.options import at_terminal, common
from mailtui.cli.unseen import ask_unseen
from mailtui.errors import UsageError
from mailtui.kit.hidden import hide
from mailtui.service.facade import Service
from mailtui.service.oauth import LoginProgress, keep_client_secret
from mailtui.service.oauth import login as log_in
from mailtui.service.oauth import logout as log_out
from mailtui.service.waiting import Waiting


@click.command(short_help="Log in for an account at Google, Microsoft or another provider.")
@click.argument("name")
@click.option("--device", is_flag=True, help="By a code that is typed in on any device; for machines without browser.")
@click.option("--client-secret", "ask_secret", is_flag=True, help="Keep the secret of your app at the provider first.")
@common
def login(name: str, device: bool, ask_secret: bool, *, service: Service, as_json: bool) -> None:
    """Log in for an account at Google, Microsoft or another provider, in the browser; it is kept in the keyring.

    With --client-secret the app's secret is asked for, or read from standard input, and kept in the keyring, too;
    apps at Google have one.
    """
    service.settings.account(name)
    if ask_secret:
        asyncio.run(keep_client_secret(service, name, _client_secret(name)))
    done = asyncio.run(log_in(service, name, tell_progress, device=device))
    if as_json:
        output.json_line({**dataclasses.asdict(done), "waiting": done.waiting.to_json()})
    else:
        tell_waiting(done.waiting)


@click.command(short_help="Give a login back: out of the keyring, and told to the provider.")
@click.argument("name")
@common
def logout(name: str, *, service: Service, as_json: bool) -> None:
    """Give a login back: it is taken out of the keyring, and the provider is told where it can be."""
    done = asyncio.run(log_out(service, name))
    if as_json:
        output.json_line(dataclasses.asdict(done))
    else:
        said = f"{name} is logged out." if done.had_login else f"Nobody was logged in for {name}."
        output.say(f"{said} {done.detail}".rstrip())


def tell_progress(progress: LoginProgress) -> None:
    """Say what a login waits for, with the address and the code that a person needs."""
    output.say(progress.text)
    for line in (progress.address, progress.code):
        if line and line not in progress.text:
            output.say(f"  {line}")


def tell_waiting(waiting: Waiting) -> None:
    """Say which campaigns go on with a password or login that was just given, or how each is made to."""
    for campaign, name in waiting.campaigns:
        what = "goes on" if waiting.go_on else f"waits for it: mailtui resume {campaign}"
        output.say(f"{name} ({campaign}) {what}.")


def _client_secret(name: str) -> str:
    if at_terminal():
        typed = asyncio.run(ask_unseen(f"Secret of the app of {name}"))
        if typed is None:
            raise click.Abort
        return typed
    line = sys.stdin.readline().strip()
    if not line:
        raise UsageError("There is no client secret on standard input")
    return hide(line)
