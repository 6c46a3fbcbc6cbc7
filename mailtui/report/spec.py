"""Owns the sections `webhooks:` and `notify:` of the settings: who is told what became of a campaign, and how."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

import pydantic

from mailtui.audience.sheets.google import is_loopback
from mailtui.kit.validation import Spec
from mailtui.outbox.notices import USUAL_EVENTS, Event, Hook

_LONGEST_URL = 2_000


class WebhookSpec(Spec):
    """One entry of `webhooks:`. Its secret is never here."""

    url: str = pydantic.Field(description="Where it is posted to: https://… (http:// goes for this machine only).")
    events: Annotated[tuple[Event, ...], pydantic.Field(min_length=1)] = pydantic.Field(
        default=USUAL_EVENTS, description="What it is told of."
    )

    @pydantic.field_validator("url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        return safe_url(url)

    def hook(self, name: str) -> Hook:
        """What is kept of it with a campaign: not the whole address, since its path may be a secret."""
        return Hook(name, server_of(self.url), tuple(dict.fromkeys(self.events)))


class NotifySpec(Spec):
    """`notify:`"""

    desktop: bool | None = pydantic.Field(
        default=None,
        description="Show on the desktop that a campaign has ended or is held; left out: after longer ones, on a "
        "desktop of this machine.",
    )
    terminal: bool | None = pydantic.Field(
        default=None,
        description="Ring at the terminal where a campaign is watched that has come to rest; left out: after longer "
        "ones.",
    )


def safe_url(url: str) -> str:
    """The address of a webhook. Raises ValueError with a sentence for one that is not to be used."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise ValueError(f"{url} is no address") from None
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ValueError(f"{url} is no address with https://; http:// goes for this machine only")
    if not host or port == 0 or len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError(f"{url} is no address that can be posted to")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a webhook's address has no user and password in it: it proves itself by its signature")
    return url


def server_of(url: str) -> str:
    """The part of an address that is no secret: `https://host:port`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def require_plain_name(name: str) -> str:
    """A webhook's name, which is part of a variable's and of an entry's in the keyring. Raises ValueError."""
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or name in _TAKEN:
        raise ValueError(f"{name!r} is no name of a webhook; use letters, digits, - and _")
    return name


_TAKEN = ("dkim", "login", "client")
"""`webhook dkim` in the keyring is the key of an account of the name webhook."""
