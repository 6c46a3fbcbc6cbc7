"""Owns what can stand in the way of a session before the server says no in words of its own: TLS and the login."""

from __future__ import annotations

from enum import StrEnum

from mailtui.smtp.verdict import Verdict


class Obstacle(StrEnum):
    """Why there is no session. Each has a sentence where it is found, and a remedy in `remedies`."""

    # the certificate that the server shows
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    SELF_SIGNED = "self-signed"
    UNKNOWN_AUTHORITY = "unknown authority"
    WEAK_CERTIFICATE = "weak certificate"
    OTHER_FINGERPRINT = "other fingerprint"
    # the handshake
    TOO_OLD = "too old"
    NO_CIPHER = "no cipher in common"
    STALLED = "handshake stalled"
    HUNG_UP = "hung up in the handshake"
    NOT_TLS = "no TLS"
    BROKEN_TLS = "broken TLS"
    # our own certificate
    CERTIFICATE_WANTED = "client certificate wanted"
    CERTIFICATE_REFUSED = "client certificate refused"
    # files of the account
    UNREADABLE_CA = "ca cannot be read"
    UNREADABLE_CERTIFICATE = "certificate cannot be read"
    UNREADABLE_KEY = "key cannot be read"
    # STARTTLS
    NOT_OFFERED = "STARTTLS not offered"
    STARTTLS_REFUSED = "STARTTLS refused"
    INJECTED = "injected before TLS"
    # the login
    NO_LOGIN = "no login offered"
    NO_SUCH_METHOD = "method not offered"
    UNFIT_SECRET = "secret unfit"  # noqa: S105 - a name, no secret
    IN_CLEAR = "token in clear"
    TOKEN_REFUSED = "token refused"  # noqa: S105
    ODD_CHALLENGE = "odd challenge"


class NotConnected(Exception):
    """There is no session to be had; `verdict` says at which stage and what was said, `obstacle` why if that is known.

    No secret is in it, whatever the server said.
    """

    def __init__(self, verdict: Verdict, obstacle: Obstacle | None = None) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict
        self.obstacle = obstacle
