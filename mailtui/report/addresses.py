"""Owns what a webhook may be called, and where it may be."""

from __future__ import annotations

from urllib.parse import urlsplit

from mailtui.accounts.keyring_store import NO_WEBHOOKS
from mailtui.audience.sheets.google import is_loopback

_LONGEST_URL = 2_000


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
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or name in NO_WEBHOOKS:
        raise ValueError(f"{name!r} is no name of a webhook; use letters, digits, - and _")
    return name
