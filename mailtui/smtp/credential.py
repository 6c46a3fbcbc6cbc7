"""Owns what an account proves itself with: a password or an access token, and that it is never shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mailtui.kit.hidden import without


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
        return without(self.secret, text)
