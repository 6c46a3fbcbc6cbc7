"""Owns who gets a copy of one mail: reading the mailboxes that its row and campaign name, and its Cc header.

A copy has the bytes of the mail that it copies, so whoever gets one sees Cc as the recipient does; nobody sees Bcc,
which no mail of ours has (RFC 5322 section 3.6.3). Each address gets one mail of them: one that stands twice, or is the
recipient's own, gets no second one.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import NamedTuple

from mailtui.audience.address import Address, AddressError, Mailbox, parse_mailbox
from mailtui.kit.safe_text import safe_text
from mailtui.message import headers

_SHOWN = 80  # characters of what cannot be read, in a sentence
_LONGEST = 200  # of the sentence


class Copied(NamedTuple):
    """Who gets a copy of one recipient's mail: `cc` are named in it, `addresses` are all of them, each once."""

    cc: tuple[Mailbox, ...]
    addresses: tuple[Address, ...]


@functools.lru_cache(maxsize=1024)  # mostly the same few for all
def read_mailbox(text: str) -> Mailbox:
    """One mailbox as a person wrote it. Raises `AddressError`, whose sentence names it."""
    try:
        return parse_mailbox(text)
    except AddressError as error:
        shown = safe_text(text, limit=_SHOWN)
        said = str(error).replace(text, shown)
        raise AddressError(safe_text(said if shown in said else f"{shown}: {said}", limit=_LONGEST)) from None


def copied(cc: Iterable[str], bcc: Iterable[str], key: str) -> Copied:
    """Who gets a copy of the mail to the recipient with this key. Raises `AddressError`."""
    named = named_in(cc, key)
    seen = {key} | {mailbox.address.key for mailbox in named}
    addresses = [mailbox.address for mailbox in named]
    for text in bcc:
        address = read_mailbox(text).address
        if address.key not in seen:
            seen.add(address.key)
            addresses.append(address)
    return Copied(named, tuple(addresses))


def named_in(cc: Iterable[str], key: str) -> tuple[Mailbox, ...]:
    """Those whom the Cc header names, each once and never the recipient. Raises `AddressError`."""
    found: dict[str, Mailbox] = {}
    for text in cc:
        mailbox = read_mailbox(text)
        if mailbox.address.key != key:
            found.setdefault(mailbox.address.key, mailbox)
    return tuple(found.values())


def cc_line(named: tuple[Mailbox, ...], *, smtputf8: bool) -> bytes:
    """The Cc header with the line break before it, to stand behind another line; nothing where it names nobody.

    Raises `HeaderError`.
    """
    return _line(named, smtputf8) if named else b""


@functools.lru_cache(maxsize=256)
def _line(named: tuple[Mailbox, ...], smtputf8: bool) -> bytes:
    return b"\r\n" + headers.mailboxes("Cc", named, smtputf8=smtputf8)


def shown(named: tuple[Mailbox, ...]) -> str:
    """The Cc header's value as a reader sees it."""
    return ", ".join(f"{one.name} <{one.address.text}>" if one.name else one.address.text for one in named)
