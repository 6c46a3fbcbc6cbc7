"""Owns how a server is written down: an account in the settings, or inline in a campaign file."""

from __future__ import annotations

import ipaddress
import os
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pydantic

from mailtui.accounts.dkim_spec import SELECTOR, SigningSpec
from mailtui.accounts.oauth.spec import OAuthSpec
from mailtui.accounts.presets import REGION, presets
from mailtui.audience.address import AddressError, parse_address, parse_mailbox
from mailtui.kit.durations import parse_duration
from mailtui.kit.suggest import did_you_mean
from mailtui.kit.validation import Duration, Spec
from mailtui.smtp.endpoint import AuthMethod, Endpoint, Security, TokenGrant
from mailtui.smtp.limits_spec import AccountLimitsSpec
from mailtui.smtp.timeouts import Timeouts

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.PLAIN: 25}


class TimeoutsSpec(Spec):
    """How long a reply may take, such as `90s` or `5m`. The defaults are the minimums of RFC 5321 section 4.5.3.2."""

    connect: Duration = pydantic.Field(default="1m", description="Until the connection stands, TLS included.")
    greeting: Duration = pydantic.Field(default="5m", description="The server's first word.")
    command: Duration = pydantic.Field(default="5m", description="The reply to a command.")
    data: Duration = pydantic.Field(default="2m", description="The reply to DATA.")
    block: Duration = pydantic.Field(default="3m", description="Without a byte of the message taken.")
    dot: Duration = pydantic.Field(
        default="10m", description="The reply to the message. Too short a time makes deliveries unknown that arrived."
    )

    @pydantic.model_validator(mode="after")
    def _long_enough(self) -> Self:
        for name in type(self).model_fields:
            if parse_duration(getattr(self, name)) < 1:
                raise ValueError(f"{name}: less than a second is no time for a mail server")
        return self

    def timeouts(self) -> Timeouts:
        """The values that the wire works with."""
        return Timeouts(**{name: parse_duration(getattr(self, name)) for name in type(self).model_fields})


class ServerSpec(Spec):
    """A mail server that takes submissions."""

    host: str = pydantic.Field(min_length=1, pattern=r"^[A-Za-z0-9.:\[\]_-]+$", description="Its name or address.")
    port: int | None = pydantic.Field(
        default=None, ge=1, le=65_535, description="Left out: 465 for tls, 587 for starttls, 25 for plain."
    )
    security: Security = pydantic.Field(
        default=Security.TLS, description="tls, starttls (never without it), or plain (this machine only)."
    )
    ca: str | None = pydantic.Field(default=None, description="A PEM file with the authorities to trust.")
    helo: str | None = pydantic.Field(
        default=None, pattern=r"^[A-Za-z0-9.:\[\]-]+$", description="The name to give in EHLO."
    )
    allow_plain: bool = pydantic.Field(
        default=False, description="Let plain reach a host that is not this machine. Everybody on the way can read it."
    )

    dkim_selector: str | None = pydantic.Field(
        default=None,
        pattern=SELECTOR,
        description="The name of the key that it signs with (s= in DKIM-Signature), for check --dns.",
    )
    timeouts: TimeoutsSpec | None = pydantic.Field(
        default=None, description="How long replies may take. Left out: as RFC 5321 asks."
    )

    @pydantic.field_validator("host")
    @classmethod
    def _is_a_host(cls, given: str) -> str:
        name, _, port = given.rpartition(":")
        if port.isdecimal() and name and (":" not in name or name.endswith("]")):
            raise ValueError(f"the port stands for itself: host: {name}, port: {port}")
        if any(sign in given for sign in ":[]"):
            inside = given[1:-1] if given.startswith("[") and given.endswith("]") else given
            try:
                ipaddress.IPv6Address(inside)
            except ValueError:
                raise ValueError(f"{given} is no address of a server") from None
        elif not all(_LABEL.fullmatch(label) for label in given.removesuffix(".").split(".")):
            raise ValueError(f"{given} is no name and no address of a server")
        return given

    @pydantic.model_validator(mode="after")
    def _plain_stays_here(self) -> Self:
        if self.security is Security.PLAIN and not self.allow_plain and not self.endpoint("").is_loopback:
            raise ValueError(
                f"security: plain to {self.host} would send everything readable; "
                "use tls or starttls, or say allow_plain: true"
            )
        return self

    def endpoint(self, account: str, *, folder: Path | None = None) -> Endpoint:
        """The value that the wire works with; a relative `ca` is looked for in `folder`."""
        port = self.port or _PORTS[self.security]
        timeouts = (self.timeouts or TimeoutsSpec()).timeouts()
        return Endpoint(
            account, self.host, port, self.security, ca=_file(self.ca, folder), helo=self.helo or "", timeouts=timeouts
        )


