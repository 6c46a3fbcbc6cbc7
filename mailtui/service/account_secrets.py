"""Owns what the keyring has for an account: it goes along with a new name, and goes when the account goes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailtui.accounts.keyring_store import KeyringProblem, KeyringStore, Trouble, client_entry, dkim_entry, login_entry

if TYPE_CHECKING:
    from mailtui.service.facade import Service

_NOWHERE = (Trouble.NONE, Trouble.NOT_REAL)
_TO_LEAVE = 2.0
"""How long it may take to put an entry back, in seconds: somebody may wait to be let go."""


def entries(name: str) -> tuple[str, ...]:
    """The entries that an account may have in the keyring."""
    return (name, dkim_entry(name), client_entry(name), login_entry(name))


def kept_as(service: Service, name: str) -> tuple[str, ...]:
    """What the entries of an account are called in the keyring, by the settings as they are now."""
    settings = service.settings.secrets()
    return tuple(map(settings.entry, entries(name)))


async def move_secrets(service: Service, old: str, former: Sequence[str], new: str) -> None:
    """Secrets go with the account: written under the new name first, so that none is lost on the way. `former` are the
    entries of the `old` one as the keyring calls them. All of them or none; raises `KeyringProblem`.
    """
    keyring = service.keyring
    moved: list[tuple[str, str, str]] = []
    try:
        for before, after in zip(former, entries(new), strict=True):
            secret = await keyring.get(before)
            if secret is not None:
                moved.append((before, after, secret))
                await keyring.set(after, secret)
        for before, _, _ in moved:
            await keyring.delete(before)
    except KeyringProblem as problem:
        if problem.trouble not in _NOWHERE:
            await _put_back(keyring, moved)
            raise
    except asyncio.CancelledError:
        await _put_back(keyring, moved)
        raise
    for entry in entries(old):
        service.secrets.tell(entry, None)


async def _put_back(keyring: KeyringStore, moved: Sequence[tuple[str, str, str]]) -> None:
    """As it was; an entry is taken out under its new name once it is there under the old one."""
    for before, after, secret in moved:
        with contextlib.suppress(KeyringProblem, TimeoutError):  # what cannot be taken out is better there twice
            async with asyncio.timeout(_TO_LEAVE):
                if await keyring.get(before) is None:
                    await keyring.set(before, secret)
                await keyring.delete(after)


async def give_back(service: Service, name: str) -> None:
    """Take a password out again that was given with an account of which nothing came."""
    with contextlib.suppress(KeyringProblem, TimeoutError):  # it is told that it did not keep it, and cannot be asked
        async with asyncio.timeout(_TO_LEAVE):
            await service.keyring.delete(name)


async def remove_secrets(service: Service, name: str, *, force: bool) -> KeyringProblem | None:
    """Take everything out of the keyring that it has for an account. What kept it from that, where there is no keyring
    or it is to go on all the same (`force`), else raises `KeyringProblem`.
    """
    left = None
    for entry in entries(name):
        try:
            await service.keyring.delete(entry)
        except KeyringProblem as problem:
            if problem.trouble not in _NOWHERE and not force:
                raise
            left = problem
        service.secrets.tell(entry, None)
    return left
