"""Owns where an account's secret would come from, for people; no secret is shown, and no command is started."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mailtui.accounts.keyring_store import KeyringProblem, Trouble
from mailtui.accounts.secrets import Place, variable_for

if TYPE_CHECKING:
    from mailtui.service.facade import Service


class SecretKind(StrEnum):
    """Where an account's secret comes from."""

    KEYRING = "keyring"
    VARIABLE = "variable"
    COMMAND = "command"
    SYSTEMD = "systemd"
    OAUTH = "oauth"  # a login at the provider, whose token is in the keyring
    GIVEN = "given"  # typed, or handed over, for as long as this program runs
    NOT_NEEDED = "not needed"
    MISSING = "missing"


_KINDS = {
    Place.HANDED: (SecretKind.GIVEN, "kept in memory until mailtui ends"),
    Place.KEYRING: (SecretKind.KEYRING, "in the keyring"),
    Place.VARIABLE: (SecretKind.VARIABLE, "in an environment variable"),
    Place.COMMAND: (SecretKind.COMMAND, "printed by password_command"),
    Place.SYSTEMD: (SecretKind.SYSTEMD, "a credential of systemd"),
}


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is, and that in a few words; never the secret. `hint` says what to do where it is missing."""

    kind: SecretKind
    text: str
    hint: str = ""


async def secret_place(service: Service, name: str) -> SecretPlace:
    """Where the account's secret would come from. Never raises for a keyring that cannot be asked."""
    endpoint = service.settings.endpoint(name)
    if not endpoint.user:
        return SecretPlace(SecretKind.NOT_NEEDED, "no login, so none is needed")
    if endpoint.grant is not None:
        return await _login_place(service, name)
    found = await service.secrets.where(name)
    if found.place is not None:
        return SecretPlace(*_KINDS[found.place])
    looked = "looked in: " + ", ".join(found.tried)
    return SecretPlace(SecretKind.MISSING, looked, await _way_to_give(service, name))


async def _way_to_give(service: Service, name: str) -> str:
    """How a person gives a password that is missing: to the keyring, if there is one."""
    try:
        await service.keyring.name()
    except KeyringProblem as problem:
        if problem.trouble in (Trouble.NONE, Trouble.NOT_REAL):
            return f"Set {variable_for(name)}, or name a password_command."
    return f"Store it: mailtui accounts password {name}"


async def _login_place(service: Service, name: str) -> SecretPlace:
    hint = f"Log in: mailtui accounts login {name}"
    try:
        found = await service.secrets.login_where(name)
    except KeyringProblem as problem:
        return SecretPlace(SecretKind.MISSING, f"the keyring: {problem.word}", problem.hint or hint)
    if found.place is None:
        return SecretPlace(SecretKind.MISSING, "nobody has logged in", hint)
    if found.place is Place.KEYRING:
        return SecretPlace(SecretKind.OAUTH, "logged in; the token is in the keyring")
    kind, where = _KINDS[found.place]
    return SecretPlace(kind, f"logged in; the token is {where}")
