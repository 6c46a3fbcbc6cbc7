"""Owns what is needed to reach Google: where its services are, how patient to be, whose key to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from mailtui.audience.sheets.web import Patience, Web, is_loopback

DOCS_URL = "https://docs.google.com"
SHEETS_URL = "https://sheets.googleapis.com"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - where tokens are given out, not one
READ_ONLY = "https://www.googleapis.com/auth/spreadsheets.readonly"
ADD_GOOGLE = "pipx inject mailtui google-auth cryptography"


@dataclass(frozen=True, slots=True)
class Google:
    """Where and how sheets are fetched, and where copies of them are kept.

    `service_account` is the key file of one. Addresses of this machine may be given in place of Google's.
    """

    copies: Path
    docs_url: str = DOCS_URL
    sheets_url: str = SHEETS_URL
    token_url: str = TOKEN_URL
    service_account: Path | None = None
    patience: Patience = field(default_factory=Patience)

    def web(self, url: str) -> Web:
        """What may ask `url`, and whatever that leads to."""
        return Web(self.patience, loopback=is_loopback(urlsplit(url).hostname or ""))


@dataclass(frozen=True, slots=True)
class Account:
    """Who reads a sheet that not everybody may read.

    `name` is the mail address that the sheet has to be shared with. `token` gives an access token for
    `READ_ONLY`, a new one each time it is called; it raises `AudienceError`.
    """

    name: str
    token: Callable[[], str] = field(repr=False)
