"""Owns asking Google over HTTP: where an answer may come from, how long and how often to ask, what a refusal means.

Only the hosts of Google are ever asked, by TLS, and hosts of this machine when the settings say so. No cookies are
kept, and nothing is sent that tells about the person: a request has the sheet's id in it and no more.
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import http.client
import random
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

from mailtui.audience.sheets.google import Google, Unreachable, is_loopback
from mailtui.errors import AudienceError

Value = TypeVar("Value")
_BLOCK = 1 << 16
_HOSTS = ("google.com", "googleusercontent.com", "googleapis.com")
_LOGIN = ("/ServiceLogin", "/signin/", "/AccountChooser", "/InteractiveLogin")
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 429, 500, 502, 503, 504)


class _Broken(Exception):
    """One try did not bring a whole answer; the message says why."""


class LoginAsked(Exception):
    """What was asked for is not for everybody: its place is a page to log in."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `headers` have names in small letters."""

    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes] = field(repr=False)

    def read(self) -> bytes:
        """The whole body."""
        return b"".join(self.body)


class Web:
    """Asks for what lies below `base`, and for where that leads.

    Hosts of this machine may answer only when `base` is on one, and then without TLS too.
    """

    def __init__(self, google: Google, base: str) -> None:
        self.patience = google.patience
        self._loopback = is_loopback(urlsplit(base).hostname or "")
        # Proxies of the environment hold for Google; urllib does not get to follow redirects by itself.
        proxies = urllib.request.ProxyHandler({} if self._loopback else None)
        tls = urllib.request.HTTPSHandler(context=_trust())
        self._opener = urllib.request.build_opener(proxies, _NoRedirect, tls)

    def ask(
        self,
        url: str,
        take: Callable[[Answer], Value],
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        heard: Callable[[], None] | None = None,
    ) -> Value:
        """GET, or POST with a `body`, follow where it leads, and hand the answer to `take`.

        Every status but passing ones is for `take`, which is called anew when the body broke off. `heard` is called
        while waiting; what it raises ends it. Raises `Unreachable`, `LoginAsked`.
        """
        until = time.monotonic() + self.patience.total
        turn = 0
        while True:
            turn += 1
            wait = self.patience.pause * 2 ** (turn - 1) * random.uniform(0.75, 1.25)  # noqa: S311 - spreads load
            try:
                answer, close = self._follow(url, headers or {}, body, until)
                with close:
                    if answer.status not in _PASSING:
                        return take(answer)
                why, last = f"Google answered {answer.status}", self.patience.tries
                wait = _retry_after(answer.headers, otherwise=wait)
            except _Broken as error:
                why, last = str(error), self.patience.broken_tries
            if turn >= last or time.monotonic() + wait > until or wait > self.patience.longest_pause:
                raise _unreachable(url, why, turn)
            _sleep(wait, heard)

    def _follow(
        self, url: str, headers: Mapping[str, str], body: bytes | None, until: float
    ) -> tuple[Answer, contextlib.ExitStack]:
        here = url
        for _ in range(self.patience.redirects):
            self._require_allowed(here)
            sent = {"User-Agent": "mailtui", "Accept": "*/*", **headers}
            request = urllib.request.Request(here, data=body, headers=sent)  # noqa: S310 - the scheme was looked at
            response = self._open(request)
            stack = contextlib.ExitStack()
            stack.callback(response.close)
            found = {name.lower(): value for name, value in response.headers.items()}
            if response.status not in _REDIRECTS or "location" not in found:
                return Answer(response.status, found, self._body(response, found, until)), stack
            stack.close()
            there = urljoin(here, found["location"])
            _refuse_login(there)
            if urlsplit(there).netloc != urlsplit(here).netloc:
                headers = {name: value for name, value in headers.items() if name.lower() != "authorization"}
            here = there
        raise Unreachable(
            "Google sends the request round in circles",
            detail=f"{self.patience.redirects} redirects from {url}",
            hint="Open the link in a browser; if it opens there, try again in a while.",
        )

    def _open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        try:
            return self._opener.open(request, timeout=self.patience.silence)  # type: ignore[no-any-return]
        except urllib.error.HTTPError as error:
            return error  # type: ignore[return-value]  # it has what a response has
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(_reason(error)) from None

    def _require_allowed(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if self._loopback and is_loopback(host) and parts.scheme in ("http", "https"):
            return
        if parts.scheme == "https" and any(host == known or host.endswith(f".{known}") for known in _HOSTS):
            return
        raise AudienceError(
            "The way to the sheet leads away from Google, and is not followed",
            detail=f"{parts.scheme}://{parts.netloc}",
            hint="A proxy or a login page of your network may be in between: open the link in a browser.",
        )

    def _body(self, response: http.client.HTTPResponse, headers: Mapping[str, str], until: float) -> Iterator[bytes]:
        length = headers.get("content-length", "")
        size = 0
        try:
            # Not `read`, which would wait for a whole block however slowly its bytes come.
            while block := response.read1(_BLOCK):
                size += len(block)
                if size > self.patience.bytes:
                    raise AudienceError(
                        "The sheet is larger than mailtui takes",
                        detail=f"more than {self.patience.bytes >> 20:,} MiB",
                        hint="Name a range of it, or split it into tabs.",
                    )
                if time.monotonic() > until:
                    raise _Broken(f"not all of it came within {self.patience.total:.0f} s")
                yield block
        except (OSError, http.client.HTTPException) as error:
            raise _Broken(_reason(error)) from None
        # Read in blocks, http.client does not notice a body that ends too early.
        if length.isdecimal() and size < int(length):
            raise _Broken(f"the answer was cut off after {size:,} of {int(length):,} bytes")


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom the system trusts; read once, since it takes as long as many a request."""
    return ssl.create_default_context()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None: a redirect comes back as it is, to be looked at."""


def _refuse_login(url: str) -> None:
    parts = urlsplit(url)
    if parts.hostname == "accounts.google.com" or any(mark in parts.path for mark in _LOGIN):
        raise LoginAsked


def _unreachable(url: str, why: str, turns: int) -> Unreachable:
    host = urlsplit(url).netloc
    tried = f", tried {turns} times" if turns > 1 else ""
    return Unreachable("Google Sheets cannot be reached", detail=f"{host}: {why}{tried}", hint="Try again in a while.")


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, http.client.IncompleteRead):
        return "the answer was cut off"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error) or type(error).__name__


def _retry_after(headers: Mapping[str, str], *, otherwise: float) -> float:
    """Seconds that a server asks to wait (RFC 9110 section 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        when = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return otherwise
    return max(0.0, when.timestamp() - time.time())


def _sleep(seconds: float, heard: Callable[[], None] | None) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if heard is not None:
            heard()
        time.sleep(min(left, 0.1))
