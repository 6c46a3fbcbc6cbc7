"""Owns how links and images are written in a message's HTML, and with it the cheapest way to find them in each mail."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FOREIGN = re.compile(r"\|\s*safe\b|autoescape")
"""Cells of the list can become markup."""
_TAG = r"""<[a-z](?:[^<>"']|"[^"]*"|'[^']*')*?\s"""
_VALUE = r"""\s*=\s*("[^"]*"|'[^']*'|[^\s>"']*)"""
_HREF = re.compile(f"{_TAG}href{_VALUE}", re.IGNORECASE)
_ANY_LINK = re.compile(_HREF.pattern.encode(), re.IGNORECASE)
_IMAGE = re.compile(rf"""<img\b(?:[^<>"']|"[^"]*"|'[^']*')*?\ssrc{_VALUE}""".encode(), re.IGNORECASE)
_ACTION = re.compile(rf"""<form\b(?:[^<>"']|"[^"]*"|'[^']*')*?\saction{_VALUE}""".encode(), re.IGNORECASE)
_COMMENT = re.compile(rb"<!--(?!\s*\[if)(?!\s*<!\[endif).*?-->", re.DOTALL)
"""Such as no mail program reads; Outlook reads what is in those with a condition."""
_ANCHOR = re.compile(r"<a\b.*?</a", re.IGNORECASE | re.DOTALL)
_PICTURED = re.compile(r"<(?:img|form)\b", re.IGNORECASE)
_FILLED_SOURCE = re.compile(r"""\b(?:src|action)\s*=\s*(?:"[^"{]*|'[^'{]*|[^\s"'>{]*)\{[{%]""", re.IGNORECASE)


class Written:
    """What templates say about all their mails.

    `turns`: the markup of mails may differ. `sources_differ`: what images are loaded from and forms sent to does.
    `shown_differ`: cells have a say in what a link shows or where it leads.
    """

    __slots__ = ("_exact", "shown_differ", "sources_differ", "turns")

    def __init__(self, pages: Sequence[str], *, other: str) -> None:
        """`pages` are the HTML templates, `other` another language that they are written in."""
        foreign = any(_FOREIGN.search(page) for page in pages)
        self.turns = foreign or any("{%" in page for page in pages)
        differ = bool(other) or self.turns
        pictured = bool(other) or foreign or any(_PICTURED.search(page) for page in pages)
        self.sources_differ = (differ and pictured) or any(_FILLED_SOURCE.search(page) for page in pages)
        self.shown_differ = differ or any("{" in link for page in pages for link in _ANCHOR.findall(page))
        # All of them written as `href=…`, within tags and outside of comments: then looking for that is enough.
        self._exact = foreign or not all(page.count("href=") == _plain_links(page) for page in pages)

    def links(self, html: bytes) -> list[bytes]:
        """The targets of all links of a mail, as they are written."""
        if self._exact:
            return [found.strip(b"\"'") for found in _ANY_LINK.findall(_shown(html))]
        return [target_of(piece) for piece in html.split(b"href=")[1:]]

    def images(self, html: bytes) -> list[bytes]:
        """What the images of a mail are loaded from, and where its forms are sent to."""
        shown = _shown(html)
        return [found.strip(b"\"'") for pattern in (_IMAGE, _ACTION) for found in pattern.findall(shown)]


def _shown(html: bytes) -> bytes:
    return _COMMENT.sub(b"", html) if b"<!--" in html else html


def _plain_links(page: str) -> int:
    """How many links a template has; -1 where some are written otherwise than by `href=`."""
    shown = _shown(page.encode()).decode()
    found = len(_HREF.findall(shown))
    return found if found == len(re.findall(r"href\s*=", page, re.IGNORECASE)) else -1


def target_of(piece: bytes) -> bytes:
    """What stands behind `href=`, without its quotes."""
    quote = piece[:1]
    if quote in (b'"', b"'"):
        return piece[1 : piece.find(quote, 1)]
    return piece[:2_000].partition(b">")[0].partition(b" ")[0]