class InlineServerSpec(ServerSpec):
    """`smtp:` in a campaign file: a relay without a login, so that no password ever stands in a campaign."""

    @pydantic.model_validator(mode="before")
    @classmethod
    def _no_login_here(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in ("user", "username", "password"):
                if key in data:
                    raise ValueError(
                        f"a login does not belong in a campaign file ({key}). Make an account of it in the settings "
                        "file, and name it here: account: NAME"
                    )
        return data

    def inline_endpoint(self, folder: Path) -> Endpoint:
        endpoint = self.endpoint("", folder=folder)
        return self.endpoint(f"inline:{endpoint.host}:{endpoint.port}", folder=folder)


class AccountSpec(ServerSpec):
    """One account of the settings. Its password is never here: keyring, environment, or what a command prints."""

    preset: str | None = pydantic.Field(
        default=None, description="A provider whose server and quotas are known: `mailtui accounts presets`."
    )
    user: str | None = pydantic.Field(default=None, min_length=1, description="The login name; left out: no login.")
    auth: AuthMethod = pydantic.Field(
        default=AuthMethod.AUTO, description="How to log in; auto: the best way that the server offers."
    )
    password_command: tuple[str, ...] | None = pydantic.Field(
        default=None, min_length=1, description="A command whose first line is the password, such as `pass show acme`."
    )
    oauth: OAuthSpec | None = pydantic.Field(
        default=None, description="Log in at Google, Microsoft or another provider instead of with a password."
    )
    certificate: str | None = pydantic.Field(
        default=None, min_length=1, description="A PEM file with the certificate to show to the server."
    )
    key: str | None = pydantic.Field(
        default=None, min_length=1, description="A PEM file with its key; left out: it is in the same file."
    )
    fingerprint: str | None = pydantic.Field(
        default=None, description="The SHA-256 of the server's certificate: this one is trusted, and no other."
    )
    senders: tuple[str, ...] = pydantic.Field(
        default=(),
        alias="from",
        description="Who it may send as: addresses, with a name or without, or whole domains, @acme.test.",
    )
    limits: AccountLimitsSpec = pydantic.Field(default=AccountLimitsSpec(), description="How many mails it may send.")
    connections: int | None = pydantic.Field(default=None, ge=1, le=1_000, description="The most at the same time.")
    weight: int = pydantic.Field(
        default=1, ge=1, le=100, description="Its share of the connections, where a campaign has several accounts."
    )
    dkim: SigningSpec | None = pydantic.Field(default=None, description="Sign mails (DKIM); left out: the server may.")

    @pydantic.model_validator(mode="before")
    @classmethod
    def _what_is_known_of_it(cls, data: Any) -> Any:
        """No password, and what the preset says where the account does not."""
        if not isinstance(data, dict):
            return data
        if "password" in data:
            raise ValueError(
                "a password does not belong in the settings. Take it out, and store it: "
                "mailtui accounts password ACCOUNT"
            )
        name = data.get("preset")
        if not isinstance(name, str):
            return data
        preset = presets().get(name)
        if preset is None:
            hint = did_you_mean(name, list(presets())) or "See: mailtui accounts presets"
            raise ValueError(f"there is no preset {name}. {hint}")
        host = data.get("host", preset.host)
        if not host:
            raise ValueError(f"host is missing: everybody has a server of their own with the preset {name}")
        if REGION in str(host):
            raise ValueError(f"host is missing: {preset.title} has one a region, {preset.host}")
        return {**preset.settings(), **data}

    @pydantic.field_validator("user")
    @classmethod
    def _is_one_name(cls, given: str | None) -> str | None:
        if _CONTROL.search(given or ""):  # a NUL would begin another part of AUTH PLAIN (RFC 4616)
            raise ValueError("a login name has no line breaks and no other control characters")
        return given

    @pydantic.field_validator("password_command", mode="before")
    @classmethod
    def _as_arguments(cls, given: Any) -> Any:
        return tuple(shlex.split(given)) if isinstance(given, str) else given

    @pydantic.field_validator("fingerprint")
    @classmethod
    def _is_a_digest(cls, given: str | None) -> str | None:
        plain = re.sub(r"[:\s]", "", given or "").lower()
        if given is not None and not re.fullmatch("[0-9a-f]{64}", plain):
            raise ValueError("a SHA-256 fingerprint has 64 hexadecimal digits, with colons or without")
        return plain or None

    @pydantic.field_validator("senders", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else given

    @pydantic.field_validator("senders")
    @classmethod
    def _are_senders(cls, given: tuple[str, ...]) -> tuple[str, ...]:
        for sender in given:
            _require_sender(sender)
        return given

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.oauth is not None and self.password_command is not None:
            raise ValueError("oauth and password_command: one login has a token, the other a password; take one out")
        if self.oauth is not None and self.user is None:
            raise ValueError("oauth: the user who logs in is missing")
        with_token = self.auth in (AuthMethod.XOAUTH2, AuthMethod.OAUTHBEARER)
        if self.auth is not AuthMethod.AUTO and with_token is (self.oauth is None):
            what = "wants a token; write oauth:, too" if with_token else "takes a password, and oauth: gives a token"
            raise ValueError(f"auth: {self.auth} {what}")
        if self.key is not None and self.certificate is None:
            raise ValueError("key: the certificate that it belongs to is missing")
        return self

    def endpoint(self, account: str, *, folder: Path | None = None) -> Endpoint:
        """The server with what an account adds to it. Relative files are looked for in `folder`."""
        grant = None
        if self.oauth is not None:
            provider = self.oauth.resolved()
            grant = TokenGrant(provider.token_url, self.oauth.client_id, provider.scope())
        return replace(
            super().endpoint(account, folder=folder),
            user=self.user or "",
            auth=self.auth,
            certificate=_file(self.certificate, folder),
            key=_file(self.key, folder),
            fingerprint=self.fingerprint or "",
            grant=grant,
        )


def _file(path: str | None, folder: Path | None) -> str:
    """The place of a file that the settings name; empty where they name none."""
    return "" if path is None else str((folder or Path()) / os.path.expanduser(path))  # noqa: PTH111 - Path's raises for ~nobody


def _require_sender(text: str) -> None:
    """Raises ValueError for what is no address, no name with one, and no domain with an @ before it."""
    try:
        if text.startswith("@"):
            parse_address(f"anybody{text}")
        else:
            parse_mailbox(text)  # as From has it: mails may go out under it
    except AddressError as error:
        what = "this is no sender; write an address, a name with one, or a domain such as @acme.test"
        raise ValueError(f"{what}: {text} ({str(error).rstrip('.')})") from None
