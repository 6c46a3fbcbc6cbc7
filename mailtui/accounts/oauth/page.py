"""Owns what the browser is answered: the way to the provider, and a page when it comes back, which loads nothing."""

from __future__ import annotations

import html
from collections.abc import Iterable
from urllib.parse import quote

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:18vh auto;padding:0 1.5rem;"
    "color:#222;background:#fff}h1{font-size:1.4rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}"
)
_OF_ADDRESSES = "%:/?#[]@!$&'()*+,;=~"
"""What may stand in an address as it is, besides letters and digits (RFC 3986 section 2)."""
_HEADERS = (
    ("Content-Type", "text/html; charset=utf-8"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Referrer-Policy", "no-referrer"),  # the address of the page has the code in it
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Connection", "close"),
)


def response(status: int, reason: str, title: str, text: str) -> bytes:
    """A whole HTTP/1.1 answer with a page of one heading and one sentence."""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>mailtui</title><style>{_STYLE}</style>'
        f"<h1>{html.escape(title)}</h1><p>{html.escape(text)}</p></html>\n"
    ).encode()
    return _whole(f"{status} {reason}", _HEADERS, body)


def redirection(address: str) -> bytes:
    """A whole HTTP/1.1 answer that leads to another address, and is kept by nobody."""
    location = ("Location", quote(address, safe=_OF_ADDRESSES))
    return _whole("302 Found", (location, *_HEADERS), b"")


def _whole(status: str, headers: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("ascii") + body
