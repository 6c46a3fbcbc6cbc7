"""Owns naming what went wrong with TLS: one class and one sentence for each way in which it does.

OpenSSL's own words stand only where nothing better is known: they are for those who know its source.
"""

from __future__ import annotations

import ssl

from mailtui.smtp.endpoint import Endpoint, Security
from mailtui.smtp.obstacle import Obstacle
from mailtui.smtp.tls import OtherFingerprint, with_colons

_BY_CODE = {  # X509_V_ERR_* (openssl-verification-options(1))
    9: Obstacle.NOT_YET_VALID,
    10: Obstacle.EXPIRED,
    18: Obstacle.SELF_SIGNED,
    2: Obstacle.UNKNOWN_AUTHORITY,
    19: Obstacle.UNKNOWN_AUTHORITY,
    20: Obstacle.UNKNOWN_AUTHORITY,
    21: Obstacle.UNKNOWN_AUTHORITY,
    27: Obstacle.UNKNOWN_AUTHORITY,
    62: Obstacle.WRONG_NAME,
    64: Obstacle.WRONG_NAME,
}

_BY_REASON = {
    # The server speaks an older version, or says that ours is too new for it.
    "UNSUPPORTED_PROTOCOL": Obstacle.TOO_OLD,
    "WRONG_SSL_VERSION": Obstacle.TOO_OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": Obstacle.TOO_OLD,
    "NO_PROTOCOLS_AVAILABLE": Obstacle.TOO_OLD,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": Obstacle.NO_CIPHER,
    "TLSV1_ALERT_INSUFFICIENT_SECURITY": Obstacle.NO_CIPHER,
    "DH_KEY_TOO_SMALL": Obstacle.NO_CIPHER,
    # What came was no record of TLS.
    "WRONG_VERSION_NUMBER": Obstacle.NOT_TLS,
    "HTTP_REQUEST": Obstacle.NOT_TLS,
    "PACKET_LENGTH_TOO_LONG": Obstacle.NOT_TLS,
    "RECORD_LAYER_FAILURE": Obstacle.NOT_TLS,
    "UNEXPECTED_MESSAGE": Obstacle.NOT_TLS,
    "UNEXPECTED_EOF_WHILE_READING": Obstacle.HUNG_UP,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": Obstacle.CERTIFICATE_WANTED,
    "TLSV1_ALERT_UNKNOWN_CA": Obstacle.CERTIFICATE_REFUSED,
    "SSLV3_ALERT_BAD_CERTIFICATE": Obstacle.CERTIFICATE_REFUSED,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": Obstacle.CERTIFICATE_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": Obstacle.CERTIFICATE_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": Obstacle.CERTIFICATE_REFUSED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": Obstacle.CERTIFICATE_REFUSED,
    "TLSV1_ALERT_ACCESS_DENIED": Obstacle.CERTIFICATE_REFUSED,
}


def tls_failure(error: ssl.SSLError, endpoint: Endpoint) -> tuple[Obstacle, str]:
    """The class of an error of TLS, and a sentence without a full stop."""
    if isinstance(error, OtherFingerprint):
        text = f"{endpoint} shows another certificate than the pinned one, with the fingerprint "
        return Obstacle.OTHER_FINGERPRINT, text + with_colons(error.seen)
    if isinstance(error, ssl.SSLCertVerificationError):
        obstacle = _BY_CODE.get(error.verify_code, Obstacle.WEAK_CERTIFICATE)
        return obstacle, _about_certificate(obstacle, error.verify_message, endpoint)
    return _about_handshake(error, endpoint)


def stalled(endpoint: Endpoint) -> tuple[Obstacle, str]:
    """The handshake came to no end in its time."""
    return Obstacle.STALLED, f"{endpoint} did not finish the TLS handshake in time"


def hung_up(endpoint: Endpoint) -> tuple[Obstacle, str]:
    """The server ended the connection instead of the handshake."""
    return Obstacle.HUNG_UP, f"{endpoint} hung up in the TLS handshake, without saying why"


def hung_up_behind(endpoint: Endpoint) -> tuple[Obstacle, str]:
    """The server ended the connection right behind the handshake. In TLS 1.3 it sees our certificate only then, and
    what it says of it may get lost.
    """
    text = f"{endpoint} hung up right after the TLS handshake, without saying why"
    return Obstacle.HUNG_UP, text if endpoint.certificate else f"{text}; it may want a client certificate"


def not_offered(endpoint: Endpoint) -> tuple[Obstacle, str]:
    """EHLO says nothing of STARTTLS."""
    return Obstacle.NOT_OFFERED, f"{endpoint} does not offer STARTTLS, and nothing is sent unprotected"


def injected(endpoint: Endpoint) -> tuple[Obstacle, str]:
    """Something was said in clear behind the leave to begin TLS (RFC 3207 section 4.2; CVE-2011-0411)."""
    text = f"{endpoint} said more in clear behind its leave to begin TLS: somebody may be in between"
    return Obstacle.INJECTED, text


def _about_certificate(obstacle: Obstacle, message: str, endpoint: Endpoint) -> str:
    of = f"the certificate of {endpoint}"
    if obstacle is Obstacle.EXPIRED:
        return f"{of} has expired"
    if obstacle is Obstacle.NOT_YET_VALID:
        return f"{of} is not valid yet"
    if obstacle is Obstacle.WRONG_NAME:
        return f"{of} is for another name than {endpoint.host.strip('[]')}"
    if obstacle is Obstacle.SELF_SIGNED:
        return f"{of} is self-signed: nobody vouches for it"
    if obstacle is Obstacle.UNKNOWN_AUTHORITY:
        where = f"in {endpoint.ca}" if endpoint.ca else "on this machine"
        return f"{of} is signed by an authority that is not trusted {where}"
    return f"{of} is not accepted: {message}"


def _about_handshake(error: ssl.SSLError, endpoint: Endpoint) -> tuple[Obstacle, str]:
    reason = error.reason or ""
    obstacle = _BY_REASON.get(reason, Obstacle.BROKEN_TLS)
    if obstacle is Obstacle.NO_CIPHER and not endpoint.certificate and reason == "SSLV3_ALERT_HANDSHAKE_FAILURE":
        # Before TLS 1.3 there is one alert for both (RFC 5246 section 7.4.6).
        return obstacle, f"{endpoint} and mailtui have no cipher in common, or it wants a client certificate"
    if obstacle is Obstacle.HUNG_UP:
        return hung_up(endpoint)
    if obstacle is Obstacle.CERTIFICATE_REFUSED and not endpoint.certificate:
        obstacle = Obstacle.CERTIFICATE_WANTED
    texts = {
        Obstacle.TOO_OLD: f"{endpoint} speaks only versions of TLS older than 1.2",
        Obstacle.NO_CIPHER: f"{endpoint} and mailtui have no cipher in common",
        Obstacle.NOT_TLS: _not_tls(endpoint),
        Obstacle.CERTIFICATE_WANTED: f"{endpoint} wants to see a client certificate",
        Obstacle.CERTIFICATE_REFUSED: f"{endpoint} does not take our client certificate {endpoint.certificate}",
    }
    return obstacle, texts.get(obstacle, f"TLS with {endpoint} failed: {reason.replace('_', ' ').lower() or error}")


def _not_tls(endpoint: Endpoint) -> str:
    if endpoint.security is Security.TLS:
        return f"{endpoint} answers in clear, and does not speak TLS from the first byte"
    return f"{endpoint} gave leave to begin TLS, and goes on in clear"
