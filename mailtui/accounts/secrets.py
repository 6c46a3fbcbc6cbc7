"""Owns finding an account's secrets: what was handed over or typed, the keyring, the environment, a command, systemd's
credentials, a question at the terminal; in that order.

What is found is kept in memory only, and no secret appears in an error.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from mailtui.accounts.dkim_file import read_key_file
from mailtui.accounts.keyring_store import (
    KEYRING_SERVICE,
    KeyringProblem,
    KeyringStore,
    Trouble,
    client_entry,
    dkim_entry,
    is_webhook_entry,
    login_entry,
    webhook_entry,
)
from mailtui.accounts.password_command import CommandFailed, ask_command
from mailtui.errors import AccountError, ConfigError, SecretMissing, WebhookSecretMissing
from mailtui.kit.children import SECRETS, WEBHOOK_SECRETS
from mailtui.kit.hidden import hide
from mailtui.kit.suggest import did_you_mean

CREDENTIALS_FOLDER = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what a unit's LoadCredential= names (systemd.exec(5))."""
_MOST = 64 * 1024
_FOR = " for "


class Place(StrEnum):
    """Where a secret is found."""

    HANDED = "handed over"  # by a launcher, --password-fd, or a person in this app
    KEYRING = "keyring"
    VARIABLE = "variable"
    COMMAND = "command"
    SYSTEMD = "systemd"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a secret would come from; None where it would be missing. `tried` are the places in words, each with what
    was found there.
    """

    place: Place | None
    tried: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SecretSettings:
    """What the settings say about secrets, none of which is in them.

    `allow`: keyrings to use that are not the system's; `commands`: `password_command` by account; `dkim_keys`: files
    with keys to sign with by account, where they are not in the keyring. `strangers`: accounts that somebody else may
    have written, with whom and where each logs in. `logins`: whom and where each account logs in, as `login_of` says.
    """

    allow: tuple[str, ...] = ()
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    dkim_keys: Mapping[str, Path] = field(default_factory=dict)
    strangers: Mapping[str, str] = field(default_factory=dict)
    logins: Mapping[str, str] = field(default_factory=dict)

    def entry(self, name: str) -> str:
        """What an entry is called in the keyring. That of a stranger names who gets it: what was kept for an account of
        this name, or for a stranger before it was changed, is for another server.
        """
        where = self.strangers.get(name.partition(" ")[0])
        return name if where is None or _FOR in name else f"{name}{_FOR}{where}"


def login_of(user: str, host: str) -> str:
    """Whom a password is for, and where; ports are not told apart, for many servers have several."""
    return f"{user} at {host.lower()}"


def another_login(account: str, then: str, now: str) -> tuple[str, str, str]:
    """Title, detail and hint of the error about a campaign whose account logs in as somebody else by now, or elsewhere.
    A password that was changed with the server is for the new one alone.
    """
    return (
        f"The account {account} is another login by now: {now}",
        f"The campaign was launched through {then}, which is not told the password of another login.",
        "To send what is left through the account as it is now, run the campaign again: mailtui run CAMPAIGN",
    )


def variable_for(account: str) -> str:
    """The environment variable that may hold an account's password."""
    return SECRETS + _as_variable(account)


def webhook_variable(name: str) -> str:
    """The environment variable that may hold what a webhook is signed with."""
    return WEBHOOK_SECRETS + _as_variable(name)


