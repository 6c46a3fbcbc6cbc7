"""Owns what remains of a server's words when addresses, ids, links and numbers are taken out of them.

Two uses: words can be looked for without finding them in somebody's address, and two refusals can be seen to be the
same although each names its own recipient and its own queue id.
"""

from __future__ import annotations

import re

_LINK = re.compile(r"https?://\S+", re.IGNORECASE)
_ADDRESS = re.compile(r"<[^<>\s]*>|[^\s<>@,;:()]+@[^\s<>@,;:()]+")
# A reply in several lines repeats its enhanced code at the beginning of each (RFC 2034 section 4).
_CODE = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.]*\d)")
_LOOKED_AT = 500  # characters: as many as the record keeps, and a reply without end costs no time
_EDGES = ".,;:!?()[]{}<>\"'"
_MIXED = re.compile(r"[a-z][A-Z]")


def words_of(text: str) -> str:
    """The text in small letters without addresses, links and enhanced codes, with single blanks."""
    return " ".join(_without_names(text).lower().split())


def fingerprint(text: str) -> str:
    """The text with everything replaced that differs from message to message: numbers, ids, names of hosts."""
    return " ".join(_plain(token) for token in _without_names(text).split())


def _without_names(text: str) -> str:
    return _CODE.sub(" ", _ADDRESS.sub(" ", _LINK.sub(" ", text[:_LOOKED_AT])))


def _plain(token: str) -> str:
    core = token.strip(_EDGES)
    is_name = "." in core or "_" in core or _MIXED.search(core) or any(letter.isdigit() for letter in core)
    return "#" if is_name else core.lower()
