"""Owns telling addresses that rarely belong in a mailing: of a role, of a throw-away mailbox, of a mistyped domain.

They are flags, not problems: the address is valid, and whether it gets mail is for its sender to say. Special-use
names that private relays serve (`.test`, `.local`, `example.*`) carry no flag; `.invalid` does, which by RFC 6761
section 6.4 nobody can have.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, get_args

from mailtui.audience.domain_lists import (
    BAD_DOMAIN_FILE,
    DISPOSABLE_FILE,
    ROLE_FILE,
    SHIPPED,
    Entry,
    ListFile,
    read_list,
)

ROLE = 1
DISPOSABLE = 2
BAD_DOMAIN = 4

HygieneKind = Literal["role", "disposable", "bad_domain"]
KINDS: tuple[HygieneKind, ...] = get_args(HygieneKind)
BITS: dict[HygieneKind, int] = dict(zip(KINDS, (ROLE, DISPOSABLE, BAD_DOMAIN), strict=True))
_VERSION = b"2"
_FILES = (ROLE_FILE, DISPOSABLE_FILE, BAD_DOMAIN_FILE)
_KNOWN_LIMIT = 4_096  # domains of earlier rows that are kept in mind
_PACKAGE = "disposable_email_domains"


def kinds_of(flags: int) -> frozenset[HygieneKind]:
    """The names of the bits that are set."""
    return frozenset(kind for kind, bit in BITS.items() if flags & bit)


class Hygiene:
    """What is known of roles and domains. Made by `Hygiene.read`; may be asked from several threads."""

    def __init__(self, role: Iterable[Entry], disposable: Iterable[Entry], bad: Iterable[Entry]) -> None:
        self._roles = frozenset(text for text, entry in _last(role).items() if not entry.out)
        self._disposable = _last(disposable)
        self._bad = _last(bad)
        self._table: dict[str, int] | None = None
        self._known: dict[str, int] = {}
        self.digest = ""
        """Changes when an answer may change: part of the name of what was made with it."""
        self.files: tuple[ListFile, ...] = ()
        """The user's own files that were read."""

    @classmethod
    def read(cls, folder: Path | None) -> Hygiene:
        """The shipped lists, with the user's files of `folder` on top. Raises `ConfigError` for mistakes in those.

        The list of throw-away domains (ten thousand) is loaded when a row is first asked about, not here.
        """
        shipped, shipped_digest = _shipped()
        own = {name: None if folder is None else read_list(folder / name) for name in _FILES}
        role, disposable, bad = ([*_entries(shipped.get(name)), *_entries(own[name])] for name in _FILES)
        made = cls(role, disposable, bad)
        made.files = tuple(found for found in own.values() if found is not None)
        digest = hashlib.sha256(shipped_digest)
        for found in own.values():
            digest.update(hashlib.sha256(found.content if found else b"").digest())
        made.digest = digest.hexdigest()
        return made

    def flags(self, key: str) -> int:
        """The bits of an address, as `parse_address` keeps it: ROLE, DISPOSABLE, BAD_DOMAIN, or 0."""
        local, _, domain = key.rpartition("@")
        bits = self._known.get(domain)
        if bits is None:
            bits = self._look(domain)
        roles = self._roles
        # Most local parts are in small letters and without a tag, and done after one look.
        if local in roles or ((not local.islower() or "+" in local) and _plain(local) in roles):
            return bits | ROLE
        return bits

    def reason(self, key: str, flag: int) -> str:
        """Why an address has one of its flags, in words for a person."""
        local, _, domain = key.rpartition("@")
        if flag == ROLE:
            return f"{_plain(local)}@ is the address of a task, not of a person"
        if flag == DISPOSABLE:
            return f"{domain} hands out throw-away addresses"
        name = next((name for name in _upwards(domain) if name in self._bad), "")
        meant = self._bad[name].meant if name else ""
        if not meant:
            return f"{domain} can never receive mail"
        return f"{domain} is probably {domain.removesuffix(f'.{name}') if meant.startswith('.') else ''}{meant}"

    def _look(self, domain: str) -> int:
        table = self._table
        if table is None:
            table = self._table = self._load()
        if len(self._known) >= _KNOWN_LIMIT:
            self._known.clear()
        bits = self._known[domain] = _nearest(domain, table)
        return bits

    def _load(self) -> dict[str, int]:
        """Domain → bits, each of them as the nearest entry above says; 0 where a user took something out."""
        from disposable_email_domains import blocklist

        # Some slips of the keys hand out throw-away addresses too. A person who meant the other domain did not want
        # one, so they count as slips alone, unless the user's own list says otherwise.
        slips = {name for name, entry in self._bad.items() if entry.meant}
        disposable = {**dict.fromkeys(blocklist - slips, DISPOSABLE), **_bits(self._disposable, DISPOSABLE)}
        bad = _bits(self._bad, BAD_DOMAIN)
        names = disposable.keys() | bad.keys()
        return {name: _nearest(name, disposable) | _nearest(name, bad) for name in names}


def _plain(local: str) -> str:
    """A local part without a tag (RFC 5233) and in small letters."""
    return local.partition("+")[0].lower()


def _entries(found: ListFile | None) -> tuple[Entry, ...]:
    return () if found is None else found.entries


def _last(entries: Iterable[Entry]) -> dict[str, Entry]:
    """Entries by their name, the dot before an ending left out; what is said last counts."""
    return {entry.text.removeprefix("."): entry for entry in entries}


def _bits(entries: Mapping[str, Entry], bit: int) -> dict[str, int]:
    return {name: 0 if entry.out else bit for name, entry in entries.items()}


def _upwards(domain: str) -> Iterator[str]:
    """The domain and every one above it: a.b.c, b.c, c."""
    while domain:
        yield domain
        domain = domain.partition(".")[2]


def _nearest(domain: str, bits: Mapping[str, int]) -> int:
    return next((bits[name] for name in _upwards(domain) if name in bits), 0)


@functools.cache
def _shipped() -> tuple[dict[str, ListFile | None], bytes]:
    """Our own lists, and a digest over them and the list of throw-away domains; that one is not loaded for it."""
    files = {name: read_list(SHIPPED / name) for name in (ROLE_FILE, BAD_DOMAIN_FILE)}
    spec = importlib.util.find_spec(_PACKAGE)
    package = Path(spec.origin).read_bytes() if spec is not None and spec.origin is not None else b""
    digest = hashlib.sha256(_VERSION)
    for content in (*(found.content if found else b"" for found in files.values()), package):
        digest.update(hashlib.sha256(content).digest())
    return files, digest.digest()
