"""Owns the accounts as a person keeps them: looked at, written into the settings file, changed, removed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from mailtui.accounts.presets import Preset
from mailtui.smtp.endpoint import Endpoint

if TYPE_CHECKING:
    from mailtui.service.facade import Service

__all__ = ["AccountBook", "AccountDraft", "AccountRow", "LastTest", "Preset", "SecretKind", "SecretPlace"]


class SecretKind(StrEnum):
    """Where an account's secret comes from."""

    KEYRING = "keyring"
    VARIABLE = "variable"
    COMMAND = "command"
    SYSTEMD = "systemd"
    OAUTH = "oauth"  # a login at the provider, whose token is in the keyring
    NOT_NEEDED = "not needed"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is, and that in a few words; never the secret. `hint` says what to do where it is missing."""

    kind: SecretKind
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class LastTest:
    """How the last test of an account ended: when (epoch seconds), at which step, and its word."""

    at: float
    ok: bool
    step: str
    text: str
    size: int | None = None
    """The largest mail in bytes that the server said it takes; None where it said nothing."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account of the settings. `origin` is where it is written; limits are those that count."""

    name: str
    endpoint: Endpoint
    origin: str
    preset: str
    senders: tuple[str, ...]
    weight: int
    connections: int | None
    per_hour: int | None
    per_day: int | None
    last_test: LastTest | None


@dataclass(frozen=True, slots=True)
class AccountDraft:
    """An account as a person types it: every field a text, empty for what is left out.

    Those that a preset fills in hold its values; on saving, what the preset says as well is not written.
    """

    name: str = ""
    preset: str = ""
    host: str = ""
    port: str = ""
    security: str = ""
    user: str = ""
    auth: str = ""
    senders: str = ""  # parted by commas
    per_hour: str = ""
    per_day: str = ""
    connections: str = ""
    weight: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    fingerprint: str = ""
    helo: str = ""
    allow_plain: str = ""  # yes, or nothing
    password_command: str = ""  # as one types it in a shell
    oauth_provider: str = ""  # google, microsoft or custom
    oauth_client_id: str = ""
    oauth_tenant: str = ""
    dkim_selector: str = ""
    sign_selector: str = ""
    sign_domain: str = ""
    sign_key: str = ""


class AccountBook:
    """The accounts of one user's settings. Reading is cheap; whatever asks the keyring is awaited."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def rows(self) -> list[AccountRow]:
        """The accounts by name. Where their secrets are is asked for one by one: `secret_place`."""
        raise NotImplementedError

    async def secret_place(self, name: str) -> SecretPlace:
        """Where the account's secret would come from. Never raises for a keyring that cannot be asked."""
        raise NotImplementedError

    def presets(self) -> list[Preset]:
        """The providers that are known, in the order to show them."""
        raise NotImplementedError

    def draft(self, *, preset: str = "", name: str = "") -> AccountDraft:
        """A draft to fill in: for a preset, of an account that there is, or empty. Raises `UsageError`."""
        raise NotImplementedError

    def problems(self, draft: AccountDraft, *, replaces: str | None = None) -> dict[str, str]:
        """What is wrong with a draft, by the names of its fields; empty when it can be saved."""
        raise NotImplementedError

    async def save(self, draft: AccountDraft, *, replaces: str | None = None, secret: str | None = None) -> None:
        """Write the account; `replaces` names the one that it was, `secret` is stored along with it.

        All of it is done or nothing. Raises `ConfigError` for a draft with problems, `UsageError` or `MailtuiError`
        where the settings file cannot be changed, `AccountError` where the keyring takes no secret.
        """
        raise NotImplementedError

    async def store_secret(self, name: str, secret: str) -> None:
        """Keep an account's password in the keyring. Raises `AccountError`."""
        raise NotImplementedError

    async def forget_secret(self, name: str) -> bool:
        """Take it out of the keyring again; False where there was none. Raises `AccountError`."""
        raise NotImplementedError

    async def users(self, name: str) -> list[str]:
        """The ids of campaigns that are not over and are sent through an account."""
        raise NotImplementedError

    async def remove(self, name: str, *, force: bool = False) -> None:
        """Remove an account with its secrets. Raises `UsageError` while a campaign needs it, unless forced."""
        raise NotImplementedError

    def note_test(self, name: str, test: LastTest) -> None:
        """Keep how a test ended, for the list."""
        raise NotImplementedError
