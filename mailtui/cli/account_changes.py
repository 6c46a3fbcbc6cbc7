"""`mailtui accounts add`, `change`, `remove` and `password`: the accounts as they stand in the settings file."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Collection

import click

from mailtui.cli import output
from mailtui.cli.account_fields import account_options, filled, flag_of
from mailtui.cli.account_logins import tell_progress, tell_waiting
from mailtui.cli.account_questions import Questions
from mailtui.cli.options import at_terminal, common
from mailtui.cli.trying import try_server
from mailtui.cli.unseen import ask_unseen, first_line
from mailtui.errors import AccountError, ExitCode, UsageError
from mailtui.service.account_book import AccountBook, AccountDraft, SecretKind, SecretPlace
from mailtui.service.facade import Service
from mailtui.service.oauth import login as log_in


@click.command()
@click.argument("name", metavar="[NAME]", required=False)
@account_options
@click.option("--password-stdin", is_flag=True, help="Take the password from standard input, its first line.")
@click.option("--no-password", is_flag=True, help="Do not ask for a password; it comes from elsewhere, or later.")
@common
def add(
    name: str | None,
    given: dict[str, str],
    region: str | None,
    password_stdin: bool,
    no_password: bool,
    *,
    service: Service,
    as_json: bool,
) -> ExitCode:
    """Add an account; on a terminal, what is missing is asked for.

    \b
    mailtui accounts add acme --preset gmail --user news@acme.test
    mailtui accounts add relay --host mail.acme.test --security starttls --user news
    """
    if password_stdin and no_password:
        raise UsageError("--password-stdin and --no-password: there is one, or there is none")
    book = AccountBook(service)
    draft = filled(book.draft(preset=given.get("preset", "")), given, region)
    draft = dataclasses.replace(draft, name=name or "")
    asking = at_terminal() and not as_json
    if asking:
        _require_right(book, draft, None, of=(*given, "name") if name else given)
        draft = Questions(book).complete(draft)
    _require_right(book, draft, None)
    secret = None
    if password_stdin:
        secret = first_line("password")
    elif asking and not no_password and _has_password(draft):
        secret = asyncio.run(_ask_secret(service, draft.name, book.secret_hint(draft)))
    if asking and secret is not None:
        _save_asked(book, draft, secret)
    else:
        asyncio.run(book.save(draft, secret=secret))
    if as_json:
        return _tell_json(book, draft.name)
    output.say(f"{draft.name} is in {service.settings.home.settings_file}.")
    if asking and draft.oauth_provider and click.confirm("Log in now, in the browser?", default=True, err=True):
        tell_waiting(asyncio.run(log_in(service, draft.name, tell_progress)).waiting)
    _tell_secret(book, draft.name)
    if asking and click.confirm("Try it out now? Nothing is sent.", default=True, err=True):
        return try_server(service, draft.name)
    output.note(f"Try it out: mailtui accounts test {draft.name}")
    return ExitCode.DONE


@click.command(short_help="Change settings of an account; an empty value takes one out.")
@click.argument("name")
@click.option("--name", "new_name", metavar="NEW", help="Give it another name; its secrets go along.")
@account_options
@common
def change(
    name: str, new_name: str | None, given: dict[str, str], region: str | None, *, service: Service, as_json: bool
) -> ExitCode:
    """Change settings of an account; an empty value takes one out: --weight ''.

    Comments and everything else in the settings file stay as they are.
    """
    book = AccountBook(service)
    before = book.draft(name=name)
    draft = filled(book.moved(before, given.get("preset", "")), given, region)
    draft = dataclasses.replace(draft, name=new_name or name)
    if not given and region is None and new_name is None:
        raise UsageError("Nothing to change was named", hint="See: mailtui accounts change --help")
    _require_right(book, draft, name)
    asyncio.run(book.save(draft, replaces=name))
    if as_json:
        return _tell_json(book, draft.name)
    output.say(f"{draft.name} is changed in {_where(book, draft.name)}.")
    if draft.name != name:
        output.note(f"Campaign files that say account: {name} have to say {draft.name}.")
    place = _tell_secret(book, draft.name)
    if draft.host != before.host and place.kind is SecretKind.KEYRING:
        output.say(f"The password in the keyring is said to {draft.host} from now on.")
        output.say(f"  For another one: mailtui accounts password {draft.name}")
    return ExitCode.DONE


@click.command(short_help="Remove an account, with what the keyring has for it.")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Even if a campaign needs it, or the keyring cannot be asked.")
@common
def remove(name: str, yes: bool, force: bool, *, service: Service, as_json: bool) -> None:
    """Remove an account, with its password, its login and its key in the keyring."""
    book = AccountBook(service)
    service.settings.account(name)
    if not yes:
        if not at_terminal():
            raise UsageError(f"Nobody is at a terminal to confirm that {name} is removed", hint="Say --yes.")
        if not click.confirm(f"Remove {name}, and its secrets in the keyring?", default=False, err=True):
            raise click.Abort
    left = asyncio.run(book.remove(name, force=force))
    if as_json:
        output.json_line({"account": name, "removed": True, "keyring": None if left is None else left.word})
    elif left is None:
        output.say(f"{name} is removed, and so is what the keyring had for it.")
    else:
        output.say(f"{name} is removed; nothing was taken out of the keyring: {left.word}.")


@click.command(short_help="Keep an account's password in the keyring, or take it out.")
@click.argument("name")
@click.option("--stdin", "from_stdin", is_flag=True, help="Take it from standard input, its first line.")
@click.option("--forget", is_flag=True, help="Take it out of the keyring.")
@common
def password(name: str, from_stdin: bool, forget: bool, *, service: Service, as_json: bool) -> ExitCode:
    """Keep an account's password in the keyring, or take it out of there.

    It is never shown, and never given as an argument, which other users could see.
    """
    book = AccountBook(service)
    service.settings.account(name)
    if forget:
        had = asyncio.run(book.forget_secret(name))
        if as_json:
            return _tell_json(book, name)
        output.say(f"The keyring has no password of {name} any more." if had else f"The keyring had none of {name}.")
        return ExitCode.DONE
    if not from_stdin and not at_terminal():
        raise UsageError("Nobody is at a terminal to type the password", hint="Give it on standard input: --stdin")
    secret = first_line("password") if from_stdin else asyncio.run(ask_unseen(f"Password of {name}"))
    if secret is None:
        raise click.Abort
    waiting = asyncio.run(book.store_secret(name, secret))
    if as_json:
        return _tell_json(book, name, waiting=waiting.to_json())
    _tell_secret(book, name)
    tell_waiting(waiting)
    return ExitCode.DONE


def _require_right(
    book: AccountBook, draft: AccountDraft, replaces: str | None, *, of: Collection[str] | None = None
) -> None:
    """Raises `UsageError` for mistakes in a draft; `of` some fields, while others are still to be asked for."""
    problems = book.problems(draft, replaces=replaces)
    problems = {field: text for field, text in problems.items() if of is None or field in of}
    if problems:
        lines = "\n".join(f"{flag_of(field)}: {text}" for field, text in problems.items())
        title = f"The account {draft.name} cannot be written so" if draft.name else "An account needs a name"
        raise UsageError(title, detail=lines)


def _has_password(draft: AccountDraft) -> bool:
    return bool(draft.user and not draft.password_command and not draft.oauth_provider)


async def _ask_secret(service: Service, name: str, hint: str) -> str | None:
    """What a person types, where there is a keyring to keep it in; None for later."""
    try:
        await service.keyring.name()
    except AccountError as problem:
        output.say(f"{problem.title}, so the password is not asked for: it could not be kept.")
        output.say(f"  {problem.hint}")
        return None
    return await ask_unseen(f"Password of {name} ({f'{hint}; ' if hint else ''}empty for later)")


def _save_asked(book: AccountBook, draft: AccountDraft, secret: str) -> None:
    """Write what somebody has typed. A keyring that is locked at the end of it takes none of the answers away: they are
    written without the password, which can be tried again.
    """
    try:
        asyncio.run(book.save(draft, secret=secret))
    except AccountError as error:
        problem = error
    else:
        return
    asyncio.run(book.save(draft))
    output.say(f"{draft.name} is written, without its password.")
    while True:
        output.say(f"{problem.title}.")
        output.say(f"  {problem.hint}")
        if not click.confirm("Try once more to keep the password?", default=True, err=True):
            return
        try:
            asyncio.run(book.store_secret(draft.name, secret))
        except AccountError as error:
            problem = error
        else:
            return


def _tell_secret(book: AccountBook, name: str) -> SecretPlace:
    """Where the secret is, and what to do where there is none."""
    place = asyncio.run(book.secret_place(name))
    if place.hint:
        output.say(f"{name} cannot log in yet. {place.hint}")
    elif place.kind is not SecretKind.NOT_NEEDED:
        output.note(f"Its {'login' if place.kind is SecretKind.OAUTH else 'password'}: {place.text}.")
    return place


def _where(book: AccountBook, name: str) -> str:
    return next(row.origin for row in book.rows() if row.name == name)


def _tell_json(book: AccountBook, name: str, **more: object) -> ExitCode:
    row = next(row for row in book.rows() if row.name == name)
    place = asyncio.run(book.secret_place(name))
    output.json_line({**row.to_json(), "secret": str(place.kind), **more})
    return ExitCode.DONE
