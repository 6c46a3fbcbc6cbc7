"""Owns tokens: a short word in a link or a subject that says whose wish it is, and that only this campaign can make.

`v1.<campaign id>.<row>.<mac>`, where mac is the first 16 bytes of HMAC-SHA256 (RFC 2104) with the campaign's secret
over `unsubscribe`, the campaign's id, the row's number and the recipient's key, joined by NUL characters, as base64url
without padding (RFC 4648 section 5). No address is in it (RFC 8058 section 3.1 asks for that), and without the secret
none can be made up or changed into another's.
"""

from __future__ import annotations

import base64
import hmac
import re
from dataclasses import dataclass

from mailtui.message.keyed import KeyedHash

VERSION = "v1"
PREVIEW = "preview"
"""Stands for the campaign's id where there is no campaign yet: previews, checks and test mails."""

_MAC_BYTES = 16
_SHAPE = re.compile(r"v1\.([a-z0-9]{1,32})\.(0|[1-9][0-9]{0,11})\.([A-Za-z0-9_-]{22})", re.ASCII)
# In a link or a subject; `%20` is the blank before it in a mailto: link.
_WITHIN = re.compile(rf"(?:(?<![A-Za-z0-9._-])|(?<=%20)){_SHAPE.pattern}(?![A-Za-z0-9_-])", re.ASCII)
_BEGUN = re.compile(r"v1\.[A-Za-z0-9._-]*", re.ASCII)
_VERSIONED = re.compile(r"v[0-9]+\.", re.ASCII)
_LONGEST_TEXT = 2_000  # characters of a link or a subject that are looked at
_LONGEST = 100  # characters; a token has some 50


class TokenError(ValueError):
    """A text is no token; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was read; nothing of it is to be believed before `is_of` says so."""

    campaign: str
    row: int
    mac: str

    def is_of(self, secret: bytes, key: str) -> bool:
        """Whether a campaign with this secret made it for the recipient with this key; in constant time."""
        return hmac.compare_digest(self.mac, Tokens(secret, self.campaign).mac(self.row, key))


class Tokens:
    """Makes the tokens of one campaign. What all of them have in common is hashed once."""

    __slots__ = ("_begun", "_campaign")

    def __init__(self, secret: bytes, campaign: str) -> None:
        self._campaign = campaign
        self._begun = KeyedHash(secret, b"unsubscribe\0" + campaign.encode() + b"\0")

    def of(self, row: int, key: str) -> str:
        """The token of the recipient with this key, whose mail is made of this row."""
        return f"{VERSION}.{self._campaign}.{row}.{self.mac(row, key)}"

    def mac(self, row: int, key: str) -> str:
        """What proves it, 22 characters."""
        mac = self._begun.digest(b"%d\0%b" % (row, key.encode()))
        return base64.urlsafe_b64encode(mac[:_MAC_BYTES]).rstrip(b"=").decode("ascii")


def read_token(text: str) -> Token:
    """Read a token: alone, with blanks around it or not, or out of the link or the subject that has it.

    Raises `TokenError`, also for several of them.
    """
    text = text.strip()
    if not text:
        raise TokenError("There is no token: it is blank.")
    within = set() if _VERSIONED.match(text) else set(_WITHIN.findall(text[:_LONGEST_TEXT]))
    if len(within) > 1:
        raise TokenError("There are several tokens in this; one is looked at at a time.")
    for campaign, row, mac in within:
        return Token(campaign, int(row), mac)
    if not text.isascii():
        raise TokenError("This is no token: it has characters in it that no token has.")
    found = _SHAPE.fullmatch(text) if len(text) <= _LONGEST else None
    if found is not None:
        return Token(found[1], int(found[2]), found[3])
    if _BEGUN.fullmatch(text) and len(text) <= _LONGEST:
        raise TokenError("This is no whole token: a part is missing, or something was added.")
    if _VERSIONED.match(text):
        raise TokenError("This is no token that this version of mailtui knows.")
    raise TokenError("This is no token; one looks like v1.k3v9x2mq.17.mU2n6p0ZcQ8yT1aWb4Rf5g")
