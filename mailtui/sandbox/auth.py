"""Owns the server side of AUTH PLAIN (RFC 4616) and AUTH LOGIN, as a conversation of lines without input or output."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping

from mailtui.sandbox import replies
from mailtui.sandbox.replies import Reply

MECHANISMS = ("PLAIN", "LOGIN")


class AuthExchange:
    """One AUTH command: give it the lines, get challenges (bytes) until a `Reply` ends it."""

    __slots__ = ("_mechanism", "_user", "_users")

    def __init__(self, users: Mapping[str, str]) -> None:
        self._users = users
        self._mechanism = ""
        self._user: bytes | None = None

    def begin(self, argument: bytes) -> bytes | Reply:
        """The text after `AUTH `: a mechanism and perhaps an initial response ("=" for an empty one)."""
        mechanism, _, initial = argument.partition(b" ")
        self._mechanism = mechanism.decode("ascii", "replace").upper()
        if self._mechanism not in MECHANISMS:
            return replies.UNKNOWN_MECHANISM
        if initial:
            return self.answer(b"" if initial == b"=" else initial)
        return b"334 \r\n" if self._mechanism == "PLAIN" else _challenge(b"Username:")

    def answer(self, line: bytes) -> bytes | Reply:
        """The client's next line, base64; "*" gives up."""
        if line == b"*":
            return replies.AUTH_CANCELLED
        try:
            text = base64.b64decode(line, validate=True)
        except binascii.Error:
            return replies.BAD_BASE64
        if self._mechanism == "PLAIN":
            parts = text.split(b"\0")
            return self._check(parts[1], parts[2]) if len(parts) == 3 else replies.BAD_BASE64
        if self._user is None:
            self._user = text
            return _challenge(b"Password:")
        return self._check(self._user, text)

    def _check(self, user: bytes, password: bytes) -> Reply:
        wanted = self._users.get(user.decode("utf-8", "replace"))
        if wanted is not None and hmac.compare_digest(wanted.encode(), password):
            return replies.AUTHENTICATED
        return replies.BAD_CREDENTIALS


def _challenge(text: bytes) -> bytes:
    return b"334 " + base64.b64encode(text) + b"\r\n"
