"""Owns the system's keyring: which ones are used, reading, writing and removing entries, each within a time limit.

An entry is told by its name, below the service `mailtui`: `ACCOUNT` has the password, `ACCOUNT login` the refresh token
of a login by OAuth, `ACCOUNT client` the secret of its client, `ACCOUNT dkim` a key to sign with, and `webhook NAME`
what a webhook is signed with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Generic, TypeVar

from mailtui.errors import AccountError, MailtuiError
from mailtui.kit.hidden import hide
from mailtui.kit.left_behind import left_behind
from mailtui.kit.words import counted

Answer = TypeVar("Answer")

KEYRING_SERVICE = "mailtui"
_PATIENCE = 5.0
_PATIENCE_TO_WRITE = 30.0
"""Somebody is there who writes, and may have to unlock the keyring first."""
_REAL_BACKENDS = (
    "keyring.backends.SecretService",
    "keyring.backends.libsecret",
    "keyring.backends.kwallet",
    "keyring.backends.macOS",
    "keyring.backends.Windows",
)
"""Backends that are the operating system's own. Others keep passwords readable on disk, or throw them away."""
_CHAIN = "keyring.backends.chainer"
_NOBODYS = "keyring.backends.fail"
_MOST_UNITS = {"keyring.backends.Windows": 1280}
"""How much one entry may hold, in units of UTF-16: Windows takes 2,560 bytes (CRED_MAX_CREDENTIAL_BLOB_SIZE)."""
_ELSEWHERE = "Without one: a variable, password_command, a systemd credential or --password-fd. See docs/secrets.md."


class Trouble(StrEnum):
    """Why a keyring is of no use at the moment."""

    NONE = "none"
    NOT_REAL = "not real"
    LOCKED = "locked"
    DENIED = "denied"
    NO_ANSWER = "no answer"
    NOT_KEPT = "not kept"
    TOO_LONG = "too long"
    BROKEN = "broken"


