"""Owns the settings: their model, and reading them from the command line, environment and files in that order."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pydantic

from mailtui.accounts.presets import presets
from mailtui.accounts.secrets import (
    SecretSettings,
    another_login,
    login_of,
    unknown_account,
    variable_for,
    webhook_variable,
)
from mailtui.accounts.spec import AccountSpec
from mailtui.audience.mx.servers import parse_server
from mailtui.audience.reach import Reach
from mailtui.audience.sheets.google import DOCS_URL, SHEETS_URL, TOKEN_URL, Google, is_loopback
from mailtui.dispatch.members import Member
from mailtui.errors import ConfigError, Problem, UsageError
from mailtui.kit.paths import Home
from mailtui.kit.settings import ENVIRONMENT, PREFIX, Layer, Layers
from mailtui.kit.validation import Spec, validate
from mailtui.kit.yaml_file import Loc
from mailtui.outbox.notices import Hook
from mailtui.outbox.opening import sqlite_url
from mailtui.report.addresses import require_plain_name
from mailtui.report.spec import NotifySpec, WebhookSpec
from mailtui.service.settings_layers import PROJECT_FILE, at, read_layers
from mailtui.service.sheet_login import sheet_login
from mailtui.smtp.endpoint import Endpoint

KEY_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"


class OutboxSettings(Spec):
    """`outbox:`"""

    url: str | None = pydantic.Field(default=None, description="Where the outbox is: sqlite:///PATH.")


class CheckSettings(Spec):
    """`checks:`"""

    sample: int = pydantic.Field(default=20, ge=1, le=100_000, description="Rows that run renders beforehand.")


class GoogleSettings(Spec):
    """`google:`"""

    service_account: str | None = pydantic.Field(
        default=None, description="The key file of the service account that reads sheets which are not public."
    )
    account: str | None = pydantic.Field(
        default=None, description="The account whose login reads sheets which are not public, if it logs in at Google."
    )
    docs_url: str = pydantic.Field(default=DOCS_URL, description="Where public sheets are exported.")
    sheets_url: str = pydantic.Field(default=SHEETS_URL, description="Where the Sheets API is.")
    token_url: str = pydantic.Field(default=TOKEN_URL, description="Where a service account gets its tokens.")

    @pydantic.model_validator(mode="after")
    def _one_reads(self) -> Self:
        if self.account is not None and self.service_account is not None:
            raise ValueError("account and service_account: both read sheets that are not public; take one out")
        return self

    @pydantic.field_validator("docs_url", "sheets_url", "token_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ValueError(f"{url} is no address with https://; http:// goes for this machine only")
        return url.rstrip("/")


class DnsSettings(Spec):
    """`dns:`"""

    servers: tuple[str, ...] = pydantic.Field(
        default=(), description="Name servers to ask about mail domains, ADDRESS or ADDRESS:PORT; else the system's."
    )

    @pydantic.field_validator("servers")
    @classmethod
    def _are_addresses(cls, servers: tuple[str, ...]) -> tuple[str, ...]:
        for server in servers:
            parse_server(server)
        return servers


class KeyringSettings(Spec):
    """`keyring:`"""

    allow: tuple[str, ...] = pydantic.Field(
        default=(), description="Keyrings to use although they are not the system's own, by their Python modules."
    )


class SettingsSpec(Spec):
    """The settings file."""

    outbox: OutboxSettings = OutboxSettings()
    checks: CheckSettings = CheckSettings()
    google: GoogleSettings = GoogleSettings()
    dns: DnsSettings = DnsSettings()
    keyring: KeyringSettings = KeyringSettings()
    notify: NotifySpec = NotifySpec()
    webhooks: dict[str, WebhookSpec] = pydantic.Field(default_factory=dict)
    accounts: dict[str, AccountSpec] = pydantic.Field(default_factory=dict)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _empty_sections_say_nothing(cls, data: Any) -> Any:
        """As when everything below a key was taken out, or made a comment."""
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}

    @pydantic.field_validator("webhooks")
    @classmethod
    def _webhooks_have_names(cls, webhooks: dict[str, WebhookSpec]) -> dict[str, WebhookSpec]:
        variables: dict[str, str] = {}
        for name in map(require_plain_name, webhooks):
            variable = webhook_variable(name)
            if variables.setdefault(variable, name) != name:
                raise ValueError(
                    f"{variables[variable]} and {name} are too much alike: both are {variable}; rename one"
                )
        return webhooks

    @pydantic.field_validator("accounts")
    @classmethod
    def _names_are_plain(cls, accounts: dict[str, AccountSpec]) -> dict[str, AccountSpec]:
        for name in accounts:
            if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii():
                raise ValueError(f"{name!r} is no account name; use letters, digits, - and _")
        variables: dict[str, str] = {}
        for name in accounts:
            other = variables.setdefault(variable_for(name), name)
            if other != name:
                variable = variable_for(name)
                raise ValueError(
                    f"{other} and {name} are too much alike: {variable} would be the password of both; rename one"
                )
        return accounts


@dataclass(frozen=True, slots=True)
class Provenance:
    """One setting, its value as text, and where it came from."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings in force."""

    spec: SettingsSpec
    layers: Layers
    home: Home
    environ: Mapping[str, str]

    def reach(self) -> Reach:
        """What lists need beyond themselves when they are opened."""
        google = self.spec.google
        key: Path | None = None
        if google.service_account is not None:
            key = self.home.config / Path(google.service_account).expanduser()
        elif self.environ.get(KEY_VARIABLE):
            key = Path(self.environ[KEY_VARIABLE]).expanduser().absolute()
        return Reach(
            self.home.lists,
            Google(
                copies=self.home.sheets,
                docs_url=google.docs_url,
                sheets_url=google.sheets_url,
                token_url=google.token_url,
                service_account=key,
                login=sheet_login(self),
            ),
        )

    @property
    def outbox_url(self) -> str:
        return self.spec.outbox.url or sqlite_url(self.home.outbox_file)

    def secrets(self) -> SecretSettings:
        """Where else secrets may be than the settings know by themselves; none is in them."""
        commands = {name: found.password_command for name, found in self.spec.accounts.items()}
        signing = {name: found.dkim for name, found in self.spec.accounts.items() if found.dkim is not None}
        files = {name: dkim.key_file(self.home.config) for name, dkim in signing.items()}
        return SecretSettings(
            self.spec.keyring.allow,
            {name: command for name, command in commands.items() if command is not None},
            {name: file for name, file in files.items() if file is not None},
            {name: _gets_it(self.endpoint(name)) for name in self.spec.accounts if self._is_strange(name)},
            self.logins(),
        )

    def hooks(self) -> tuple[Hook, ...]:
        """Who is told by webhooks what becomes of a campaign that is launched now."""
        return tuple(webhook.hook(name) for name, webhook in sorted(self.spec.webhooks.items()))

    def logins(self) -> dict[str, str]:
        """Whom each account that logs in does so as, and where."""
        return {name: login_of(found.user, found.host) for name, found in self.spec.accounts.items() if found.user}

    def _is_strange(self, account: str) -> bool:
        """Whether a folder's settings alone say this account, so that somebody else may have written it."""
        said_by = {layer.name for layer in self.layers.layers if at(layer.data, ("accounts", account)) is not None}
        return PROJECT_FILE in said_by and str(self.home.settings_file) not in said_by

    def account(self, name: str) -> AccountSpec:
        """An account. Raises `AccountError` for one that the settings do not have."""
        found = self.spec.accounts.get(name)
        if found is None:
            raise unknown_account(name, sorted(self.spec.accounts), file=str(self.home.settings_file))
        return found

    def own_senders(self) -> dict[str, tuple[tuple[str, ...], int]]:
        """What each account may send as, and its weight."""
        return {name: (account.senders, account.weight) for name, account in self.spec.accounts.items()}

    def endpoint(self, account: str) -> Endpoint:
        """The server of an account. Raises `AccountError` for one that the settings do not have."""
        return self.account(account).endpoint(account, folder=self.home.config)

    def require_same_logins(self, members: Iterable[Member]) -> None:
        """The accounts of a launched campaign must still log in where they did: a password that was changed with the
        server is for the new one alone. Raises `UsageError`.
        """
        logins = self.logins()
        for endpoint in (member.endpoint for member in members if member.endpoint.user):
            then = login_of(endpoint.user, endpoint.host)
            now = logins.get(endpoint.account, then)
            if now != then:
                title, detail, hint = another_login(endpoint.account, then, now)
                raise UsageError(title, detail=detail, hint=hint)

    def member(self, account: str) -> Member:
        """An account with its share and its limits, as a campaign takes it. Raises `AccountError`."""
        found = self.account(account)
        return Member(
            self.endpoint(account),
            found.weight,
            found.connections,
            found.limits.limits(),
            tuple(parseaddr(sender)[1] if "<" in sender else sender for sender in found.senders),
            None if found.dkim is None else found.dkim.dkim(),
        )

    def provenance(self) -> list[Provenance]:
        """Every setting and where its value came from; of accounts, what they or their presets say."""
        rows = []
        for loc, value in _leaves(self.spec.model_dump(mode="json", by_alias=True), ()):
            shown = self.outbox_url if loc == ("outbox", "url") else value
            origin = self.layers.origin(loc)
            if loc[0] == "accounts" and origin == "default":
                if value in (None, []):
                    continue
                preset = self.spec.accounts[str(loc[1])].preset
                known = None if preset is None else at(presets()[preset].settings(), loc[2:])
                origin = f"preset {preset}" if known is not None else origin
            rows.append(Provenance(".".join(map(str, loc)), "" if shown is None else str(shown), origin))
        return rows


