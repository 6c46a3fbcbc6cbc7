"""Owns what a BDAT command asks for (RFC 3030 section 2), and where a message stands that comes in chunks."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailtui.sandbox.replies import Reply

_CHUNK = re.compile(rb"([0-9]{1,18})( +LAST)? *", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One BDAT command: its octets, whether they are the message's last, and the reply that refuses it, if any."""

    octets: int
    last: bool
    refusal: Reply | None = None


def parse_bdat(argument: bytes) -> Chunk | None:
    """The chunk in the text after `BDAT `; None when it says no number of octets."""
    match = _CHUNK.fullmatch(argument)
    return None if match is None else Chunk(int(match[1]), match[2] is not None)
