"""Owns what is proved to a server, whoever asks: a password from where it is kept, or an access token."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from mailtui.accounts.secrets import SecretSource
from mailtui.errors import AccountError
from mailtui.smtp.credential import Credential, Kind
from mailtui.smtp.endpoint import Endpoint

if TYPE_CHECKING:
    from mailtui.accounts.oauth.tokens import TokenSource


class Credentials:
    """The logins and keys of all accounts, for one event loop."""

    def __init__(self, source: SecretSource, tokens: Callable[[], TokenSource]) -> None:
        """`tokens` is called when somebody logs in with one: most accounts do not."""
        self._source = source
        self._make_tokens = tokens

    @cached_property
    def _tokens(self) -> TokenSource:
        return self._make_tokens()

    async def login(self, endpoint: Endpoint, *, refused: Credential | None = None) -> Credential:
        """What to log in with at an account's server. Raises `AccountError` where there is nothing.

        `refused` is what the server would not have. A token is fetched anew then; a password is forgotten, so that the
        next who asks looks for it again, and nobody is asked for another one here.
        """
        await self._source.require_login(endpoint.account, endpoint.user, endpoint.host)
        if endpoint.grant is not None:
            token = refused.secret if refused is not None and refused.kind is Kind.TOKEN else None
            return Credential.token(await self._tokens.access(endpoint.account, endpoint.grant, refused=token))
        if refused is not None:
            self._source.forget(endpoint.account, refused.secret)
            raise AccountError(
                f"The server would not have the password of {endpoint.account}",
                hint=f"Store the right one: mailtui accounts password {endpoint.account}",
            )
        return Credential.password(await self._source.password(endpoint.account))

    async def signing_key(self, account: str) -> bytes:
        """The key that an account signs its mails with, as PEM. Raises `AccountError`."""
        return (await self._source.signing_key(account)).encode()

    async def settle(self) -> None:
        """Wait for tokens that are being fetched, so that no refresh token which a provider changed gets lost."""
        if "_tokens" in self.__dict__:
            await self._tokens.settle()
