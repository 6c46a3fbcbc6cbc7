"""Owns TLS as an account asks for it: 1.2 or newer, and a server that proves who it is, always.

A server proves it by a certificate for its name from an authority that is trusted; or, where the account pins a
fingerprint, by showing exactly that certificate, for which no authority is asked then.
"""

from __future__ import annotations

import hashlib
import ssl
import sys
from pathlib import Path

from mailtui.smtp.endpoint import Endpoint
from mailtui.smtp.obstacle import NotConnected, Obstacle
from mailtui.smtp.verdict import Stage, Verdict

NO_CERTIFICATE = "0" * 64
"""A fingerprint that no certificate has: who pins it gets to see what a server shows, and lets nothing through."""


class OtherFingerprint(ssl.SSLError):
    """The server shows another certificate than the one that is pinned; `shown` is that one in DER, and those that
    came with it.
    """

    def __init__(self, shown: tuple[bytes, ...]) -> None:
        self.shown = shown
        super().__init__(f"the server's certificate has the fingerprint {self.seen}")

    @property
    def seen(self) -> str:
        """Its fingerprint, 64 hex digits."""
        return fingerprint_of(self.shown[0])


class _NeedsPassphrase(Exception):
    """A key that is encrypted; OpenSSL would ask for its passphrase at the terminal."""


def tls_context(endpoint: Endpoint) -> ssl.SSLContext:
    """A context for one connection to this server. Raises `NotConnected` for files that cannot be used."""
    if endpoint.fingerprint:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # the pinned certificate is compared instead, in the handshake
        context.sslobject_class = _pinned(endpoint.fingerprint)
    else:
        context = _trusting(endpoint.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if endpoint.certificate:
        _show_our_own(context, endpoint)
    return context


def fingerprint_of(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER, as 64 hex digits."""
    return hashlib.sha256(certificate).hexdigest()


def with_colons(fingerprint: str) -> str:
    """A fingerprint as other programs show it: AB:CD:…"""
    return ":".join(fingerprint[at : at + 2] for at in range(0, len(fingerprint), 2)).upper()


def chain_of(session: ssl.SSLObject) -> tuple[bytes, ...]:
    """The certificates in DER, the server's first: those that were verified, else those that it sent."""
    verified = session.context.verify_mode is not ssl.CERT_NONE
    if sys.version_info >= (3, 13):
        return tuple(session.get_verified_chain() if verified else session.get_unverified_chain())
    # The same, before it had a public name; these versions get no changes any more.
    inner = getattr(session, "_sslobj", None)
    if inner is None:
        return ()
    found = inner.get_verified_chain() if verified else inner.get_unverified_chain()
    return tuple(ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in found or ())


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca or None)
    except ssl.SSLError:
        why = "there is no certificate in PEM form in it"
    except OSError as error:
        why = error.strerror or str(error)
    raise _unusable(Obstacle.UNREADABLE_CA, f"the authorities in {ca} cannot be read: {why}")


def _show_our_own(context: ssl.SSLContext, endpoint: Endpoint) -> None:
    """Load the client certificate and its key."""
    key = endpoint.key or endpoint.certificate
    _readable(endpoint.certificate, Obstacle.UNREADABLE_CERTIFICATE, "client certificate")
    _readable(key, Obstacle.UNREADABLE_KEY, "key of the client certificate")
    try:
        context.load_cert_chain(endpoint.certificate, key, password=_no_passphrase)
    except _NeedsPassphrase:
        why = "it is protected by a passphrase, which mailtui does not ask for"
        raise _unusable(
            Obstacle.UNREADABLE_KEY, f"the key of the client certificate in {key} cannot be used: {why}"
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"the key in {key} is not the one of the client certificate in {endpoint.certificate}"
            raise _unusable(Obstacle.UNREADABLE_KEY, text) from None
        files = endpoint.certificate if key == endpoint.certificate else f"{endpoint.certificate} and {key}"
        text = f"there is no client certificate with its key in PEM form in {files}"
        raise _unusable(Obstacle.UNREADABLE_CERTIFICATE, text) from None


def _readable(path: str, obstacle: Obstacle, what: str) -> None:
    """OpenSSL does not say which of the files it could not open."""
    try:
        with Path(path).open("rb"):
            pass
    except OSError as error:
        text = f"the {what} in {path} cannot be read: {error.strerror or error}"
        raise _unusable(obstacle, text) from None


def _no_passphrase() -> str:
    raise _NeedsPassphrase


def _unusable(obstacle: Obstacle, text: str) -> NotConnected:
    return NotConnected(Verdict.silence(Stage.TLS, text), obstacle)


def _pinned(fingerprint: str) -> type[ssl.SSLObject]:
    """A kind of session that ends its handshake with an error where the certificate is another one.

    The check stands inside of the handshake, so that nothing at all is said to a stranger. Before TLS 1.3 it comes in
    the middle, too, as soon as there is a certificate: what is said next may be our own one, in clear.
    """

    class Pinned(ssl.SSLObject):
        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except ssl.SSLWantReadError:
                if shown := chain_of(self):
                    _compare(shown, fingerprint)
                raise
            own = self.getpeercert(binary_form=True) or b""
            _compare((own, *chain_of(self)[1:]), fingerprint)

    return Pinned


def _compare(shown: tuple[bytes, ...], fingerprint: str) -> None:
    if fingerprint_of(shown[0]) != fingerprint:
        raise OtherFingerprint(shown)
