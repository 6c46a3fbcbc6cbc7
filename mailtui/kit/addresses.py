"""Owns leaving nobody's mail address in a text that others read, such as a log: its domain alone stays."""

from __future__ import annotations

import re

_PLAIN = r'[^\s<>()\[\],;:"@]'
# Quoted as RFC 5321 has it (4.1.2), or as a program wrote it that escapes quotes. Bounded, so that no text takes long;
# a local part has 64 octets at most (4.5.3.1.1).
_QUOTED = r'(?:"(?:[^"\\]|\\.){0,200}"|"[^"]{0,200}")'
# It begins where a word does, so that a long word is read once. A single quote before it stands around it, one within
# belongs to it.
_ADDRESS = re.compile(rf"(?:(?<!{_PLAIN})('?){_PLAIN}+{_QUOTED}?|{_QUOTED})@(?=[\w\[])", re.DOTALL)


def without_addresses(text: str) -> str:
    """The text with nothing but the domains left of the mail addresses in it."""
    return _ADDRESS.sub(r"\1…@", text) if "@" in text else text
