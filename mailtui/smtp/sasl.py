"""Owns what the ways to log in say: a mechanism's answers to a server's challenges, without input or output.

Names and passwords go as UTF-8, exactly as they were typed: preparing them (SASLprep, RFC 4013) is left to the server,
which alone knows how it keeps them (RFC 4616 section 2).
"""

from __future__ import annotations

import binascii
import hmac
import json
from abc import ABC, abstractmethod
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from mailtui.smtp.endpoint import AuthMethod

_MOST_TOLD = 100  # characters of each thing that a server says about a token


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in where, with what."""

    user: str
    secret: str
    host: str
    port: int

    def __repr__(self) -> str:
        return f"Login(user={self.user!r})"


class UnfitSecret(Exception):
    """A name, password or token that the mechanism has no form for; says why, without it."""


class Mechanism(ABC):
    """One login. `initial` is what may be said with the AUTH command, None where the server speaks first.

    Raises `UnfitSecret` for a name or password that is no text.
    """

    def __init__(self, login: Login) -> None:
        try:
            (login.user + login.secret).encode()
        except UnicodeEncodeError:  # it holds the secret
            raise UnfitSecret("a name or password that is no text in UTF-8 cannot be said") from None
        self.login = login

    def initial(self) -> bytes | None:
        """The initial response, not yet in base64. Raises `UnfitSecret`."""
        return None

    @abstractmethod
    def answer(self, challenge: bytes) -> bytes | None:
        """What to say to a challenge; None when nothing more was expected, and the login is to be given up."""


class Plain(Mechanism):
    """RFC 4616: everything at once, readable for whoever can read the connection."""

    def initial(self) -> bytes:
        user, secret = self.login.user, self.login.secret
        if "\0" in user or "\0" in secret:
            raise UnfitSecret("a name or password with a NUL in it cannot be said with PLAIN")
        return b"\0" + user.encode() + b"\0" + secret.encode()

    def answer(self, challenge: bytes) -> None:  # noqa: ARG002 - nothing is to be asked any more
        return None


class TwoQuestions(Mechanism):
    """LOGIN: the name, then the password. What the server's questions are called differs, and does not matter."""

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        self._left = [login.user.encode(), login.secret.encode()]

    def answer(self, challenge: bytes) -> bytes | None:  # noqa: ARG002 - its text is anybody's choice
        return self._left.pop(0) if self._left else None


class CramMd5(Mechanism):
    """RFC 2195: proves that the password is known, without saying it."""

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        self._answered = False

    def answer(self, challenge: bytes) -> bytes | None:
        if self._answered:
            return None
        self._answered = True
        proof = hmac.new(self.login.secret.encode(), challenge, "md5").hexdigest()
        return f"{self.login.user} {proof}".encode()


class Bearer(Mechanism):
    """A token; a server that refuses it says why in a challenge, and waits for an answer before it says no."""

    last_word = b""

    def __init__(self, login: Login) -> None:
        super().__init__(login)
        self.refusal = ""
        """What the server says is wrong with the token, once it did."""

    def answer(self, challenge: bytes) -> bytes | None:
        if self.refusal:
            return None
        self.refusal = _about_token(challenge)
        return self.last_word


class XOAuth2(Bearer):
    """Google's and Microsoft's: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol"""

    def initial(self) -> bytes:
        _require_token(self.login)
        return f"user={self.login.user}\x01auth=Bearer {self.login.secret}\x01\x01".encode()


class OAuthBearer(Bearer):
    """RFC 7628; the refusal is answered with a lone %x01 (section 3.2.3)."""

    last_word = b"\x01"

    def initial(self) -> bytes:
        _require_token(self.login)
        who = self.login.user.replace("=", "=3D").replace(",", "=2C")  # saslname of RFC 5801 section 4
        where = f"host={self.login.host}\x01port={self.login.port}"
        return f"n,a={who},\x01{where}\x01auth=Bearer {self.login.secret}\x01\x01".encode()


MECHANISMS: dict[AuthMethod, type[Mechanism]] = {
    AuthMethod.PLAIN: Plain,
    AuthMethod.LOGIN: TwoQuestions,
    AuthMethod.CRAM_MD5: CramMd5,
    AuthMethod.XOAUTH2: XOAuth2,
    AuthMethod.OAUTHBEARER: OAuthBearer,
}


def encoded(text: bytes) -> bytes:
    """In base64 on one line; nothing stays nothing (RFC 4954 section 4)."""
    return b64encode(text)


def decoded(text: str) -> bytes | None:
    """A challenge out of its base64; None for what is none."""
    try:
        return b64decode(text.strip().encode("utf-8", "surrogateescape"), validate=True)
    except binascii.Error:
        return None


def _require_token(login: Login) -> None:
    if any(not "\x20" < letter < "\x7f" for letter in login.secret) or "\x01" in login.user:
        raise UnfitSecret("the access token has characters in it that no token has")


def _about_token(challenge: bytes) -> str:
    """What the JSON of a refusal says (RFC 7628 section 3.2.2; Google's has the same keys), in words."""
    try:
        said: Any = json.loads(challenge)
    except (ValueError, RecursionError):  # no JSON, or brackets in brackets without end
        said = None
    if not isinstance(said, dict):
        return "the token is refused"
    told = [f"{key} {' '.join(str(said[key]).split())[:_MOST_TOLD]}" for key in ("status", "scope") if said.get(key)]
    return f"the token is refused: {', '.join(told)}" if told else "the token is refused"