def _as_variable(name: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


class SecretSource:
    """Asks each place in turn. What a person typed or another process handed over stays, until it is told otherwise."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        settings: Callable[[], SecretSettings] = SecretSettings,
        given: Mapping[str, str] | None = None,
        logins: Mapping[str, str] | None = None,
        ask: Callable[[str], Awaitable[str | None]] | None = None,
    ) -> None:
        """`settings` are read when they are needed first. `given`: secrets handed over by another process, by the names
        of their entries in the keyring, and `logins` whom they are for. `ask`: prompts a person; None answers nothing.
        """
        self._environ = environ
        self._read_settings = settings
        self._settings: SecretSettings | None = None
        self._told: dict[str, str] = {}
        self._told_at: dict[str, float] = {}
        self._found: dict[str, str] = {}
        self._logins = logins
        self._logins_kept: set[str] = set()
        self._ask = ask
        self.keyring = KeyringStore(lambda: self._said().allow, self._named)
        for entry, secret in (given or {}).items():
            self.tell(entry, secret)

    async def __call__(self, account: str) -> str:
        return await self.password(account)

    async def password(self, account: str, *, anew: bool = False) -> str:
        """The password; `anew` looks once more into places where it may have changed. Raises `SecretMissing`."""
        if account in self._told:
            return self._told[account]
        if anew:
            self._found.pop(account, None)
        if account not in self._found:
            self._found[account] = await self._find(account)
        return self._found[account]

    def tell_logins(self, logins: Mapping[str, str]) -> None:
        """Whom the accounts of the settings log in as, and where, as another process read them just now."""
        self._logins = logins

    async def require_login(self, account: str, user: str, host: str) -> None:
        """What proves an account goes to the server that the settings name, whatever an outbox says. Raises
        `AccountError`. Of an account that they do not have, nothing is known.
        """
        logins = (await self._settings_at_ease()).logins if self._logins is None else self._logins
        then = login_of(user, host)
        now = logins.get(account, then)
        if now != then:
            title, detail, hint = another_login(account, then, now)
            raise AccountError(title, detail=detail, hint=hint)

    def settings_changed(self) -> None:
        """Have the settings read again when they are needed next, and what came from their commands asked for anew."""
        self._settings = None
        self._found.clear()

    async def where(self, account: str) -> Whereabouts:
        """Where the password would come from. No person is asked, and no command is started."""
        if account in self._told:
            return Whereabouts(Place.HANDED)
        place, _, tried = await self._look(account, run=False)
        return Whereabouts(place, tuple(tried))

    def tell(self, entry: str, secret: str | None) -> None:
        """Keep a secret that a person typed or another process handed over, in memory only; None forgets what is known,
        so that it is looked for again.
        """
        self._found.pop(entry, None)
        if secret is None:
            self._told.pop(entry, None)
        else:
            hide(secret)
            self._told[entry] = secret
            self._told_at[entry] = time.time()

    @property
    def handed(self) -> Mapping[str, str]:
        """What was handed over so far, for a process that works in this one's stead."""
        return dict(self._told)

    def forget(self, account: str, password: str) -> None:
        """A server would not have this password: the next who asks has it looked for anew."""
        for known in (self._told, self._found):
            if known.get(account) == password:
                del known[account]

    def doubt(self, account: str, since: float) -> None:
        """The account's login was refused then (epoch seconds): what was known before is not used again."""
        self._found.pop(account, None)
        if account in self._told and self._told_at[account] <= since:
            self.tell(account, None)

    async def signing_key(self, account: str) -> str:
        """The key that an account signs with, a PEM text. Raises `AccountError`."""
        entry = dkim_entry(account)
        if entry in self._told:
            return self._told[entry]
        file = (await self._settings_at_ease()).dkim_keys.get(account)
        if file is not None:
            return (await asyncio.to_thread(read_key_file, file)).decode("ascii", "replace")
        found = await self.keyring.get(entry)
        if found is None:
            raise AccountError(
                f"The account {account} signs its mails, and its key was not found",
                detail=f"The keyring has no entry {self._entry(entry)}.",
                hint=f"Make one: mailtui accounts dkim {account} --make rsa",
            )
        return found

    async def webhook_secret(self, name: str) -> str:
        """What a webhook's posts are signed with; looked for anew each time, since they are rare. Raises
        `WebhookSecretMissing`.
        """
        entry, tried = webhook_entry(name), list[str]()
        try:
            found = self._told.get(entry) or await self.keyring.get(entry)
            tried.append(f"the keyring (no entry {KEYRING_SERVICE} {entry})")
        except KeyringProblem as problem:
            found = None
            tried.append(f"the keyring ({problem.word})")
        if not found:
            found, said = self._variable(webhook_variable(name))
            tried.append(said)
        if not found:
            _, found, tried = self._systemd(f"webhook.{name}", tried)
        if not found:
            raise WebhookSecretMissing(name, variable=webhook_variable(name), tried=tried)
        return found

    # a login by OAuth

    async def refresh_token(self, account: str) -> str:
        """What access tokens are fetched with. The keyring counts before what was handed over: it may have changed
        since. Raises `SecretMissing` before somebody has logged in, `KeyringProblem`.
        """
        _, found, tried = await self._look_for_login(account)
        if not found:
            raise SecretMissing(account, login=True, tried=tried)
        return found

    async def login_where(self, account: str) -> Whereabouts:
        """Where the refresh token would come from. Raises `KeyringProblem`."""
        place, _, tried = await self._look_for_login(account)
        return Whereabouts(place, tuple(tried))

    async def _look_for_login(self, account: str) -> tuple[Place | None, str | None, list[str]]:
        """As `_look`. Raises `KeyringProblem` where no other place has it."""
        entry, tried, problem = login_entry(account), list[str](), None
        try:
            found = await self.keyring.get(entry)
        except KeyringProblem as error:
            problem = error
        else:
            if found:
                # The newest that is known, for when the keyring goes away: most providers take an older one no more.
                self._told[entry] = found
                self._logins_kept.add(account)
                return Place.KEYRING, found, tried
            if account in self._logins_kept:
                self._told.pop(entry, None)  # somebody logged out
                self._logins_kept.discard(account)
            tried.append(f"the keyring (no entry {self._entry(entry)})")
        handed = self._told.get(entry) or self._told.get(account)
        if handed:
            return Place.HANDED, handed, tried
        found = self._variable(variable_for(account))[0]
        if found:
            return Place.VARIABLE, found, tried
        place, found, tried = self._systemd(account, tried)
        if problem is not None and not found:
            raise problem
        return place, found, tried

    async def keep_refresh_token(self, account: str, token: str) -> None:
        """Put a newer one in the place of the one that was used. Raises `KeyringProblem`."""
        self._told[login_entry(account)] = token
        await self.keyring.set(login_entry(account), token)
        self._logins_kept.add(account)

    async def client_secret(self, account: str) -> str | None:
        """The secret of an account's OAuth client, None where it has none. Looked for as the refresh token is. Raises
        `KeyringProblem`.
        """
        entry, problem = client_entry(account), None
        try:
            found = await self.keyring.get(entry)
        except KeyringProblem as error:
            found, problem = None, error
        if found:
            self._told[entry] = found
            return found
        known = self._told.get(entry) or self._variable(variable_for(entry))[0]
        # No client's secret can be in a keyring that this machine does not have.
        if problem is not None and not known and problem.trouble not in (Trouble.NONE, Trouble.NOT_REAL):
            raise problem
        return known or None

    # looking

    async def _find(self, account: str) -> str:
        _, found, tried = await self._look(account, run=True)
        if found is None and self._ask is not None:
            found = await self._ask(account)
        if not found:
            raise SecretMissing(account, variable=variable_for(account), tried=tried)
        return hide(found)

    async def _look(self, account: str, *, run: bool) -> tuple[Place | None, str | None, list[str]]:
        """The first place that has it, and what it has; a command is only started if it is to `run`."""
        tried: list[str] = []
        try:
            found = await self.keyring.get(account)
            if found:
                return Place.KEYRING, found, tried
            tried.append(f"the keyring (no entry {self._entry(account)})")
        except KeyringProblem as problem:
            tried.append(f"the keyring ({problem.word})")
        found, said = self._variable(variable_for(account))
        if found:
            return Place.VARIABLE, found, tried
        tried.append(said)
        try:
            command = (await self._settings_at_ease()).commands.get(account)
            if command is not None:
                return Place.COMMAND, await ask_command(account, command, self._environ) if run else None, tried
        except CommandFailed as problem:
            tried.append(f"password_command ({problem.word})")
        except ConfigError as problem:
            tried.append(f"password_command ({problem.title})")
        return self._systemd(account, tried)

    def _variable(self, variable: str) -> tuple[str | None, str]:
        """What the environment has, without the line's end that files bring along; and in words that it has nothing."""
        found = self._environ.get(variable, "").removesuffix("\n").removesuffix("\r")
        try:
            found.encode()
        except UnicodeEncodeError:
            return None, f"the variable {variable} (it is no text in UTF-8)"
        return hide(found) or None, f"the variable {variable} (not set)"

    def _systemd(self, account: str, tried: list[str]) -> tuple[Place | None, str | None, list[str]]:
        folder = self._environ.get(CREDENTIALS_FOLDER)
        if not folder:
            return None, None, tried
        file = Path(folder) / f"mailtui.{account}"
        try:
            with file.open(encoding="utf-8") as stream:
                found = stream.read(_MOST).removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            because = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            tried.append(f"the systemd credential {file.name} ({because})")
            return None, None, tried
        if found:
            return Place.SYSTEMD, hide(found), tried
        tried.append(f"the systemd credential {file.name} (it is empty)")
        return None, None, tried

    def _entry(self, name: str) -> str:
        """An entry as a person finds it in a keyring that was asked for it, which had the settings read."""
        return f"{KEYRING_SERVICE} {self._named(name)}"

    def _named(self, entry: str) -> str:
        """What an entry is called in the keyring. Of a webhook's the settings need not be read, which takes a while."""
        return entry if is_webhook_entry(entry) else self._said().entry(entry)

    def _said(self) -> SecretSettings:
        if self._settings is None:
            self._settings = self._read_settings()
        return self._settings

    async def _settings_at_ease(self) -> SecretSettings:
        """The settings, read outside of the loop."""
        return await asyncio.to_thread(self._said)


def unknown_account(name: str, known: list[str], *, file: str) -> AccountError:
    """The error for an account that the settings do not have; `file` is where it would stand."""
    where = f"Accounts stand in {file}.\nSee which there are: mailtui accounts list."
    hint = did_you_mean(name, known) or f"{where} To add it: mailtui accounts add {name}"
    return AccountError(f"There is no account {name} in the settings", hint=hint)
