"""Owns the lists of local parts and domains that rows are flagged by: the shipped ones, and what a user adds.

A list is a text file: one entry a line, blanks around it ignored, `#` starts a comment, a `-` before an entry takes
it out. In `bad-domains.txt` a second word is the domain that was probably meant, and an entry that begins with a dot
stands for every domain that ends so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mailtui.errors import ConfigError, Place, Problem

ROLE_FILE = "role.txt"
DISPOSABLE_FILE = "disposable.txt"
BAD_DOMAIN_FILE = "bad-domains.txt"
SHIPPED = Path(__file__).with_name("domain_data")

_LOCAL = re.compile(r"[^\s@#,;\"<>]{1,64}")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DOMAIN = re.compile(rf"\.?{_LABEL}(?:\.{_LABEL})*")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a list. `out` takes the entry out of the list; `meant` is '' but for slips of the keys."""

    text: str
    out: bool = False
    meant: str = ""


@dataclass(frozen=True, slots=True)
class ListFile:
    """A list that was read. `content` is the file as it is, for telling one state of it from another."""

    path: Path
    entries: tuple[Entry, ...]
    content: bytes


def read_list(path: Path) -> ListFile | None:
    """One list, None when there is no such file. Raises `ConfigError` naming every line that cannot be used."""
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(f"The list {path.name} cannot be read", detail=f"{path}: {error.strerror}") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        place = Place(str(path), content.count(b"\n", 0, error.start) + 1)
        raise ConfigError(f"The list {path.name} is no UTF-8 text", [Problem(place, "save it as UTF-8.")]) from None
    entries: list[Entry] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stated = line.partition("#")[0].strip()
        if not stated:
            continue
        try:
            entries.append(_entry(stated, path.name))
        except ValueError as error:
            problems.append(Problem(Place(str(path), number), str(error)))
    if problems:
        raise ConfigError(f"The list {path.name} has mistakes", problems)
    return ListFile(path, tuple(entries), content)


def _entry(stated: str, name: str) -> Entry:
    out = stated.startswith("-")
    words = stated.removeprefix("-").split()
    if not words:
        raise ValueError("after the - an entry is missing.")
    most = 2 if name == BAD_DOMAIN_FILE and not out else 1
    if len(words) > most:
        allowed = "a domain and the one that was meant" if most == 2 else "one entry"
        raise ValueError(f"{stated!r} has {len(words)} words; a line has {allowed}.")
    if name == ROLE_FILE:
        if not _LOCAL.fullmatch(words[0]):
            raise ValueError(f"{words[0]!r} is not what stands before an @; write info, not info@example.com.")
        return Entry(words[0].lower(), out)
    first, *meant = (_domain(word) for word in words)
    if first.startswith(".") and name == DISPOSABLE_FILE:
        raise ValueError(f"{words[0]!r}: leave the dot out; subdomains count anyway.")
    return Entry(first, out, "".join(meant))


def _domain(word: str) -> str:
    """The domain as it stands in canonical addresses: lower-cased A-labels (RFC 5890)."""
    if "@" in word:
        raise ValueError(f"{word!r} is an address; write the domain alone, {word.rpartition('@')[2] or 'example.com'}.")
    if "*" in word:
        raise ValueError(f"{word!r}: leave the * out; subdomains count anyway.")
    plain = word.rstrip(".").lower()
    if not plain.isascii():
        import idna  # here, since most lists have no use for it

        try:
            plain = idna.encode(plain, uts46=True).decode("ascii")
        except idna.IDNAError as error:
            raise ValueError(f"{word!r} is no domain: {error}.") from None
    if not _DOMAIN.fullmatch(plain):
        raise ValueError(f"{word!r} is no domain.")
    return plain
