"""Owns reading the arguments of MAIL and RCPT (RFC 5321 section 4.1.1, strict: no space after the colon)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailtui.sandbox import replies
from mailtui.sandbox.replies import Reply

_PATH = rb'<((?:[^<>"\\\x00-\x20\x7f]|"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*")*)>((?: [^\x00-\x20\x7f]+)*) *'
_FROM = re.compile(rb"FROM:" + _PATH, re.IGNORECASE)
_TO = re.compile(rb"TO:" + _PATH, re.IGNORECASE)
_LOCAL_LIMIT = 64  # octets, RFC 5321 section 4.5.3.1.1
_PATH_LIMIT = 254


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server announced in EHLO, as far as it bears on the envelope."""

    keywords: frozenset[str]
    size_limit: int

    @property
    def smtputf8(self) -> bool:
        return "SMTPUTF8" in self.keywords


@dataclass(frozen=True, slots=True)
class Sender:
    """An accepted MAIL command: the reverse path ("" for <>) and its parameters as written."""

    address: str
    options: tuple[str, ...]
    utf8: bool


def parse_mail(argument: bytes, offer: Offer) -> Sender | Reply:
    """The sender in the text after `MAIL `, or the reply that refuses it."""
    match = _FROM.fullmatch(argument)
    if match is None:
        return replies.BAD_SENDER if argument[:5].upper() == b"FROM:" else replies.SYNTAX
    options = tuple(match[2].decode("utf-8", "surrogateescape").split())
    utf8 = False
    for option in options:
        key, _, value = option.partition("=")
        key = key.upper()
        if key == "SIZE" and "SIZE" in offer.keywords:
            if not (value.isascii() and value.isdigit()):
                return replies.SYNTAX
            if int(value) > offer.size_limit:
                return replies.TOO_LARGE
        elif key == "BODY" and "8BITMIME" in offer.keywords:
            if value.upper() not in ("7BIT", "8BITMIME"):
                return replies.SYNTAX
        elif key == "SMTPUTF8" and offer.smtputf8 and not value:
            utf8 = True
        elif not (key == "AUTH" and "AUTH" in offer.keywords) and not (
            key in ("RET", "ENVID") and "DSN" in offer.keywords
        ):
            return replies.UNKNOWN_PARAMETER
    path = match[1]
    if path and not _plausible(path):
        return replies.BAD_SENDER
    if not utf8 and not path.isascii():
        return replies.NEEDS_SMTPUTF8
    return Sender(path.decode("utf-8", "surrogateescape"), options, utf8)


def parse_rcpt(argument: bytes, offer: Offer, *, utf8: bool) -> str | Reply:
    """The recipient in the text after `RCPT `, or the reply that refuses it; `utf8`: MAIL said SMTPUTF8."""
    match = _TO.fullmatch(argument)
    if match is None:
        return replies.BAD_RECIPIENT if argument[:3].upper() == b"TO:" else replies.SYNTAX
    for option in match[2].split():
        key = option.partition(b"=")[0].upper()
        if key not in (b"NOTIFY", b"ORCPT") or "DSN" not in offer.keywords:
            return replies.UNKNOWN_PARAMETER
    path = match[1]
    if path.lower() != b"postmaster" and not _plausible(path):
        return replies.BAD_RECIPIENT
    if not utf8 and not path.isascii():
        return replies.NEEDS_SMTPUTF8
    return path.decode("utf-8", "surrogateescape")


def _plausible(path: bytes) -> bool:
    """A local part and a domain, within the limits; the rest is the receiving system's to judge."""
    local, at, domain = path.rpartition(b"@")
    return bool(at and local and domain) and len(local) <= _LOCAL_LIMIT and len(path) <= _PATH_LIMIT
