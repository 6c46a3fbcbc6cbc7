"""Owns what a face does about a login by OAuth: log in, by browser or by code, and log out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailtui.accounts.oauth.progress import LoginProgress, LoginStage, Tell

if TYPE_CHECKING:
    from mailtui.service.facade import Service

__all__ = ["LoggedIn", "LoggedOut", "LoginProgress", "LoginStage", "Tell", "login", "logout"]


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What came of a login. `may` are the scopes that were granted; `kept` names the keyring."""

    account: str
    provider: str
    may: tuple[str, ...]
    kept: str


@dataclass(frozen=True, slots=True)
class LoggedOut:
    """What came of a logout. `revoked`: the provider was told, too; else `detail` says why not."""

    account: str
    had_login: bool
    revoked: bool
    detail: str = ""


async def login(service: Service, account: str, tell: Tell, *, device: bool = False) -> LoggedIn:
    """Have a person log in for an account, and keep the refresh token in the keyring. Cancel it to give up.

    `device`: by a code that is typed in on any device, where this machine has no browser (RFC 8628).
    Raises `AccountError`: not an account of this kind, denied, not answered in time, no keyring to keep it in.
    """
    raise NotImplementedError


async def logout(service: Service, account: str) -> LoggedOut:
    """Forget a login: here, and at the provider where that can be told. Raises `AccountError`."""
    raise NotImplementedError
