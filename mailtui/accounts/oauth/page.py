"""Owns the page that the browser shows when it comes back from the provider: small, and it loads nothing."""

from __future__ import annotations

import html

_STYLE = (
    "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:18vh auto;padding:0 1.5rem;"
    "color:#222;background:#fff}h1{font-size:1.4rem}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}}"
)
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
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in _HEADERS)]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("ascii") + body
