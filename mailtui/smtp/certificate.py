"""Owns what a person wants to know of a server's certificate: whose it is, who vouches for it, and until when."""

from __future__ import annotations

import ssl
import sys
import time
from collections.abc import Iterable
from typing import Any

Fact = tuple[str, str]

_DAY = 86_400


def certificate_facts(session: ssl.SSLObject) -> tuple[Fact, ...]:
    """Subject, names, issuer, expiry and chain, of a session whose handshake is done."""
    certificate: dict[str, Any] = dict(session.getpeercert() or {})
    cipher = session.cipher()
    names = [f"{value}" for _, value in certificate.get("subjectAltName", ())]
    expires = str(certificate.get("notAfter", ""))
    chain = _chain(session)
    facts = [
        ("protocol", f"{session.version()}, {cipher[0]}" if cipher else f"{session.version()}"),
        ("certificate", _name(certificate.get("subject", ())) or ", ".join(names[:1])),
        ("names", ", ".join(names)),
        ("issuer", _name(certificate.get("issuer", ()))),
        ("valid until", _until(expires) if expires else ""),
        ("chain", ", signed by ".join(chain) if len(chain) > 1 else ""),
    ]
    return tuple((name, value) for name, value in facts if value)


def _until(text: str) -> str:
    expires = ssl.cert_time_to_seconds(text)
    days = int((expires - time.time()) // _DAY)
    left = f"{days:,} days left" if days != 1 else "1 day left"
    return f"{time.strftime('%Y-%m-%d', time.gmtime(expires))} ({left})"


def _name(pairs: Iterable[Iterable[tuple[str, str]]]) -> str:
    """A distinguished name as people say it: the common name, and whose it is."""
    known = {key: value for group in pairs for key, value in group}
    parts = [known.get("commonName", ""), known.get("organizationName", ""), known.get("organizationalUnitName", "")]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _chain(session: ssl.SSLObject) -> list[str]:
    """The certificates from the server's to the authority that is trusted, by name."""
    if sys.version_info >= (3, 13):
        blobs = session.get_verified_chain()
    else:
        # The same, before it had a public name; these versions get no changes any more.
        inner = getattr(session, "_sslobj", None)
        blobs = [ssl.PEM_cert_to_DER_cert(one.public_bytes()) for one in inner.get_verified_chain()] if inner else []
    return [_named(blob) for blob in blobs[1:]]


def _named(blob: bytes) -> str:
    """The name in an authority's certificate: OpenSSL reads it out when it is told to trust it."""
    store = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    store.load_verify_locations(cadata=blob)
    known: list[dict[str, Any]] = list(store.get_ca_certs())
    return next((_name(one.get("subject", ())) for one in known), "") or "an authority without a name"
