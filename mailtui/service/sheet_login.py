"""Owns reading sheets that are not public with an account's login at Google: `google: {account: NAME}`."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from mailtui.accounts.secrets import SecretSource
from mailtui.audience.sheets.google import Account
from mailtui.errors import AccountError, AudienceError
from mailtui.smtp.endpoint import TokenGrant
from mailtui.smtp.timeouts import time_scale

if TYPE_CHECKING:
    from mailtui.service.settings import Settings


def sheet_login(settings: Settings) -> Account | None:
    """Who reads sheets by the settings, None where they name nobody. Nothing is looked up before a token is wanted."""
    name = settings.spec.google.account
    if name is None:
        return None
    found = settings.spec.accounts.get(name)
    return Account(name if found is None else found.user or name, _Tokens(settings, name))


class _Tokens:
    """Gives a token to whatever thread reads a sheet; one thread at a time, which `Sheets` sees to."""

    def __init__(self, settings: Settings, name: str) -> None:
        from mailtui.accounts.oauth.tokens import TokenSource  # costs what HTTP needs, and few sheets are private

        self._settings = settings
        self._name = name
        self._source = TokenSource(
            SecretSource(settings.environ, settings=settings.secrets),
            settings.home.run,
            scale=time_scale(settings.environ),
        )

    def __call__(self, refused: str | None) -> str:
        """Raises `AudienceError`."""
        try:
            return self._in_a_loop(refused, self._grant())
        except AccountError as error:
            raise AudienceError(error.title, detail=error.detail, hint=error.hint) from None

    def _grant(self) -> TokenGrant:
        oauth = self._settings.account(self._name).oauth
        provider = None if oauth is None else oauth.resolved()
        if oauth is None or provider is None or not provider.sheets:
            raise AccountError(
                f"{self._name} reads no sheets: it does not log in at Google",
                hint="Name another account under google: in the settings, or give this one oauth: {provider: google}.",
            )
        return TokenGrant(provider.token_url, oauth.client_id, " ".join(provider.sheets))

    def _in_a_loop(self, refused: str | None, grant: TokenGrant) -> str:
        """Sheets are read in threads of any kind, also in one whose loop runs: so this has a thread of its own."""
        token: Future[str] = Future()

        def work() -> None:
            try:
                token.set_result(asyncio.run(self._source.access(self._name, grant, refused=refused)))
            except Exception as error:  # noqa: BLE001 - handed on to whoever waits, as it is
                token.set_exception(error)

        threading.Thread(target=work, name="sheet login", daemon=True).start()
        return token.result()
