"""Owns the server side of a login, as a conversation of lines without input or output.

PLAIN (RFC 4616), LOGIN and CRAM-MD5 (RFC 2195) take passwords, XOAUTH2 (Google's) and OAUTHBEARER (RFC 7628) tokens.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import secrets
from collections.abc import Generator, Mapping
from dataclasses import dataclass

from mailtui.sandbox import replies
from mailtui.sandbox.replies import Reply

WITH_PASSWORD = ("PLAIN", "LOGIN", "CRAM-MD5")
WITH_TOKEN = ("XOAUTH2", "OAUTHBEARER")
MECHANISMS = (*WITH_PASSWORD, *WITH_TOKEN)

Conversation = Generator[bytes, bytes, Reply]
"""Yields challenges and is sent the answers, neither in base64; returns the reply that ends it."""


@dataclass(frozen=True, slots=True)
class Logins:
    """Who may log in: passwords and tokens by name, and by which mechanisms, in the order in which they are offered."""

    users: Mapping[str, str]
    tokens: Mapping[str, str]
    mechanisms: tuple[str, ...]


class AuthExchange:
    """One AUTH command: give it the lines, get challenges (bytes) until a `Reply` ends it."""

    __slots__ = ("_hostname", "_logins", "_talk")

    def __init__(self, logins: Logins, hostname: str) -> None:
        self._logins = logins
        self._hostname = hostname
        self._talk: Conversation | None = None

    def begin(self, argument: bytes) -> bytes | Reply:
        """The text after `AUTH `: a mechanism and perhaps an initial response ("=" for an empty one)."""
        name, _, initial = argument.partition(b" ")
        mechanism = name.decode("ascii", "replace").upper()
        if mechanism not in self._logins.mechanisms:
            return replies.UNKNOWN_MECHANISM
        self._talk = self._conversation(mechanism)
        challenge = next(self._talk)
        if not initial:
            return _challenge(challenge)
        if mechanism == "CRAM-MD5":  # the server speaks first (RFC 4954 section 4)
            return replies.SYNTAX
        return self.answer(b"" if initial == b"=" else initial)

    def answer(self, line: bytes) -> bytes | Reply:
        """The client's next line, base64; "*" gives up."""
        assert self._talk is not None
        if line == b"*":
            return replies.AUTH_CANCELLED
        try:
            text = base64.b64decode(line, validate=True)
        except binascii.Error:
            return replies.BAD_BASE64
        try:
            return _challenge(self._talk.send(text))
        except StopIteration as end:
            reply: Reply = end.value
            return reply

    def _conversation(self, mechanism: str) -> Conversation:
        if mechanism == "PLAIN":
            return self._plain()
        if mechanism == "LOGIN":
            return self._login()
        if mechanism == "CRAM-MD5":
            return self._cram_md5()
        return self._bearer(mechanism)

    def _plain(self) -> Conversation:
        parts = (yield b"").split(b"\0")
        if len(parts) != 3:
            return replies.BAD_BASE64
        return _verdict(self._password(parts[1]), parts[2])

    def _login(self) -> Conversation:
        user = yield b"Username:"
        password = yield b"Password:"
        return _verdict(self._password(user), password)

    def _cram_md5(self) -> Conversation:
        challenge = f"<{secrets.token_hex(8)}@{self._hostname}>".encode()
        user, _, proof = (yield challenge).rpartition(b" ")
        password = self._password(user)
        right = None if password is None else hmac.new(password, challenge, "md5").hexdigest().encode()
        return _verdict(right, proof)

    def _bearer(self, mechanism: str) -> Conversation:
        given = yield b""
        head, *fields = given.split(b"\x01")
        if mechanism == "XOAUTH2":
            user = head.removeprefix(b"user=")
            refusal = {"status": "401", "schemes": "Bearer", "scope": "mail"}
        else:  # n,a=USER, where a comma and an equals sign are written as =2C and =3D (RFC 5801 section 4)
            user = head.removeprefix(b"n,a=").removesuffix(b",").replace(b"=2C", b",").replace(b"=3D", b"=")
            refusal = {"status": "invalid_token", "scope": "mail"}
        token = next((field[12:] for field in fields if field.lower().startswith(b"auth=bearer ")), b"")
        verdict = _verdict(_bytes(self._logins.tokens.get(user.decode("utf-8", "replace"))), token)
        if verdict is not replies.AUTHENTICATED:
            yield json.dumps(refusal).encode()  # whatever is answered, the login has failed (RFC 7628 section 3.2.3)
        return verdict

    def _password(self, user: bytes) -> bytes | None:
        return _bytes(self._logins.users.get(user.decode("utf-8", "replace")))


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _verdict(right: bytes | None, given: bytes) -> Reply:
    known = right is not None and hmac.compare_digest(right, given)
    return replies.AUTHENTICATED if known else replies.BAD_CREDENTIALS


def _challenge(text: bytes) -> bytes:
    return b"334 " + base64.b64encode(text) + b"\r\n"
