"""Owns what a person wants to know of a server's certificate: whose it is, who vouches for it, and until when."""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailtui.smtp.tls import chain_of, fingerprint_of, with_colons

if TYPE_CHECKING:
    from cryptography import x509

Fact = tuple[str, str]

_DAY = 86_400


def session_facts(session: ssl.SSLObject) -> tuple[Fact, ...]:
    """Protocol and certificates of a session whose handshake is done."""
    cipher = session.cipher()
    protocol = f"{session.version()}, {cipher[0]}" if cipher else f"{session.version()}"
    return (("protocol", protocol), *certificate_facts(chain_of(session)))


def certificate_facts(chain: Sequence[bytes]) -> tuple[Fact, ...]:
    """Subject, names, issuer, dates and fingerprint of the first, and who signed it with until when, of the others."""
    if not chain:
        return ()
    from cryptography import x509  # here: only who looks at a certificate waits for it to be loaded

    fingerprint = ("fingerprint", with_colons(fingerprint_of(chain[0])))
    try:
        first, *others = [x509.load_der_x509_certificate(blob) for blob in chain]
        names = _names(first)
        facts = [
            ("certificate", _name(first.subject) or ", ".join(names[:1])),
            ("names", ", ".join(names)),
            ("issuer", _name(first.issuer)),
            ("valid from", f"{first.not_valid_before_utc:%Y-%m-%d}" if _is_early(first) else ""),
            ("valid until", _until(first.not_valid_after_utc)),
            ("chain", ", signed by ".join(_with_end(one) for one in others)),
        ]
    except (ValueError, TypeError, x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        # Verified or not, it is written in a way that the reader of its fields does not take.
        return (("certificate", "it cannot be read"), fingerprint)
    return (*((name, value) for name, value in facts if value), fingerprint)


def _is_early(certificate: x509.Certificate) -> bool:
    return certificate.not_valid_before_utc > datetime.now(UTC)


def _until(end: datetime) -> str:
    days = int((end.timestamp() - time.time()) // _DAY)
    if days < 0:
        left = f"{-days:,} days ago" if days != -1 else "less than a day ago"
    else:
        left = f"{days:,} days left" if days != 1 else "1 day left"
    return f"{end:%Y-%m-%d} ({left})"


def _with_end(certificate: x509.Certificate) -> str:
    name = _name(certificate.subject) or "an authority without a name"
    return f"{name} (until {certificate.not_valid_after_utc:%Y-%m-%d})"


def _names(certificate: x509.Certificate) -> list[str]:
    from cryptography import x509

    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name.value) for name in found if isinstance(name, x509.DNSName | x509.IPAddress)]


def _name(name: x509.Name) -> str:
    """A distinguished name as people say it: the common name, and whose it is."""
    from cryptography.x509.oid import NameOID

    kinds = (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME, NameOID.ORGANIZATIONAL_UNIT_NAME)
    parts = [str(one.value) for kind in kinds for one in name.get_attributes_for_oid(kind)]
    return ", ".join(dict.fromkeys(part for part in parts if part))
