"""Owns asking a provider over HTTP: one form, one answer in JSON, with limits on time and size.

Only by TLS, or on this machine; no redirect is followed, since a form has secrets in it; no cookies are kept.
"""

from __future__ import annotations

import functools
import http.client
import json
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from mailtui.audience.sheets.google import is_loopback
from mailtui.kit.left_behind import left_behind

_SILENCE = 20.0  # seconds without a byte
_TOTAL = 30.0  # for one answer
_BYTES = 1 << 17
_BLOCK = 1 << 14
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 425, 429)
_OF_TIME = (9, 10)  # not valid yet, and not any more (X509_V_ERR_… of OpenSSL)


class NoAnswer(Exception):
    """There was no answer that means something, and there may be one later; the message says why."""

    def __init__(self, why: str, *, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider said. `fields` may hold tokens."""

    status: int
    fields: Mapping[str, Any] = field(repr=False)

    @property
    def error(self) -> str:
        """The code of a refusal (RFC 6749 section 5.2), empty where there is none."""
        return self._text("error")

    @property
    def description(self) -> str:
        """What the provider says about it, in its own words."""
        return self._text("error_description")

    def _text(self, name: str) -> str:
        found = self.fields.get(name)
        return found if isinstance(found, str) else ""


async def ask(url: str, form: Mapping[str, str], *, scale: float = 1.0, empty: bool = False) -> Answer:
    """POST a form. Raises `NoAnswer` for silence, a server's own trouble, and what is no JSON.

    An answer has the status 200, or a code of refusal in it; with `empty`, 200 says it all. `scale` shortens the
    limits.
    """
    silence, total = _SILENCE * scale, _TOTAL * scale

    def work() -> Answer:
        status, body, retry_after = _post(url, form, silence, total)
        return Answer(status, {}) if empty and status == 200 else _understood(status, body, retry_after)

    try:
        return await left_behind(work, seconds=total + silence, name="oauth")
    except TimeoutError:
        raise NoAnswer("no answer in time") from None


def _post(url: str, form: Mapping[str, str], silence: float, total: float) -> tuple[int, bytes, str]:
    """Status, body and Retry-After."""
    until = time.monotonic() + total
    host = urlsplit(url).hostname or ""
    # Proxies of the environment hold for the world, not for this machine.
    proxies = urllib.request.ProxyHandler({} if is_loopback(host) else None)
    opener = urllib.request.build_opener(proxies, _NoRedirect, urllib.request.HTTPSHandler(context=_trust()))
    headers = {"User-Agent": "mailtui", "Accept": "application/json", "Connection": "close"}
    request = urllib.request.Request(url, urlencode(form).encode("ascii"), headers)  # noqa: S310 - the settings saw to it
    try:
        response = opener.open(request, timeout=silence)
    except urllib.error.HTTPError as error:
        response = error  # it has what a response has
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(_reason(error)) from None
    except ValueError:  # a name that is too long for DNS, or letters that an address cannot have
        raise NoAnswer(f"{url} is no address that can be asked") from None
    with response:
        status = int(response.status)
        if status in _REDIRECTS:
            raise NoAnswer("it sends the request to another address, which is not followed")
        body = _read(response, until)
    return status, body, response.headers.get("Retry-After", "")


def _read(response: Any, until: float) -> bytes:
    body = b""
    try:
        # Not `read`, which would wait for all of it however slowly its bytes come.
        while block := response.read1(_BLOCK):
            body += block
            if len(body) > _BYTES:
                raise NoAnswer(f"its answer is larger than {_BYTES >> 10} KiB")
            if time.monotonic() > until:
                raise NoAnswer("its answer did not come in time")
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(_reason(error)) from None
    return body


def _understood(status: int, body: bytes, retry_after: str) -> Answer:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    if status >= 500 or status in _PASSING:
        asked = retry_after.strip()
        raise NoAnswer(f"it answered {status}", retry_after=float(asked) if asked.isdecimal() else None)
    if not isinstance(fields, dict):
        raise NoAnswer(f"it answered {status} with something else than JSON")
    answer = Answer(status, fields)
    if status != 200 and not answer.error:
        raise NoAnswer(f"it answered {status} and no more")
    return answer


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom the system trusts; read once, since it takes as long as many a request."""
    return ssl.create_default_context()


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """None: a redirect comes back as it is."""


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError) and isinstance(error.reason, Exception):
        error = error.reason
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        clock = "; is the clock of this machine right?" if error.verify_code in _OF_TIME else ""
        return f"its certificate is not trusted: {error.verify_message}{clock}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return f"its answer broke off ({type(error).__name__})"
