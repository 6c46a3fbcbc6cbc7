"""Owns how a login by OAuth is written down: `oauth:` of an account in the settings. Never a secret in it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Self
from urllib.parse import urlsplit

import pydantic

from mailtui.accounts.oauth.providers import PROVIDERS, Provider, ProviderName
from mailtui.audience.sheets.google import is_loopback
from mailtui.kit.validation import Spec

_ADDRESSES = ("authorization_url", "token_url", "device_url", "revocation_url", "issuer")
_SCOPE = r"^[!#-\[\]-~]+$"
"""A scope (RFC 6749 section 3.3)."""


class OAuthSpec(Spec):
    """`oauth:` of an account. What is left out is the provider's own."""

    provider: ProviderName = pydantic.Field(description="google, microsoft, or custom with addresses of its own.")
    client_id: str = pydantic.Field(default="", description="The id of your own app at the provider; mailtui has none.")
    tenant: str = pydantic.Field(
        default="common", pattern=r"^[A-Za-z0-9.-]+$", description="Microsoft only: the organisation's id or domain."
    )
    authorization_url: str | None = pydantic.Field(default=None, description="Where a browser is sent to log in.")
    token_url: str | None = pydantic.Field(default=None, description="Where tokens are given out.")
    device_url: str | None = pydantic.Field(
        default=None, description="Where a login by a code begins, without browser."
    )
    revocation_url: str | None = pydantic.Field(default=None, description="Where a login is given back by logout.")
    issuer: str | None = pydantic.Field(default=None, description="How the provider calls itself, to be compared.")
    scopes: tuple[str, ...] | None = pydantic.Field(default=None, description="What to ask for in place of the usual.")

    @pydantic.model_validator(mode="before")
    @classmethod
    def _no_secret_here(cls, data: Any) -> Any:
        if isinstance(data, dict) and "client_secret" in data:
            raise ValueError(
                "a client secret does not belong in the settings. To give it: mailtui accounts login ACCOUNT "
                "--client-secret"
            )
        return data

    @pydantic.field_validator("client_id")
    @classmethod
    def _is_given(cls, client_id: str, info: pydantic.ValidationInfo) -> str:
        if client_id and client_id.isascii() and client_id.isprintable() and " " not in client_id:
            return client_id
        if client_id:
            raise ValueError("that is no client id: it has blanks or characters that none has")
        known = info.data.get("provider")
        where = "" if known is None else PROVIDERS[known].register
        there = f" Make one at {where}." if where else ""
        raise ValueError(f"mailtui comes without a client id, so it needs your own.{there} Step by step: docs/oauth.md")

    @pydantic.field_validator(*_ADDRESSES)
    @classmethod
    def _is_safe(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
                raise ValueError(f"{url} is no address with https://; http:// goes for this machine only")
            if not parts.hostname or parts.fragment or parts.username is not None:
                raise ValueError(f"{url} is no plain address")
        return url

    @pydantic.field_validator("scopes")
    @classmethod
    def _are_scopes(cls, scopes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for scope in scopes or ():
            if not re.match(_SCOPE, scope):
                raise ValueError(f"{scope!r} is no scope; write each as an item of its own")
        return scopes

    @pydantic.model_validator(mode="after")
    def _knows_where(self) -> Self:
        if self.provider is ProviderName.CUSTOM:
            missing = [name for name in ("authorization_url", "token_url", "scopes") if not getattr(self, name)]
            if missing:
                wanted = " and ".join(missing)
                raise ValueError(f"provider: custom needs {wanted}, too, in the settings file: docs/oauth.md")
        return self

    def resolved(self) -> Provider:
        """The provider with what the settings say otherwise."""
        known = PROVIDERS[self.provider]
        found: dict[str, Any] = {}
        for name in _ADDRESSES:
            own = getattr(self, name)
            found[name] = getattr(known, name).replace("{tenant}", self.tenant) if own is None else own
        if self.scopes is not None:
            # Whoever names scopes names all of them but what a login cannot do without.
            found["mail"] = self.scopes
            found["always"] = tuple(scope for scope in known.always if scope not in self.scopes)
        if self.provider is ProviderName.CUSTOM:
            found["title"] = urlsplit(found["authorization_url"]).hostname
        return replace(known, **found)