class KeyringProblem(AccountError):
    """The keyring cannot be used. `word` says why in a few words, for a list of the places that were looked in.

    Nothing of what the keyring itself says is in it: that is not ours to vouch for.
    """

    def __init__(self, trouble: Trouble, word: str, title: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(title, detail=detail, hint=hint)
        self.trouble = trouble
        self.word = word


def dkim_entry(account: str) -> str:
    """The entry with an account's key to sign with, a PEM text."""
    return f"{account} dkim"


def login_entry(account: str) -> str:
    """The entry with the refresh token of an account's login by OAuth: not that of a password, so that an account which
    changes from one to the other says neither to whom the other is for.
    """
    return f"{account} login"


def client_entry(account: str) -> str:
    """The entry with the secret of an account's OAuth client."""
    return f"{account} client"


def webhook_entry(name: str) -> str:
    """The entry with the secret that a webhook's posts are signed with."""
    return f"webhook {name}"


def is_webhook_entry(entry: str) -> bool:
    """Whether that is what it is, and nothing of an account of the name `webhook`."""
    return entry.startswith(webhook_entry("")) and entry not in map(webhook_entry, NO_WEBHOOKS)


NO_WEBHOOKS = ("dkim", "login", "client")
"""Names that no webhook has: `webhook dkim` is the key of an account of the name `webhook`."""


class KeyringStore:
    """The keyring of whoever runs this. One store may be used from any number of tasks."""

    def __init__(
        self, allow: Callable[[], Sequence[str]] = tuple, named: Callable[[str], str] = lambda entry: entry
    ) -> None:
        """`allow`: modules of backends that a person wants used although no operating system's, `keyring: {allow: …}`
        of the settings. `named` is what an entry is called in the keyring, where that is not its name here. Both are
        asked in another thread.
        """
        self._allow = allow
        self._named = named
        self._hung: threading.Event | None = None

    async def name(self) -> str:
        """What the keyring is, such as `SecretService`. Raises `KeyringProblem` where there is none to use."""
        return await self._within(_PATIENCE, lambda: ", ".join(map(_short_name, self._backends())))

    async def get(self, entry: str) -> str | None:
        """What an entry holds, None where there is none. Raises `KeyringProblem`."""
        return await self._within(_PATIENCE, lambda: self._read(entry))

    async def set(self, entry: str, secret: str) -> None:
        """Write an entry, read it back and compare. Raises `KeyringProblem`; `NOT_KEPT` where it is not the same."""
        await self._within(_PATIENCE_TO_WRITE, lambda: self._write(entry, secret))

    async def delete(self, entry: str) -> bool:
        """Remove an entry from wherever it is; whether there was one. Raises `KeyringProblem`."""
        return await self._within(_PATIENCE_TO_WRITE, lambda: self._remove(entry))

    # in a thread of its own

    def _backends(self) -> list[Any]:
        """The backends to ask: the one in use, or those of a chain that are real or allowed."""
        import keyring  # here, since it loads its backends

        used: Any = keyring.get_keyring()
        name = type(used).__module__
        members = list(used.backends) if name == _CHAIN else [used]
        found = [member for member in members if type(member).__module__ in _REAL_BACKENDS]
        if found:
            return found
        others = [member for member in members if type(member).__module__ != _NOBODYS]
        if not others:
            raise _none_here()
        allowed = self._allow()
        found = [member for member in others if type(member).__module__ in allowed]
        if not found:
            raise _not_real(type(others[0]).__module__)
        return found

    def _read(self, entry: str) -> str | None:
        backends, name = self._backends(), self._named(entry)
        for backend in backends:
            found = backend.get_password(KEYRING_SERVICE, name)
            if found:
                return hide(str(found))
        return None

    def _write(self, entry: str, secret: str) -> None:
        backend, name = self._backends()[0], self._named(entry)
        most = _MOST_UNITS.get(type(backend).__module__)
        units = len(secret.encode("utf-16-le", "surrogatepass")) // 2
        if most is not None and units > most:
            raise _too_long(entry, units, most)
        hide(secret)
        backend.set_password(KEYRING_SERVICE, name, secret)
        if backend.get_password(KEYRING_SERVICE, name) != secret:
            raise _not_kept(entry, _short_name(backend))

    def _remove(self, entry: str) -> bool:
        backends, name = self._backends(), self._named(entry)
        there = [one for one in backends if one.get_password(KEYRING_SERVICE, name) is not None]
        for backend in there:
            backend.delete_password(KEYRING_SERVICE, name)
        return bool(there)

    async def _within(self, seconds: float, ask: Callable[[], Answer]) -> Answer:
        """Ask in a thread that can be left behind: a keyring may block for ever (a desktop prompt that nobody sees, a
        broken session bus), and no more than one such thread is.
        """
        if self._hung is not None and not self._hung.is_set():
            raise _no_answer(seconds)
        through = threading.Event()

        def question() -> _Kept[Answer]:
            try:
                return _Kept(ask())
            finally:
                through.set()

        self._hung = None
        try:
            kept = await left_behind(question, seconds=seconds, name="keyring")
        except TimeoutError:
            self._hung = through
        except Exception as error:  # noqa: BLE001 - backends are other people's programs, and raise what they like
            problem = _problem_of(error)
        else:
            return kept.answer
        # Not from within the handlers: what a backend raised may hold what it was given.
        raise _no_answer(seconds) if self._hung is not None else problem


class _Kept(Generic[Answer]):
    """What a keyring answered. Nothing that shows this shows that: asyncio's debug log shows results."""

    __slots__ = ("answer",)

    def __init__(self, answer: Answer) -> None:
        self.answer = answer


def _short_name(backend: Any) -> str:
    return type(backend).__module__.rpartition(".")[2]


def _problem_of(error: Exception) -> KeyringProblem:
    """What a backend raised, as a sentence of ours."""
    if isinstance(error, KeyringProblem):
        return error
    if isinstance(error, MailtuiError):  # the settings, which say which keyrings are allowed
        return KeyringProblem(Trouble.BROKEN, error.title, error.title, detail=error.detail, hint=error.hint)
    from keyring import errors  # loaded by now: it is what raised

    if isinstance(error, errors.NoKeyringError):
        return _none_here()
    denied = type(error.__cause__).__name__ == "KeychainDenied"  # macOS: somebody said no to its question
    if isinstance(error, errors.KeyringLocked) and not denied:
        return KeyringProblem(
            Trouble.LOCKED,
            "it is locked",
            "The keyring is locked",
            detail="It holds its entries back until somebody unlocks it with its password.",
            hint="Unlock it, by logging in to the desktop for example, and try again.",
        )
    if denied or isinstance(error, errors.InitError | errors.PasswordSetError | errors.PasswordDeleteError):
        return KeyringProblem(
            Trouble.DENIED,
            "it would not open",
            "The keyring would not open",
            detail="It let nobody in: there is no desktop that could ask for its password, or the answer was no.",
            hint=f"Log in to the desktop, or unlock it there, and try again. {_ELSEWHERE}",
        )
    kind = type(error).__name__
    return KeyringProblem(
        Trouble.BROKEN,
        f"it could not be asked: {kind}",
        f"The keyring could not be asked ({kind})",
        hint=f"See whether another program can use it: python -m keyring diagnose. {_ELSEWHERE}",
    )


def _none_here() -> KeyringProblem:
    return KeyringProblem(Trouble.NONE, "none on this machine", "There is no keyring on this machine", hint=_ELSEWHERE)


def _not_real(name: str) -> KeyringProblem:
    return KeyringProblem(
        Trouble.NOT_REAL,
        f"{name} is not the system's",
        f"{name} is no keyring of an operating system, and is not used",
        detail="It may keep passwords readable in a file, or throw them away.",
        hint=f"To use it all the same, say in the settings: keyring: {{allow: [{name}]}}. {_ELSEWHERE}",
    )


def _no_answer(seconds: float) -> KeyringProblem:
    return KeyringProblem(
        Trouble.NO_ANSWER,
        f"no answer within {seconds:g} seconds; is it waiting for an unlock prompt?",
        f"The keyring gave no answer within {seconds:g} seconds",
        detail="It may wait for somebody to unlock it, in a window that perhaps nobody sees.",
        hint=f"Unlock it and try again. {_ELSEWHERE}",
    )


def _not_kept(entry: str, name: str) -> KeyringProblem:
    return KeyringProblem(
        Trouble.NOT_KEPT,
        "it does not keep what it is given",
        f"The keyring did not keep {entry}",
        detail=f"{name} took it, and gave back something else, or nothing, when it was read again.",
        hint=_ELSEWHERE,
    )


def _too_long(entry: str, units: int, most: int) -> KeyringProblem:
    return KeyringProblem(
        Trouble.TOO_LONG,
        "it is too long for it",
        f"{entry} is too long for the keyring of Windows",
        detail=f"It has {counted(units, 'character')}, and an entry holds {most:,} at most.",
        hint="It may stand in a file that only you can read: dkim: {key: FILE}."
        if entry.endswith(dkim_entry(""))
        else _ELSEWHERE,
    )
