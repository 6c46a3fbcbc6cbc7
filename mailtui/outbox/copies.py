"""Owns what makes a copy of a recipient's mail one delivery of its own: its key, and whom it must not reach.

A copy has its own state, attempts and reply, and is rendered as the mail that it copies. Its key begins with the
recipient's, so that all copies of one mail lie side by side in the index of keys. No address has a blank in it
(`parse_address`), so no recipient's key is ever a copy's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

_BETWEEN = " copy "
_BEHIND = " copy!"  # the first text behind all that begin with the one above


def copy_key(of: str, own: str) -> str:
    """The key of the copy that somebody gets of the mail to the recipient with the key `of`."""
    return f"{of}{_BETWEEN}{own}"


def own_key(key: str) -> str:
    """The key of whoever gets it, be it a recipient's own mail or a copy."""
    return key.rpartition(_BETWEEN)[2]


def copies_of(key: str) -> tuple[str, str]:
    """Between which two texts the keys of all copies of a recipient's mail lie; the second is none of them."""
    return f"{key}{_BETWEEN}", f"{key}{_BEHIND}"


def copy_text(copy_of: tuple[str, str] | None) -> str:
    """Whose mail it is a copy of, as the outbox keeps it."""
    return "" if copy_of is None else json.dumps(copy_of, ensure_ascii=False)


def copy_from(text: str) -> tuple[str, str] | None:
    """What `copy_text` was given."""
    if not text:
        return None
    key, address = json.loads(text)
    return key, address


def concerned(key: str, address: str, copy_of: tuple[str, str] | None) -> tuple[str, ...]:
    """Everybody of whom none may be on the suppression list for it to be sent, its own address first.

    The key is that of the list, and the address perhaps one that a person put in its place.
    """
    return (address, own_key(key)) if copy_of is None else (address, own_key(key), *copy_of)


def said_of(found: Mapping[str, str], names: Sequence[str]) -> str:
    """Why a mail is not sent, of what was `found` about those whom it concerns (`concerned`); empty where it is."""
    said = next(filter(None, map(found.get, names)), "")
    if said and not any(found.get(name) for name in names[:2]):
        return f"a copy of a mail to {names[-1]}, who gets none: {said}"
    return said
