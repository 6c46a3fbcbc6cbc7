"""Owns finding an account's password: handed over, keyring, environment, a question at the terminal; in that order.

Nothing is ever written by this module, and no password appears in an error.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from mailtui.errors import AccountError, SecretMissing

Answer = TypeVar("Answer")

KEYRING_SERVICE = "mailtui"
_PATIENCE = 5.0
_REAL_BACKENDS = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
"""Backends that are the operating system's own. Others keep passwords readable on disk, or throw them away."""


def variable_for(account: str) -> str:
    """The environment variable that may hold an account's password."""
    return "MAILTUI_PASSWORD_" + re.sub(r"[^A-Z0-9]", "_", account.upper())


def is_secret_variable(name: str) -> bool:
    """Whether an environment variable holds a password, so that no child process may inherit it."""
    return name.startswith("MAILTUI_PASSWORD_")


class SecretSource:
    """Asks each place in turn, once an account; what was found is kept in memory only."""

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        given: Mapping[str, str] | None = None,
        ask: Callable[[str], str | None] | None = None,
    ) -> None:
        """`given`: passwords handed over by another process. `ask`: prompts a person; None answers nothing."""
        self._environ = environ
        self._known: dict[str, str] = dict(given or {})
        self._ask = ask

    async def __call__(self, account: str) -> str:
        """The password. Raises `SecretMissing`, or `AccountError` when the keyring cannot be asked."""
        if account not in self._known:
            self._known[account] = await self._find(account)
        return self._known[account]

    async def _find(self, account: str) -> str:
        tried = []
        variable = variable_for(account)
        found, word = await _in_keyring(account)
        if found is not None:
            return found
        tried.append(f"the keyring ({word})")
        if self._environ.get(variable):
            return self._environ[variable]
        tried.append(f"the variable {variable} (not set)")
        if self._ask is not None:
            answer = await asyncio.to_thread(self._ask, account)
            if answer:
                return answer
        raise SecretMissing(account, variable=variable, tried=tried)


async def _in_keyring(account: str) -> tuple[str | None, str]:
    """The keyring's password, or None and a word why not."""
    try:
        return await _left_behind(lambda: _ask_keyring(account))
    except TimeoutError:
        return None, f"no answer within {_PATIENCE:g} seconds; is it waiting for an unlock prompt?"


async def backend_name() -> tuple[str, bool]:
    """Which keyring there is, and whether it is one that passwords may be read from."""
    try:
        return await _left_behind(_describe_keyring)
    except TimeoutError:
        return f"no answer within {_PATIENCE:g} seconds", False


async def _left_behind(ask: Callable[[], Answer]) -> Answer:
    """Ask in a thread that can be left behind: a keyring may block for ever (a desktop prompt nobody sees, a broken
    session bus). Raises TimeoutError.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Answer] = loop.create_future()

    def deliver(result: Answer) -> None:
        if not answer.done():
            answer.set_result(result)

    def work() -> None:
        result = ask()
        if not loop.is_closed():
            loop.call_soon_threadsafe(deliver, result)

    threading.Thread(target=work, name="keyring", daemon=True).start()
    async with asyncio.timeout(_PATIENCE):
        return await answer


def _describe_keyring() -> tuple[str, bool]:
    import keyring  # here, since it loads its backends

    module = type(keyring.get_keyring()).__module__
    if module.startswith(_REAL_BACKENDS):
        return module.removeprefix("keyring.backends."), True
    return ("none on this machine" if module.endswith(".fail") else f"{module} does not keep secrets"), False


def _ask_keyring(account: str) -> tuple[str | None, str]:
    import keyring
    import keyring.errors

    name, real = _describe_keyring()
    if not real:
        return None, name
    try:
        found = keyring.get_keyring().get_password(KEYRING_SERVICE, account)
    except keyring.errors.KeyringLocked:
        return None, "it is locked"
    except keyring.errors.KeyringError as error:
        return None, f"it answered: {error}"
    return (found, "found") if found else (None, f"no entry {KEYRING_SERVICE} {account}")


def unknown_account(name: str, known: list[str]) -> AccountError:
    """The error for an account that the settings do not have."""
    from mailtui.kit.suggest import did_you_mean

    hint = (
        did_you_mean(name, known) or "Add it to the settings file; a commented sample is in sample_data/settings.yaml."
    )
    return AccountError(f"There is no account {name} in the settings", hint=hint)
