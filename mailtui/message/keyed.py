"""Owns hashing with a campaign's secret: HMAC-SHA256 (RFC 2104) of many short texts, at a third of `hmac`'s cost."""

from __future__ import annotations

import hashlib

_BLOCK = 64  # bytes, of SHA-256


class KeyedHash:
    """What the secret alone goes into, and what all texts begin with, is worked out once."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, secret: bytes, begins: bytes = b"") -> None:
        block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK else secret).ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + begins)
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, text: bytes) -> bytes:
        """The 32 bytes for what all texts begin with and this."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()
