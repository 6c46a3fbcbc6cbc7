"""Owns the options that say what an account is: one for each of its settings."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from mailtui.errors import UsageError
from mailtui.service.account_book import AccountDraft

_REGION = "{region}"
Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS: Sequence[tuple[str, str, str, str]] = (
    ("preset", "--preset", "NAME", "A provider: see accounts presets."),
    ("host", "--host", "HOST", "The server's name or address."),
    ("port", "--port", "N", "Left out: 465 for tls, 587 for starttls, 25 for plain."),
    ("security", "--security", "HOW", "tls, starttls or plain."),
    ("user", "--user", "NAME", "The login name; without one there is no login."),
    ("auth", "--auth", "HOW", "auto, plain, login, cram-md5, xoauth2 or oauthbearer."),
    ("rate", "--rate", "RATE", "The most mails in a time, all campaigns together: 10/s, 600/m, 5000/h."),
    ("burst", "--burst", "N", "How many may go at once after a rest."),
    ("per_minute", "--per-minute", "N", "Mails in any 60 seconds."),
    ("per_hour", "--per-hour", "N", "Mails in any 60 minutes, all campaigns together."),
    ("per_day", "--per-day", "N", "Mails in any 24 hours."),
    ("min_gap", "--min-gap", "TIME", "The least time between two mails: 30s."),
    ("jitter", "--jitter", "SHARE", "By what share of it a gap may be longer, by chance: 0.3."),
    ("batch", "--batch", "N,TIME", "So many mails, and then a rest: 100,10m."),
    ("per_connection", "--per-connection", "N", "Mails before a connection is ended and another begun."),
    ("per_domain", "--per-domain", "LIST", "The pace of recipients' domains: 'gmail.com 5/s, example.org 100/h'."),
    ("warm_up", "--warm-up", "START,FACTOR,CAP[,DATE]", "A little more each day: 50,1.5,5000."),
    ("connections", "--connections", "N", "The most at the same time."),
    ("weight", "--weight", "N", "Its share beside other accounts of a campaign, 1 to 100."),
    ("password_command", "--password-command", "COMMAND", "A command whose first line is the password."),
    ("oauth_provider", "--oauth", "PROVIDER", "Log in at google, microsoft or custom instead of with a password."),
    ("oauth_client_id", "--client-id", "ID", "The id of your app at that provider."),
    ("oauth_tenant", "--tenant", "ID", "Microsoft only: the organisation's id or domain."),
    ("ca", "--ca", "FILE", "The authorities to trust, PEM."),
    ("certificate", "--certificate", "FILE", "The certificate to show to the server, PEM."),
    ("key", "--key", "FILE", "Its key, PEM."),
    ("fingerprint", "--fingerprint", "SHA256", "Trust the server's certificate with this fingerprint, and no other."),
    ("helo", "--helo", "NAME", "The name to give in EHLO."),
    ("allow_plain", "--allow-plain", "yes|no", "Let plain reach a host that is not this machine."),
    ("dkim_selector", "--dkim-selector", "NAME", "The key that the server signs with, for check --dns."),
    ("sign_selector", "--sign-selector", "NAME", "Sign mails here (DKIM), with the key of this name."),
    ("sign_domain", "--sign-domain", "DOMAIN", "The domain that signs; left out: that of From."),
    ("sign_key", "--sign-key", "FILE|keyring", "Where the private key is."),
)


def account_options(command: Command) -> Command:
    """Add an option for every setting; the command gets `given`: the fields of a draft that were said, as texts."""

    @functools.wraps(command)
    def wrapper(*args: Any, senders: tuple[str, ...], region: str | None, **kwargs: Any) -> Any:
        given = {field: kwargs.pop(field) for field, *_ in _OPTIONS}
        if senders:
            given["senders"] = ", ".join(senders)
        said = {field: text for field, text in given.items() if text is not None}
        return command(*args, given=said, region=region, **kwargs)

    wrapped: Any = wrapper
    wrapped = click.option("--region", metavar="NAME", help="For a preset with a server in each region.")(wrapped)
    wrapped = click.option(
        "--from",
        "senders",
        multiple=True,
        metavar="SENDER",
        help="Who it may send as: an address or @domain; several times.",
    )(wrapped)
    for field, flag, metavar, text in reversed(_OPTIONS):
        wrapped = click.option(flag, field, metavar=metavar, help=text)(wrapped)
    return wrapped  # type: ignore[no-any-return]


def flag_of(field: str) -> str:
    """The option that sets a field."""
    return {"senders": "--from", **{name: flag for name, flag, *_ in _OPTIONS}}.get(field, field.upper())


def filled(draft: AccountDraft, given: dict[str, str], region: str | None) -> AccountDraft:
    """The draft with what was said; the region goes into the host that asks for one. Raises `UsageError`."""
    draft = dataclasses.replace(draft, **given)
    if region is None:
        return draft
    if _REGION not in draft.host:
        title = f"--region is for presets with a server in each, and {draft.host or 'this'} is not of one"
        raise UsageError(title, hint="Name the server: --host HOST")
    return dataclasses.replace(draft, host=draft.host.replace(_REGION, region))