def read_settings(environ: Mapping[str, str], *, outbox: str | None = None) -> Settings:
    """Read the settings. `outbox` is what the command line says. Raises `ConfigError` naming every mistake."""
    home = Home.find(environ)
    merged = read_layers(environ, home, outbox=outbox)
    for layer in merged.layers:
        if layer.name == ENVIRONMENT:
            _require_known(layer, environ)
    spec = validate(SettingsSpec, merged, title="The settings have mistakes")
    return Settings(spec, merged, home, environ)


def _gets_it(endpoint: Endpoint) -> str:
    """Who gets a secret: whom and where it logs in, and who gives tokens for it."""
    by = f" by {endpoint.grant.token_url}" if endpoint.grant is not None else ""
    return f"{endpoint.user} at {endpoint}{by}"


def _require_known(layer: Layer, environ: Mapping[str, str]) -> None:
    """Raises `ConfigError` for a variable that names a section which there is not."""
    known = list(SettingsSpec.model_fields)
    for section in layer.data:
        if section not in known:
            names = [name for name in environ if name.startswith(f"{PREFIX}{section.upper()}__")]
            hint = difflib.get_close_matches(section, known, n=1)
            problem = Problem(
                layer.place((section, *_first_key(layer.data[section]))),
                f"there is no section {section}.",
                f"Did you mean {PREFIX}{hint[0].upper()}__…?" if hint else f"Known: {', '.join(known)}.",
            )
            raise ConfigError(f"The environment variable {names[0]} names no setting", [problem])


def _first_key(data: Any) -> Loc:
    return (next(iter(data)),) if isinstance(data, Mapping) and data else ()


def _leaves(data: Any, loc: Loc) -> list[tuple[Loc, Any]]:
    if isinstance(data, dict) and data:
        return [leaf for key, value in data.items() for leaf in _leaves(value, (*loc, key))]
    return [] if data == {} else [(loc, data)]
