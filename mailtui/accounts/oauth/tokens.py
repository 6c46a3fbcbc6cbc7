"""Owns access tokens: fetched with the refresh token of a login, kept in memory only, renewed before they run out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol


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

    async def access(self, account: str, grant: Grant, *, refused: str | None = None) -> str:
        """An access token that is good for a while. `refused` is one that a server would not take.

        Raises `LoginEnded` (a person has to log in anew), `TokenUnavailable` (later), `SecretMissing` (never logged
        in), `AccountError` (the client id or its secret is wrong, the keyring cannot be used).
        """
        raise NotImplementedError
