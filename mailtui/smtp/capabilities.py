"""Owns what a server said it can do in its answer to EHLO (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The extensions that change what we send. `size` is the largest message in bytes; 0 means no limit told."""

    pipelining: bool = False  # RFC 2920
    eight_bit: bool = False  # 8BITMIME, RFC 6152
    smtputf8: bool = False  # RFC 6531
    size_known: bool = False  # SIZE, RFC 1870
    size: int = 0
    chunking: bool = False  # RFC 3030
    enhanced_codes: bool = False  # RFC 2034
    auth: tuple[str, ...] = ()

    @classmethod
    def from_extensions(cls, extensions: Mapping[str, str], auth: tuple[str, ...] = ()) -> Capabilities:
        """Read the extensions by lower-cased keyword."""
        limit = extensions.get("size", "").strip()
        return cls(
            pipelining="pipelining" in extensions,
            eight_bit="8bitmime" in extensions,
            smtputf8="smtputf8" in extensions,
            size_known="size" in extensions,
            size=int(limit) if limit.isascii() and limit.isdigit() else 0,
            chunking="chunking" in extensions,
            enhanced_codes="enhancedstatuscodes" in extensions,
            auth=auth,
        )
