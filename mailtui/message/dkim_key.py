"""Owns the keys that mails are signed with: reading a private one, making one, and the public half as the DNS has it.

Sources: RFC 6376 section 3.6.1 (the record), RFC 8301 (lengths of RSA keys), RFC 8463 (Ed25519).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256, Hash
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mailtui.message.dkim import DkimKeyProblem

LEAST_BITS = 2048
MOST_BITS = 4096
"""What every verifier has to take (RFC 8301 section 3.2); a longer key may be good for nobody."""

_MAKE = "Make one: mailtui accounts dkim ACCOUNT --make rsa"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, ready: `kind` is rsa or ed25519, `public` what stands in p= of its record."""

    kind: str
    bits: int
    public: str
    sign: Callable[[bytes], bytes] = field(repr=False)

    @property
    def algorithm(self) -> str:
        """a= of its signatures."""
        return f"{self.kind}-sha256"

    @property
    def record(self) -> str:
        """The text of the TXT record that lets others verify them."""
        return f"v=DKIM1; k={self.kind}; p={self.public}"


def read_signing_key(pem: bytes) -> SigningKey:
    """A key from its PEM text. Raises `DkimKeyProblem` for one that is none, has a passphrase, or is not to be used."""
    if b"PRIVATE KEY" not in pem:
        what = "a public one" if b"PUBLIC KEY" in pem else "a certificate" if b"CERTIFICATE" in pem else "no PEM text"
        raise DkimKeyProblem(f"This is no private key for DKIM, but {what}", hint=_MAKE)
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise DkimKeyProblem(
            "The key for DKIM has a passphrase, and nobody is there to type it",
            hint="Take it off: openssl pkey -in KEY.pem -out NEW.pem, and chmod 600 NEW.pem",
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise DkimKeyProblem("The key for DKIM cannot be read; it may be cut off", hint=_MAKE) from None
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return _ed25519(key)
    if isinstance(key, rsa.RSAPrivateKey):
        return _rsa(key)
    raise DkimKeyProblem("The key for DKIM is of another kind than rsa and ed25519", hint=_MAKE)


def make_key(kind: str) -> bytes:
    """A new private key of a kind, as PEM text."""
    key = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65_537, LEAST_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _ed25519(key: ed25519.Ed25519PrivateKey) -> SigningKey:
    def sign(data: bytes) -> bytes:
        digest = Hash(SHA256())  # RFC 8463 section 3: what is signed is the hash
        digest.update(data)
        return key.sign(digest.finalize())

    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return SigningKey("ed25519", 256, base64.b64encode(public).decode(), sign)


def _rsa(key: rsa.RSAPrivateKey) -> SigningKey:
    bits = key.key_size
    if bits < LEAST_BITS:
        raise DkimKeyProblem(
            f"The key for DKIM has {bits:,} bits, and fewer than {LEAST_BITS:,} are worth little (RFC 8301)", hint=_MAKE
        )
    if bits > MOST_BITS:
        raise DkimKeyProblem(
            f"The key for DKIM has {bits:,} bits; many verify none of more than {MOST_BITS:,} (RFC 8301)", hint=_MAKE
        )
    padding, hashed = PKCS1v15(), SHA256()
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    encoded = base64.b64encode(public).decode()
    return SigningKey("rsa", bits, encoded, lambda data: key.sign(data, padding, hashed))
