"""Owns the certificates of the tests: an authority of our own, and what it signs: good, expired, for another name.

Everything is made anew for a test run; nothing of it is kept or trusted beyond it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import trustme

from mailtui.sandbox.tls import Tls

NAMES = ("localhost", "127.0.0.1")
OTHER_NAMES = ("elsewhere.test",)
_LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority. A second one is a stranger to whoever trusts the first."""

    ca: trustme.CA = field(default_factory=trustme.CA)

    def issue(self, *names: str, expired: bool = False) -> trustme.LeafCert:
        """A certificate for these names, else for localhost and 127.0.0.1; `expired` in 2001."""
        return self.ca.issue_cert(*(names or NAMES), not_after=_LONG_AGO if expired else None)

    def server(self, *names: str, expired: bool = False, implicit: bool = False) -> Tls:
        """The TLS side of a sandbox in this process."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.issue(*names, expired=expired).configure_cert(context)
        return Tls(context, implicit)

    def client(self) -> ssl.SSLContext:
        """A client's context that trusts this authority and nothing else."""
        return ssl.create_default_context(cadata=self.ca.cert_pem.bytes().decode("ascii"))

    def write(self, folder: Path, *names: str, expired: bool = False) -> tuple[Path, Path, Path]:
        """Files for a program: a certificate with its chain, its key, and the authority to trust."""
        leaf = self.issue(*names, expired=expired)
        certificate, key, authority = folder / "certificate.pem", folder / "key.pem", folder / "authority.pem"
        certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        key.write_bytes(leaf.private_key_pem.bytes())
        authority.write_bytes(self.ca.cert_pem.bytes())
        return certificate, key, authority
