"""Owns posting a notice to a webhook, signed as Standard Webhooks 1.0 says (standardwebhooks.com), with limits on time.

Of the answer only its first line and headers are read. No redirect is followed: whoever is told is who the settings
name.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import functools
import hashlib
import hmac
import http.client
import secrets
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mailtui.audience.sheets.google import is_loopback
from mailtui.kit.left_behind import left_behind

PREFIX = "whsec_"
"""What a secret begins with whose rest is base64; any other is taken as it is."""
_TOTAL = 30.0  # seconds for one post, from the name's lookup to the answer's headers
_REDIRECTS = (301, 302, 303, 307, 308)
_GONE = 410
_LONGEST_WAIT = 3600.0


@dataclass(frozen=True, slots=True)
class Posting:
    """What is posted, and where. `id` is the same whenever it is tried again."""

    url: str
    secret: str = field(repr=False)
    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a post: the HTTP status, or None and why there is none; `retry_after` in seconds."""

    status: int | None
    said: str
    retry_after: float = 0.0

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """It wants to hear nothing any more."""
        return self.status == _GONE


def new_secret() -> str:
    """A secret to sign with, as most receivers take it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def signature(secret: str, id: str, timestamp: int, body: str) -> str:
    """`v1,` and the HMAC-SHA256 over id, timestamp and body, in base64 (Standard Webhooks, "Verifying webhooks")."""
    signed = f"{id}.{timestamp}.{body}".encode()
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode("ascii")


def require_secret(secret: str) -> str:
    """Raises ValueError with a sentence for one that says it is base64 and is not, or is too short to be safe."""
    if len(_key(secret)) < 16:
        raise ValueError("the secret is too short to sign with: 24 random bytes or more are usual")
    return secret


def _key(secret: str) -> bytes:
    if not secret.startswith(PREFIX):
        return secret.encode("utf-8", "surrogateescape")
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"the secret begins with {PREFIX}, and the rest of it is no base64") from None


async def post(posting: Posting, *, scale: float = 1.0) -> Answer:
    """Post it once. `scale` shortens the time it may take. Raises ValueError as `require_secret` does."""
    seconds = _TOTAL * scale
    now = int(time.time())
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "mailtui",
        "Connection": "close",
        "webhook-id": posting.id,
        "webhook-timestamp": str(now),
        "webhook-signature": signature(require_secret(posting.secret), posting.id, now, posting.body),
    }
    lines = _Lines()
    try:
        # Much longer than a lookup of the name lasts: it is the post that is to end by its own limit.
        return await left_behind(lambda: _post(posting, headers, seconds, lines), seconds=seconds, name="webhook")
    except TimeoutError:
        return Answer(None, "no answer in time")
    finally:
        lines.cut()


def _post(posting: Posting, headers: Mapping[str, str], seconds: float, lines: _Lines) -> Answer:
    host, secure = urlsplit(posting.url).hostname or "", urlsplit(posting.url).scheme == "https"
    # Proxies of the environment hold for the world, not for this machine.
    proxies = urllib.request.ProxyHandler({} if is_loopback(host) else None)
    # Without one, urllib would read whom the system trusts, which takes as long as many a post.
    context = _trust() if secure else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    opener = urllib.request.build_opener(proxies, _NoRedirect, _Plain(lines), _Tls(lines, context))
    request = urllib.request.Request(posting.url, posting.body.encode("ascii"), headers)  # noqa: S310 - settings saw to it
    try:
        response = opener.open(request, timeout=seconds)
    except urllib.error.HTTPError as error:
        response = error  # it has what a response has
    except (OSError, http.client.HTTPException) as error:
        return Answer(None, _reason(error))
    except ValueError:  # a name that is too long for DNS, or letters that an address cannot have
        return Answer(None, "its address cannot be asked")
    with response:
        status = int(response.status)
        asked = (response.headers.get("Retry-After") or "").strip()
        wait = min(float(asked), _LONGEST_WAIT) if asked.isascii() and asked.isdecimal() else 0.0
        more = ", a redirect, which is not followed" if status in _REDIRECTS else ""
        return Answer(status, f"it answered {status}{more}", wait)


class _Lines:
    """The connections of a post, so that a thread that waits at one comes back when the time is over."""

    def __init__(self) -> None:
        self._made: list[http.client.HTTPConnection] = []

    def of(self, kind: type[http.client.HTTPConnection]) -> Any:
        def make(host: str, **options: Any) -> http.client.HTTPConnection:
            line = kind(host, **options)
            self._made.append(line)
            return line

        return make

    def cut(self) -> None:
        for line in self._made:
            if line.sock is not None:
                with contextlib.suppress(OSError):  # it has ended by itself
                    line.sock.shutdown(socket.SHUT_RDWR)


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, lines: _Lines) -> None:
        super().__init__()
        self._lines = lines

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._lines.of(http.client.HTTPConnection), request)


class _Tls(urllib.request.HTTPSHandler):
    def __init__(self, lines: _Lines, context: ssl.SSLContext) -> None:
        super().__init__(context=context)
        self._lines = lines
        self._trusted = context

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(self._lines.of(http.client.HTTPSConnection), request, context=self._trusted)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None: a redirect comes back as it is."""


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom the system trusts; read once, since it takes as long as many a request."""
    return ssl.create_default_context()


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"its answer broke off ({type(error).__name__})"
