"""`mailtui accounts`: the servers of the settings, the providers that are known, and trying one out."""

from __future__ import annotations

import asyncio

import click

from mailtui.cli import output
from mailtui.cli.account_changes import add, change, password, remove
from mailtui.cli.account_logins import login, logout
from mailtui.cli.dkim import dkim
from mailtui.cli.options import common, password_option
from mailtui.cli.transcript import transcript_option
from mailtui.cli.trying import try_server
from mailtui.errors import ExitCode
from mailtui.kit.durations import show_moment
from mailtui.kit.safe_text import safe_text
from mailtui.kit.words import counted
from mailtui.service.account_book import AccountBook, AccountRow, Preset, SecretKind, SecretPlace
from mailtui.service.facade import Service
from mailtui.service.settings_file import chmod_of, exposure

_EXAMPLE = """\
accounts:
  acme: {host: smtp.example.com, port: 587, security: starttls,
         user: news@example.com}
"""


@click.group()
def accounts() -> None:
    """The servers that can be sent through: list, add, change, remove them, and see whether one works."""


for command in (add, change, password, login, logout, dkim, remove):
    accounts.add_command(command)


@accounts.command(name="list", short_help="List the accounts, and where their secrets are.")
@click.argument("words", metavar="[WORDS]...", nargs=-1)
@common
def list_accounts(words: tuple[str, ...], *, service: Service, as_json: bool) -> None:
    """List the accounts of the settings file, and where their secrets are.

    With WORDS those alone that have all of them in their name, server, user, provider or sender.
    """
    book = AccountBook(service)
    everybody = book.rows()
    rows = [row for row in everybody if row.is_meant(" ".join(words))]
    places = asyncio.run(_places(book, rows))
    if as_json:
        for row in rows:
            output.json_line({**row.to_json(), "secret": str(places[row.name].kind)})
        return
    file = service.settings.home.settings_file
    danger = exposure(file)
    if danger:
        output.say(f"{file}: {danger}. Make it yours alone: {chmod_of(file)}")
    if everybody and not rows:
        output.say(f"None of the {counted(len(everybody), 'account')} has these words.")
        return
    if not rows:
        output.say("There is no account yet. To add one: mailtui accounts add")
        output.say(f"Accounts stand in {file}, such as this one:\n")
        output.say(_EXAMPLE)
        return
    output.table(
        ["account", "server", "security", "user", "secret", "limits", "last test", "from"],
        [_cells(row, str(places[row.name].kind)) for row in rows],
    )
    _tell_missing({name: place for name, place in places.items() if place.kind is SecretKind.MISSING})


async def _places(book: AccountBook, rows: list[AccountRow]) -> dict[str, SecretPlace]:
    return {row.name: await book.secret_place(row.name) for row in rows}


def _tell_missing(places: dict[str, SecretPlace]) -> None:
    """Where a secret was looked for in vain: the keyring may only be locked."""
    for name, place in list(places.items())[:1]:
        more = f", as those of {counted(len(places) - 1, 'other')}" if len(places) > 1 else ""
        output.note(f"The secret of {name} is missing{more}; {place.text}. {place.hint}")


def _cells(row: AccountRow, secret: str) -> list[str]:
    endpoint, test = row.endpoint, row.last_test
    told = "" if test is None else f"{'ok' if test.ok else f'{test.step} failed'}, {show_moment(test.at)}"
    return [
        row.name,
        str(endpoint),
        str(endpoint.security),
        endpoint.user,
        secret,
        row.at_most,
        told,
        row.origin,
    ]


def limits_in_words(per_hour: int | None, per_day: int | None) -> str:
    """Quotas as a person says them: 500/h, 2,000/day; empty where there is none."""
    said = [f"{number:,}/{unit}" for number, unit in ((per_hour, "h"), (per_day, "day")) if number is not None]
    return ", ".join(said)


@accounts.command(short_help="List the providers that are known; of one, everything.")
@click.argument("name", metavar="[NAME]", required=False)
@common
def presets(name: str | None, *, service: Service, as_json: bool) -> None:
    """List the providers that are known; of one, everything: server, login, quotas, and what to do first."""
    book = AccountBook(service)
    found = book.presets() if name is None else [book.preset(name)]
    if as_json:
        for preset in found:
            output.json_line(preset.to_json())
    elif name is not None:
        _show_preset(found[0])
    else:
        rows = [
            [one.name, one.title, _server(one), str(one.security), limits_in_words(one.per_hour, one.per_day)]
            for one in found
        ]
        output.table(["preset", "provider", "server", "security", "quota"], rows)
        output.note("All of one: mailtui accounts presets NAME. To use it: mailtui accounts add NAME --preset PRESET")


def _server(preset: Preset) -> str:
    return f"{preset.host or 'your own'}:{preset.port}"


def _show_preset(preset: Preset) -> None:
    facts = [
        ("server", f"{_server(preset)}, {preset.security}"),
        ("user", preset.user or preset.user_hint if preset.login else "no login"),
        ("password", preset.secret_hint),
        ("quota", limits_in_words(preset.per_hour, preset.per_day)),
        ("connections", "" if preset.connections is None else str(preset.connections)),
        ("login with", f"--oauth {preset.oauth}" if preset.oauth else ""),
        ("see", preset.page),
    ]
    output.data(output.bold(safe_text(preset.title)))
    for label, text in facts:
        if text:
            output.data(f"{label:<12}{safe_text(text)}")
    for note in preset.notes:
        output.data(safe_text(note))


@accounts.command(short_help="Try a server out, step by step; nothing is sent unless asked.")
@click.argument("name", metavar="NAME|CAMPAIGN")
@click.option("--to", "address", metavar="ADDRESS", help="Send a mail there, too; without it, nothing is sent.")
@click.option("--dns", is_flag=True, help="Ask the DNS, too, whether it has the key that mails are signed with.")
@transcript_option
@password_option
@common
def test(name: str, address: str | None, dns: bool, transcript: bool, *, service: Service, as_json: bool) -> ExitCode:
    """Try a server out, step by step: an account's, or the one that a campaign file is sent through.

    Nothing is sent unless --to names an address.
    """
    return try_server(service, name, to=address, transcript=transcript, dns=dns, as_json=as_json)
