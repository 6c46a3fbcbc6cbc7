"""Owns access tokens: fetched with the refresh token of a login, kept in memory only, renewed before they run out."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from mailtui.accounts.oauth.asking import Answer, NoAnswer, ask
from mailtui.accounts.oauth.granted import Granted, read_granted
from mailtui.accounts.oauth.refusals import ENDED, ended, in_words, refused, title_of
from mailtui.errors import AccountError, LoginEnded, TokenUnavailable
from mailtui.kit import journal
from mailtui.kit.file_lock import exclusive
from mailtui.kit.hidden import reveal

_AHEAD = 300.0
"""A token is renewed so many seconds before it runs out, or in the last fifth of its life if that is shorter."""
_TRIES = 3
_PAUSE = 1.0  # seconds before the second try, twice that before the third
_LONGEST_PAUSE = 10.0
_PUT_OFF = 10.0  # seconds for which nobody is asked again after all tries failed
_LONGEST_PUT_OFF = 300.0  # the same, if the provider says so
_NEW = 30.0  # seconds; a server that refuses a token as new as this will refuse the next one, too
_OTHERS = 150.0  # seconds for another process that renews
_LAST_WAIT = 10.0  # seconds, when nobody wants the token any more


class Grant(Protocol):
    """How tokens for one use of a login are asked for; `TokenGrant` of an endpoint is one. No secret in it."""

    @property
    def token_url(self) -> str: ...
    @property
    def client_id(self) -> str: ...
    @property
    def scope(self) -> str: ...


class LoginStore(Protocol):
    """Where logins are kept: the keyring, or what was handed over."""

    async def refresh_token(self, account: str) -> str:
        """The refresh token as it is now, looked up anew. Raises `SecretMissing`, `AccountError`."""
        ...

    async def keep_refresh_token(self, account: str, token: str) -> None:
        """Put a newer one in its place. Raises `AccountError` where it cannot be kept."""
        ...

    async def client_secret(self, account: str) -> str | None:
        """The secret of the client id, where the provider wants one."""
        ...


_Key = tuple[str, str, str, str]


def turn(run: Path, account: str) -> AbstractAsyncContextManager[None]:
    """One process at a time reads and changes the login of an account; `run` is the folder for locks."""
    return exclusive(run / f"login-{account}.lock")


@dataclass(frozen=True, slots=True)
class _Held:
    """A token with the instants, by both clocks, at which it was asked for, and the digest of the refresh token that is
    good for the next one: another one is another login.
    """

    text: str = field(repr=False)
    life: float
    asked: float
    asked_wall: float
    after_refusal: bool
    login: bytes

    def age(self, now: float, wall: float) -> float:
        # The monotonic clock stands still while a laptop sleeps, the other one can be put back: the older age counts.
        return max(now - self.asked, wall - self.asked_wall)


@dataclass(slots=True)
class _Failures:
    """What would only fail again: the refresh token that was refused, by its digest, and until when not to ask."""

    ended: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    put_off: dict[_Key, tuple[float, TokenUnavailable]] = field(default_factory=dict)


class TokenSource:
    """Gives out access tokens. One of these for an event loop; processes take turns by a lock in `run`."""

    def __init__(
        self,
        store: LoginStore,
        run: Path,
        *,
        scale: float = 1.0,
        wall: Callable[[], float] = time.time,
    ) -> None:
        """`run` is the folder for locks; `scale` shortens waiting; `wall` is epoch seconds."""
        self._store = store
        self._run = run
        self._scale = scale
        self._wall = wall
        self._held: dict[_Key, _Held] = {}
        self._renewing: dict[str, tuple[_Key, asyncio.Task[str]]] = {}
        self._failures = _Failures()
        self._unkept: dict[str, tuple[str, str]] = {}

    async def access(self, account: str, grant: Grant, *, refused: str | None = None) -> str:
        """An access token that is good for a while. `refused` is one that a server would not take.

        Raises `LoginEnded` (a person has to log in anew), `TokenUnavailable` (later), `SecretMissing` (never logged
        in), `AccountError` (the client id or its secret is wrong, the keyring cannot be used).
        """
        key = (account, grant.token_url, grant.client_id, grant.scope)
        while True:
            found = self._usable(key, refused)
            if found is not None:
                return found
            if account not in self._renewing:
                # A task of its own: a provider that has given out the next refresh token takes the one before no
                # more, so whoever is cancelled meanwhile must not keep the new one from being stored.
                task = asyncio.create_task(self._renew(key, grant, refused))
                self._renewing[account] = key, task
                task.add_done_callback(lambda done: self._renewed(account, done))
            for_key, task = self._renewing[account]
            await asyncio.wait([task])
            if for_key == key:
                return task.result()

    async def settle(self) -> None:
        """Wait for renewals that are under way, so that no refresh token that is handed out gets lost; not for a
        provider that does not answer.
        """
        tasks = [task for _, task in self._renewing.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=_LAST_WAIT * self._scale)

    def _renewed(self, account: str, task: asyncio.Task[str]) -> None:
        del self._renewing[account]
        if not task.cancelled():
            task.exception()  # whoever waits raises it; nobody may be left who does

    def _usable(self, key: _Key, refused: str | None) -> str | None:
        held = self._held.get(key)
        if held is None or held.text == refused:
            return None
        left = held.life - held.age(time.monotonic(), self._wall())
        return held.text if left > min(_AHEAD, held.life / 5) else None

    def _still_good(self, key: _Key, refused: str | None) -> str | None:
        held = self._held.get(key)
        if held is None or held.text == refused or held.age(time.monotonic(), self._wall()) >= held.life:
            return None
        return held.text

    async def _renew(self, key: _Key, grant: Grant, refused: str | None) -> str:
        account, who = key[0], title_of(grant.token_url)
        until, error = self._failures.put_off.get(key, (0.0, None))
        if error is not None and time.monotonic() < until:
            return self._go_on_with(key, refused, error)
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(_OTHERS):
                    await stack.enter_async_context(turn(self._run, account))
            except TimeoutError:
                raise TokenUnavailable(
                    account, where=who, why="another mailtui process has been renewing the login for minutes"
                ) from None
            try:
                return await self._ask(key, grant, refused)
            except TokenUnavailable as problem:
                wait = max(_PUT_OFF, min(problem.wanted, _LONGEST_PUT_OFF)) * self._scale
                self._failures.put_off[key] = time.monotonic() + wait, problem
                return self._go_on_with(key, refused, problem)

    def _go_on_with(self, key: _Key, refused: str | None, problem: TokenUnavailable) -> str:
        """The token at hand while it lasts: it was to be renewed ahead of time, and there is time left."""
        found = self._still_good(key, refused)
        if found is None:
            raise problem
        return found

    async def _ask(self, key: _Key, grant: Grant, refused_token: str | None) -> str:
        account, who = key[0], title_of(grant.token_url)
        token = await self._refresh_token(account)
        digest = _digest(token)
        if self._is_useless(key, refused_token, digest):
            raise _useless(account, who)
        known = self._failures.ended.get(account)
        if known is not None and known[0] == digest:
            raise ended(account, who, known[1])
        secret = await self._store.client_secret(account) or ""
        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": grant.client_id}
        form |= {"scope": grant.scope} if grant.scope else {}
        form |= {"client_secret": secret} if secret else {}
        asked, asked_wall = time.monotonic(), self._wall()
        answer, granted = await self._answered(account, who, grant.token_url, form)
        if granted is None:
            said = in_words(answer, secrets=(token, secret))
            if answer.error in ENDED:
                self._failures.ended[account] = digest, said
                raise ended(account, who, said)
            raise refused(account, who, answer.error, said)
        self._failures.put_off.pop(key, None)
        before = self._held.get(key)
        if before is not None and before.text != granted.access:
            reveal(before.text)
        login, after_refusal = _digest(granted.refresh or token), refused_token is not None
        self._held[key] = _Held(granted.access, granted.life, asked, asked_wall, after_refusal, login)
        if granted.refresh and granted.refresh != token:
            await self._keep(account, token, granted.refresh)
        return granted.access

    def _is_useless(self, key: _Key, refused_token: str | None, login: bytes) -> bool:
        """Whether the token that was just refused came in the place of one that was refused, too, of the same login."""
        held = self._held.get(key)
        if held is None or held.text != refused_token or not held.after_refusal or held.login != login:
            return False
        return held.age(time.monotonic(), self._wall()) < min(_NEW, held.life / 2)

    async def _answered(self, account: str, who: str, url: str, form: dict[str, str]) -> tuple[Answer, Granted | None]:
        """The provider's answer, and what it grants; None with a refusal. Tried again while there is none."""
        number = 0
        while True:
            number += 1
            try:
                answer = await ask(url, form, scale=self._scale)
                return answer, None if answer.error else read_granted(answer.fields)
            except NoAnswer as problem:
                wait = _PAUSE * 2 ** (number - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load
                wait = max(wait, problem.retry_after or 0.0)
                if number >= _TRIES or wait > _LONGEST_PAUSE:
                    tried = f", tried {number} times" if number > 1 else ""
                    wanted = problem.retry_after or 0.0
                    raise TokenUnavailable(account, where=who, why=f"{problem}{tried}", wanted=wanted) from None
                await asyncio.sleep(wait * self._scale)

    async def _refresh_token(self, account: str) -> str:
        """The newest there is: one that could not be kept goes before the one it was given for."""
        kept = await self._store.refresh_token(account)
        before, newer = self._unkept.get(account, ("", ""))
        if not newer:
            return kept
        if kept != before:
            del self._unkept[account]  # somebody logged in meanwhile
            return kept
        await self._keep(account, before, newer)
        return newer

    async def _keep(self, account: str, before: str, newer: str) -> None:
        try:
            await self._store.keep_refresh_token(account, newer)
        except AccountError as error:
            if account not in self._unkept:
                journal.warn(f"The login of {account} was renewed, and cannot be kept", detail=str(error))
                self._unkept[account] = before, newer
            else:
                self._unkept[account] = self._unkept[account][0], newer
        else:
            self._unkept.pop(account, None)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _useless(account: str, who: str) -> LoginEnded:
    return LoginEnded(
        account,
        f"is of no use: what {who} gives for it is refused where it is used",
        said="A token was refused, and so was the one that was fetched in its place.",
        hint="Log in as the user that stands in the settings, and agree to what is asked: "
        f"mailtui accounts login {account}. Microsoft refuses mail, too, where SMTP AUTH is off for the mailbox; an "
        "administrator allows it.",
    )
