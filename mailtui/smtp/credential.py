"""Owns what an account proves itself with: a password or an access token, and that it is never shown."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from enum import StrEnum

HIDDEN = "(hidden)"
"""What stands where something secret was said."""

_SHORT = 4  # characters; shorter ones are in too many words


class Kind(StrEnum):
    """What the secret is; it decides which ways to log in there are."""

    PASSWORD = "password"  # noqa: S105 - a name, no secret
    TOKEN = "token"  # noqa: S105 - an OAuth 2.0 access token (RFC 6750)


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret to log in with; who logs in is the endpoint's `user`. Two are equal when their secrets are."""

    kind: Kind
    secret: str = field(repr=False)

    @classmethod
    def password(cls, secret: str) -> Credential:
        """A password."""
        return cls(Kind.PASSWORD, secret)

    @classmethod
    def token(cls, secret: str) -> Credential:
        """An access token."""
        return cls(Kind.TOKEN, secret)

    def __str__(self) -> str:
        return f"a {self.kind}"

    def kept_out_of(self, text: str) -> str:
        """A text of a server's without the secret in it: some say back what they were told, in base64 too."""
        if len(self.secret) < _SHORT:
            return text
        for form in shapes_of(self.secret):
            text = text.replace(form, HIDDEN)
        return text


def shapes_of(secret: str) -> tuple[str, ...]:
    """How a secret looks in what is said: as it is, in base64, and in base64 behind something else.

    A byte's place in base64 depends on how many stand before it, modulo three; the characters at the seams, which
    depend on the neighbours, are left out.
    """
    raw = secret.encode("utf-8", "surrogateescape")
    inside = []
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + raw).decode("ascii").rstrip("=")
        core = encoded[(0, 2, 3)[before] : len(encoded) - (1 if (before + len(raw)) % 3 else 0)]
        if len(core) >= _SHORT:
            inside.append(core)
    whole = base64.b64encode(raw).decode("ascii")
    return tuple(dict.fromkeys(form for form in (secret, whole, *inside) if form))
