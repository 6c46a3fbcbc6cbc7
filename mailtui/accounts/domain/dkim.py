"""Owns reading the public key of a DKIM selector (RFC 6376 section 3.6.1, RFC 8301, RFC 8463)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from mailtui.accounts.domain.tags import tags

# A key as SubjectPublicKeyInfo: 1,024 bits of RSA are 162 bytes, 2,048 are 294.
_LEAST_BYTES = 162
_GOOD_BYTES = 290
_AROUND = 24


@dataclass(frozen=True, slots=True)
class Key:
    """A selector's key: `mistake` is a sentence about one that cannot be used; '' for one that can. `public` are the
    bytes of p=.
    """

    kind: str
    testing: bool = False
    short: bool = False
    mistake: str = ""
    public: bytes = b""

    def is_same_as(self, other: Key) -> bool:
        """Whether both are one key. RFC 6376 has p= as the key alone, everybody as a SubjectPublicKeyInfo around it."""
        if self.kind != other.kind:
            return False
        longer, shorter = sorted((self.public, other.public), key=len, reverse=True)
        return longer == shorter or (len(shorter) >= _LEAST_BYTES - _AROUND and longer.endswith(shorter))


def read_key(text: str) -> Key:
    """Read a record at `SELECTOR._domainkey.DOMAIN`."""
    try:
        found = tags(text)
    except ValueError as error:
        return Key("", mistake=str(error))
    kind = found.get("k", "rsa").lower()
    if found.get("v", "DKIM1") != "DKIM1":
        return Key(kind, mistake=f"v={found['v']} is no version of DKIM")
    if "p" not in found:
        return Key(kind, mistake="it has no key, p=")
    if not found["p"]:
        return Key(kind, mistake="its key was withdrawn: p= is empty")
    try:
        key = base64.b64decode("".join(found["p"].split()), validate=True)
    except (binascii.Error, ValueError):
        return Key(kind, mistake="its key is not base64, and perhaps cut off")
    if kind == "rsa" and len(key) < _LEAST_BYTES:
        return Key(kind, mistake="its key has fewer than 1,024 bits, and nobody accepts that any more (RFC 8301)")
    testing = "y" in found.get("t", "").lower().split(":")
    return Key(kind, testing, kind == "rsa" and len(key) < _GOOD_BYTES, public=key)
