"""Owns getting a connection to an account's server, logged in with what the account has; a token that is refused is
refreshed once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from mailtui.dispatch.standing import Standing
from mailtui.dispatch.tools import Secrets
from mailtui.errors import AccountError
from mailtui.smtp.connect import Connection, NotConnected, connect
from mailtui.smtp.credential import Credential
from mailtui.smtp.credential import Kind as CredentialKind
from mailtui.smtp.endpoint import Endpoint
from mailtui.smtp.obstacle import Obstacle
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Kind, Stage, Verdict, judge


class _Recalled(Exception):
    """A connection is not to be logged in any more."""


class Entrance:
    """Of one account in one campaign."""

    def __init__(
        self,
        endpoint: Endpoint,
        timeouts: Timeouts,
        standing: Standing,
        secrets: Secrets,
        *,
        wanted: Callable[[], bool],
        refused: Callable[[Verdict], None],
    ) -> None:
        """`wanted`: whether there is still use for a connection; `refused` hears why one could not be had, before
        anybody else is let in.
        """
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._standing = standing
        self._secrets = secrets
        self._wanted = wanted
        self._refused = refused

    async def connect(self) -> Connection | None:
        """A connection that is logged in where that is asked for; None when it is not wanted any more.

        Raises `NotConnected`, and `AccountError` where there is nothing to log in with.
        """
        if not self._endpoint.user:
            return await self._connect(None)
        account = self._endpoint.account
        async with self._standing.login_turn(account):
            if not self._wanted():
                return None  # the login was refused while this one waited
            try:
                connection = await self._log_in(await self._secrets.login(self._endpoint))
            except _Recalled:
                return None  # refused while this one was on its way
            self._standing.logged_in(account)
            return connection

    async def _log_in(self, credential: Credential) -> Connection:
        """Connect; a token that is refused is refreshed once. A password is known to be wrong then, and forgotten."""
        async with AsyncExitStack() as turn:

            async def before_login() -> None:
                # Kept until a refusal is known to all, so that nobody repeats it.
                await turn.enter_async_context(self._standing.saying(self._endpoint.account))
                if not self._wanted():
                    raise _Recalled

            try:
                return await connect(self._endpoint, credential, timeouts=self._timeouts, before_login=before_login)
            except NotConnected as error:
                if not _would_not_have(error):
                    self._refused(error.verdict)
                    raise
                try:
                    other = await self._secrets.login(self._endpoint, refused=credential)
                except AccountError:
                    if credential.kind is CredentialKind.TOKEN:
                        raise
                    self._refused(error.verdict)
                    raise error from None
            return await self._connect(other)

    async def _connect(self, credential: Credential | None) -> Connection:
        try:
            return await connect(self._endpoint, credential, timeouts=self._timeouts)
        except NotConnected as error:
            self._refused(error.verdict)
            raise


def _would_not_have(error: NotConnected) -> bool:
    """Whether a server heard a password or token, and refused it. That there was no way to say it says nothing
    against it: another one would go the same way.
    """
    if error.verdict.stage is not Stage.AUTH or judge(error.verdict).kind is not Kind.HELD:
        return False
    return error.obstacle in (None, Obstacle.TOKEN_REFUSED)
