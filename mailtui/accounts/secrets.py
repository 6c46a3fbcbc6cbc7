"""Owns finding an account's password: handed over, keyring, environment, a question at the terminal; in that order.

Nothing is ever written by this module, and no password appears in an error.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from mailtui.errors import AccountError, SecretMissing
from mailtui.kit.children import SECRETS
from mailtui.kit.suggest import did_you_mean

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
_CHAIN = "keyring.backends.chainer"


def variable_for(account: str) -> str:
    """The environment variable that may hold an account's password."""
    return SECRETS + re.sub(r"[^A-Z0-9]", "_", account.upper())


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

    def tell(self, account: str, secret: str | None) -> None:
        """Keep a password that a person typed, in memory only; None forgets it, so that it is looked for again."""
        if secret is None:
            self._known.pop(account, None)
        else:
            self._known[account] = secret

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

    def deliver(result: Answer | None, error: Exception | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        elif result is not None:
            answer.set_result(result)

    def work() -> None:
        result, error = None, None
        try:
            result = ask()
        except Exception as problem:  # noqa: BLE001 - backends are other people's programs, and raise what they like
            error = problem
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=work, name="keyring", daemon=True).start()
    async with asyncio.timeout(_PATIENCE):
        return await answer


def _describe_keyring() -> tuple[str, bool]:
    try:
        backends, other = _backends()
    except Exception as error:  # noqa: BLE001 - as above: a configured backend that cannot be loaded, for example
        return f"it cannot be used ({type(error).__name__})", False
    if backends:
        return ", ".join(type(backend).__module__.rpartition(".")[2] for backend in backends), True
    return ("none on this machine" if other.endswith(".fail") else f"{other} does not keep secrets"), False


def _backends() -> tuple[list[Any], str]:
    """The backends to ask: the one in use, or the real ones of a chain of them; and the name of the one in use."""
    import keyring  # here, since it loads its backends

    used: Any = keyring.get_keyring()
    name = type(used).__module__
    members = list(used.backends) if name == _CHAIN else [used]
    return [member for member in members if type(member).__module__ in _REAL_BACKENDS], name


def _ask_keyring(account: str) -> tuple[str | None, str]:
    name, real = _describe_keyring()
    if not real:
        return None, name
    import keyring.errors

    for backend in _backends()[0]:
        try:
            found = backend.get_password(KEYRING_SERVICE, account)
        except keyring.errors.KeyringLocked:
            return None, "it is locked"
        except Exception as error:  # noqa: BLE001 - as above; its text is not shown, since it is not ours to vouch for
            return None, f"it could not be asked: {type(error).__name__}"
        if found:
            return str(found), "found"
    return None, f"no entry {KEYRING_SERVICE} {account}"


def unknown_account(name: str, known: list[str], *, file: str) -> AccountError:
    """The error for an account that the settings do not have; `file` is where it would stand."""
    where = f"Accounts stand in {file}.\nSee which there are, or how one is written: mailtui accounts list"
    hint = did_you_mean(name, known) or where
    return AccountError(f"There is no account {name} in the settings", hint=hint)
