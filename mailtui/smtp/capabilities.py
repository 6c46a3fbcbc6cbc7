"""Owns what a server said it can do in its answer to EHLO (RFC 5321 section 4.1.1.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_NAMED, _OFFERED = "Dovecot", "burl"
"""How a server is known whose process dies (seen with Dovecot 2.3.19: `smtp_server_transaction_finished: assertion
failed`) when the next MAIL comes before it has answered a message; what became of that message is not known then.

Its greeting names it, unless its operator has written another one; hardly any other server offers BURL (RFC 4468).
One that is taken for it and is not costs a round trip more for each message.
"""


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
    crossing: bool = True
    """Whether a command may come while the message before it is not answered; not offered by a server, but known."""

    @classmethod
    def from_extensions(
        cls, extensions: Mapping[str, str], auth: tuple[str, ...] = (), *, greeting: str = ""
    ) -> Capabilities:
        """Read the extensions by lower-cased keyword, and from the greeting what a server is known for."""
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
            crossing=_NAMED not in greeting and _OFFERED not in extensions,
        )
