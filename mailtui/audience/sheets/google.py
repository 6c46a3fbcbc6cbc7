"""Owns what is needed to reach Google: where its services are, how patient to be, whose key to use."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mailtui.errors import AudienceError

DOCS_URL = "https://docs.google.com"
SHEETS_URL = "https://sheets.googleapis.com"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - where tokens are given out, not one
READ_ONLY = "https://www.googleapis.com/auth/spreadsheets.readonly"
Heard = Callable[[], None] | None
"""Called now and then while Google is waited for; what it raises ends the waiting."""
ADD_GOOGLE = "pipx inject mailtui google-auth cryptography"


class Unreachable(AudienceError):
    """Google did not answer, or said to come again later; what is asked for may be all right."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long and how often to try; seconds, and how many times."""

    silence: float = 20.0
    """Without a byte for so long, a connection is given up."""
    total: float = 300.0
    """All tries for one answer together."""
    tries: int = 7
    """As long as Google says to come again later: a quota is by the minute."""
    broken_tries: int = 3
    """As long as nobody answers, or an answer breaks off."""
    pause: float = 1.0
    """Before the second try; twice that before the third, and so on."""
    longest_pause: float = 60.0
    redirects: int = 8
    bytes: int = 512 << 20
    """The most that an answer may have."""


@dataclass(frozen=True, slots=True)
class Google:
    """Where and how sheets are fetched, and where copies of them are kept.

    Sheets that are not public are read by `login`, somebody who logged in, else by `service_account`, the key file of
    one. Addresses of this machine may be given in place of Google's.
    """

    copies: Path
    docs_url: str = DOCS_URL
    sheets_url: str = SHEETS_URL
    token_url: str = TOKEN_URL
    service_account: Path | None = None
    login: Account | None = None
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Account:
    """Who reads a sheet that not everybody may read.

    `name` is the mail address that the sheet has to be shared with. `token` gives an access token for `READ_ONLY`;
    it is told which one Google would not take, if there was one, and raises `AudienceError`.
    """

    name: str
    token: Callable[[str | None], str] = field(repr=False)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
