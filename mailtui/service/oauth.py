"""Owns what a face does about a login by OAuth: log in, by browser or by code, and log out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtui.accounts.keyring_store import client_entry, login_entry
from mailtui.accounts.oauth.asking import NoAnswer, ask
from mailtui.accounts.oauth.device import DeviceLogin
from mailtui.accounts.oauth.login import Asked, BrowserLogin
from mailtui.accounts.oauth.progress import LoginProgress, LoginStage, Tell
from mailtui.accounts.oauth.refusals import in_words
from mailtui.accounts.oauth.tokens import turn
from mailtui.errors import AccountError
from mailtui.service.browsers import show_address
from mailtui.service.waiting import Waiting, give
from mailtui.smtp.timeouts import time_scale

if TYPE_CHECKING:
    from mailtui.service.facade import Service

__all__ = ["LoggedIn", "LoggedOut", "LoginProgress", "LoginStage", "Tell", "keep_client_secret", "login", "logout"]


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What came of a login. `may` are the scopes that were granted; `kept` names the keyring. `waiting`: the campaigns
    that waited for it.
    """

    account: str
    provider: str
    may: tuple[str, ...]
    kept: str
    waiting: Waiting


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """What came of a logout. `revoked`: the provider was told, too; else `detail` says why not. It also says where
    another login comes from, if there is one.
    """

    account: str
    had_login: bool
    revoked: bool
    detail: str = ""


async def login(service: Service, account: str, tell: Tell, *, device: bool = False) -> LoggedIn:
    """Have a person log in for an account, and keep the refresh token in the keyring. Cancel it to give up.

    `device`: by a code that is typed in on any device, where this machine has no browser (RFC 8628).
    Raises `AccountError`: not an account of this kind, denied, not answered in time, no keyring to keep it in.
    """
    keyring, scale = service.secrets.keyring, time_scale(service.environ)
    asked = await _with_secret(_asked(service, account), service)
    kept = await keyring.name()  # before anybody is asked: a login that cannot be kept is of no use
    if device:
        granted = await DeviceLogin(asked, tell, scale=scale).run()
    else:
        environ = service.environ
        granted = await BrowserLogin(asked, lambda url: show_address(url, environ), tell, scale=scale).run()
    try:
        async with turn(service.settings.home.run, account):
            await keyring.set(login_entry(account), granted.refresh)
    except AccountError as error:
        lost = f"{asked.provider.title} logged {account} in, and it was not kept."
        error.detail = "\n".join(part for part in (error.detail, lost) if part)
        error.hint = f"{error.hint} Then log in again: mailtui accounts login {account}".lstrip()
        raise
    service.secrets.tell(login_entry(account), None)
    waiting = await give(service, account, {login_entry(account): granted.refresh})
    tell(LoginProgress(LoginStage.KEPT, f"{account} is logged in. The login is kept in the keyring ({kept})."))
    return LoggedIn(account, asked.provider.title, tuple((granted.scope or asked.scope).split()), kept, waiting)


async def logout(service: Service, account: str) -> LoggedOut:
    """Forget a login: here, and at the provider where that can be told (RFC 7009). Raises `AccountError`."""
    keyring, scale = service.secrets.keyring, time_scale(service.environ)
    asked = await _with_secret(_asked(service, account), service)
    entry = login_entry(account)
    async with turn(service.settings.home.run, account):
        token = await keyring.get(entry)
        if token is not None:
            await keyring.delete(entry)
    service.secrets.tell(entry, None)
    problem = "" if token is None else await _give_back(asked, token, scale)
    left = (await service.secrets.login_where(account)).place
    elsewhere = "" if left is None else f"It still has a login from elsewhere: {left}."
    detail = " ".join(part for part in (problem, elsewhere) if part)
    return LoggedOut(account, had_login=token is not None, revoked=token is not None and not problem, detail=detail)


async def _give_back(asked: Asked, token: str, scale: float) -> str:
    """Tell the provider that a refresh token is of no use any more; why it does not know, empty where it does."""
    who, url, secret = asked.provider.title, asked.provider.revocation_url, asked.client_secret
    if not url:
        return (
            f"{who} cannot be told: there, take your app's access away. A campaign that runs may send until its token "
            "runs out, in an hour or so."
        )
    form = {"token": token, "token_type_hint": "refresh_token", "client_id": asked.client_id}
    form |= {"client_secret": secret} if secret else {}
    try:
        answer = await ask(url, form, scale=scale, empty=True)
    except NoAnswer as problem:
        why = f"{who} could not be told: {problem}"
    else:
        if not answer.error:
            return ""
        why = f"{who} was told, and did not take it back: {in_words(answer, secrets=(token, secret))}"
    return f"{why.rstrip('.')}. There, take your app's access away."


async def keep_client_secret(service: Service, account: str, secret: str) -> None:
    """Keep the secret of the app that an account logs in with, in the keyring; an empty one is forgotten.

    Google's apps have one although they are no secret keepers (RFC 8252 section 8.5). Raises `AccountError`.
    """
    entry = client_entry(account)
    _asked(service, account)  # for what it raises
    if secret:
        await service.secrets.keyring.set(entry, secret)
    else:
        await service.secrets.keyring.delete(entry)
    service.secrets.tell(entry, None)


async def _with_secret(asked: Asked, service: Service) -> Asked:
    """With the secret of its client, where the keyring has one."""
    secret = await service.secrets.keyring.get(client_entry(asked.account))
    return asked if secret is None else dataclasses.replace(asked, client_secret=secret)


def _asked(service: Service, account: str) -> Asked:
    """What a login asks for, told from the settings alone."""
    endpoint = service.settings.endpoint(account)
    spec = service.settings.spec
    oauth = spec.accounts[account].oauth
    if oauth is None:
        raise AccountError(
            f"{account} has no login by a provider: it has a password, or needs none",
            hint=f"Its password: mailtui accounts password {account}. To log in with Google or Microsoft, give the "
            "account oauth: in the settings; see docs/oauth.md.",
        )
    provider = oauth.resolved()
    scope = provider.scope(sheets=spec.google.account == account)
    return Asked(account, endpoint.user, provider, oauth.client_id, scope)
