"""Owns header lines: which may be set, what they may hold, and how they look on the wire.

The standard library never writes our headers: Python 3.11.7 turns an encoded word with a line feed in it into a
new header line (CVE-2024-6923), and wraps a long List-Unsubscribe link in an encoded word, which breaks one-click
unsubscribe. Everything here refuses before it encodes: a value with a control character in it is an error,
never repaired.

Sources: RFC 5322 sections 2.1.1 (lines of 78, at most 998), 2.2.3 (folding), 3.2 (atoms, quoted strings), 3.3
(dates), 3.4 (mailboxes), 3.6.4 (Message-ID); RFC 2047 (encoded words: 75 characters, lines of 76); RFC 6532 (UTF-8).
"""

from __future__ import annotations

import binascii
import functools
import math
import re
import time
from collections.abc import Iterable, Iterator
from enum import Enum

from mailtui.audience.address import Mailbox
from mailtui.errors import Place, Problem
from mailtui.message.keyed import KeyedHash

LINE_PREFERRED = 78
LINE_HARD = 998
_ENCODED_LINE = 76
_MARKERS = len("=?utf-8?q??=")
_PAYLOAD = 75 - _MARKERS
# A name leaves room for one encoded character of four bytes beside it: a value that starts on the next line
# would read as one that starts with a blank.
_NAME_LIMIT = _ENCODED_LINE - len(": ") - _MARKERS - len("=F0=9F=92=8C")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Controls, the two Unicode line breaks that Python's own parsers split at, and what UTF-8 cannot carry.
_FORBIDDEN = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NAME = re.compile(rf"[!-9;-~]{{1,{_NAME_LIMIT}}}")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
# RFC 2047 section 5 (3): what may stand unencoded in an encoded word inside a phrase; it is safe everywhere.
_Q_SAFE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/"
_Q_PLAIN = _Q_SAFE + b" "
_Q = tuple(chr(code) if code in _Q_SAFE else "_" if code == 0x20 else f"={code:02X}" for code in range(256))

OURS = {
    "from": "Write it as from: in the campaign file.",
    "reply-to": "Write it as reply_to: in the campaign file.",
    "subject": "Write it as subject: in the campaign file.",
    "to": "Every recipient gets a mail of their own, with their address in To.",
    "cc": "Write it as cc: in the campaign file; everybody who is named there gets a copy.",
    "bcc": "Write it as bcc: in the campaign file; everybody who is named there gets a copy.",
    "sender": "The mail has one author, the one in from:.",
    "date": "mailtui sets it, the same on every attempt.",
    "message-id": "mailtui sets it, the same on every attempt.",
    "mime-version": "mailtui sets it.",
    "return-path": "The receiving server sets it.",
    "received": "The servers on the way set it.",
    "delivered-to": "The receiving server sets it, and takes a mail that has it for one that goes in circles.",
    "dkim-signature": "Whoever signs the mail sets it.",
}
_OURS_PREFIXES = {
    "content-": "mailtui sets it from the parts.",
    "resent-": "This mail is not one that was resent.",
}
# Headers made of tokens, links and numbers: an encoded word has no place in them (RFC 2047 section 5).
_STRUCTURED_PREFIXES = ("list-", "arc-")
_STRUCTURED = frozenset(
    {
        "auto-submitted",
        "autocrypt",
        "disposition-notification-to",
        "errors-to",
        "feedback-id",
        "importance",
        "in-reply-to",
        "original-recipient",
        "precedence",
        "priority",
        "references",
        "sensitivity",
        "x-auto-response-suppress",
        "x-priority",
    }
)


class HeaderError(ValueError):
    """A value cannot be sent in a header; the message is a sentence that names neither value nor row."""


class HeaderKind(Enum):
    """How a header's value is written: free text, machine-readable tokens, or a name and an address."""

    UNSTRUCTURED = "unstructured"
    STRUCTURED = "structured"
    MAILBOX = "mailbox"


def header_kind(name: str) -> HeaderKind:
    """How the value of a custom header is written."""
    folded = name.lower()
    if folded in ("from", "reply-to"):
        return HeaderKind.MAILBOX
    if folded in _STRUCTURED or folded.startswith(_STRUCTURED_PREFIXES):
        return HeaderKind.STRUCTURED
    return HeaderKind.UNSTRUCTURED


def header_name_problems(names: Iterable[str]) -> Iterator[Problem]:
    """What is wrong with the names of the headers that a campaign file sets itself."""
    seen: set[str] = set()
    for name in names:
        place = Place(key=f"headers.{name}")
        folded = name.lower()
        why = OURS.get(folded) or next(
            (hint for prefix, hint in _OURS_PREFIXES.items() if folded.startswith(prefix)), None
        )
        if not _NAME.fullmatch(name):
            yield Problem(place, "this is no header name.", f"Use up to {_NAME_LIMIT} letters, digits and hyphens.")
        elif why is not None:
            yield Problem(place, f"the header {name} cannot be set here.", why)
        elif folded in seen:
            yield Problem(place, f"the header {name} stands here twice.", "Upper and lower case are the same name.")
        seen.add(folded)


def check_value(value: str) -> None:
    """Raise `HeaderError` for a value that could start a new header line or cannot be sent."""
    if value.isprintable():  # the fast way out: every forbidden character is unprintable
        return
    found = _FORBIDDEN.search(value)
    if found is None:
        return
    code = ord(found.group())
    if code in (0x0A, 0x0D):
        raise HeaderError("has a line break in it, which would start a new header")
    if code == 0:
        raise HeaderError("has a NUL character in it")
    if 0xD800 <= code <= 0xDFFF:
        raise HeaderError("has half a character in it (a lone surrogate)")
    raise HeaderError(f"has a control character in it (U+{code:04X})")


def unstructured(name: str, value: str) -> bytes:
    """A header line of free text, folded, without its last line break. Raises `HeaderError`.

    The reader sees exactly `value`: text that looks like an encoded word is encoded, so that nothing decodes it.
    """
    if value.isascii() and value.isprintable() and "=?" not in value:
        folded = _folded(name, value)
        if folded is not None:
            return folded.encode("ascii")
    check_value(value)
    return (f"{name}: " + _encoded(value, len(name) + 2)).encode("ascii")


def structured(name: str, value: str) -> bytes:
    """A header line of tokens or links, folded at its blanks only and never encoded. Raises `HeaderError`."""
    check_value(value)
    if not value.isascii() or "\t" in value:
        raise HeaderError("may only hold ASCII characters; write a link or name with %-codes")
    if "=?" in value:
        raise HeaderError("holds =?, which mail readers would take for encoded text")
    folded = _folded(name, value)
    if folded is None:
        raise HeaderError(f"has a word of more than {LINE_HARD - 1} characters, the most that a line may have")
    return folded.encode("ascii")


def mailbox(name: str, value: Mailbox, *, smtputf8: bool = False) -> bytes:
    """A header line with one name and address. Raises `HeaderError`.

    A local part that is not ASCII goes out as UTF-8 (RFC 6532), which needs `smtputf8`; the name is encoded
    as an encoded word all the same, so that it reads well everywhere.
    """
    if value.address.needs_smtputf8 and not smtputf8:
        raise HeaderError("has an address with characters that this server does not take (no SMTPUTF8)")
    return named_address(name, value.name, value.address.text)


def named_address(name: str, display: str, address: str) -> bytes:
    """A header line with an address that was looked at before, and the name of whose it is where it has one.

    Raises `HeaderError` for the name.
    """
    check_value(display)
    if not display:
        return f"{name}: {address}".encode()
    phrase = _phrase(display, len(name) + 2)
    last = phrase.rpartition("\n")[2] if "\n" in phrase else f"{name}: {phrase}"
    gap = " " if len(last) + len(address) + 3 <= LINE_PREFERRED else "\r\n "
    return f"{name}: {phrase}{gap}<{address}>".encode()


def encoded_words(value: str, *, used: int) -> str:
    """A value as encoded words (RFC 2047), folded; `used` characters stand before it on its line."""
    check_value(value)
    return _encoded(value, used)


def mailboxes(name: str, values: Iterable[Mailbox], *, smtputf8: bool = False) -> bytes:
    """A header line with one or more names and addresses, folded between them. Raises `HeaderError`."""
    line = b""
    for value in values:
        one = mailbox(name, value, smtputf8=smtputf8)
        if not line:
            line = one
            continue
        one = one[len(name) + 2 :]  # worked out for a place further right than it gets
        first = one.partition(b"\r\n")[0]
        last = line.rpartition(b"\n")[2]
        gap = b", " if len(last) + len(first) + 3 <= _ENCODED_LINE else b",\r\n "
        line += gap + one
    return line


def date_header(epoch: float) -> str:
    """An RFC 5322 date-time in UTC for seconds since 1970."""
    return _date(math.floor(epoch))


@functools.lru_cache(maxsize=64)  # the rows of a campaign are of a few seconds
def _date(epoch: int) -> str:
    at = time.gmtime(epoch)
    day, month = _DAYS[at.tm_wday], _MONTHS[at.tm_mon - 1]
    return f"{day}, {at.tm_mday:02d} {month} {at.tm_year:04d} {at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} +0000"


class MessageIds:
    """Stable Message-IDs that give no address away: a keyed hash of the recipient's key, at the sender's domain."""

    __slots__ = ("_hash",)

    def __init__(self, secret: bytes) -> None:
        self._hash = KeyedHash(secret)

    def of(self, key: str, domain: str) -> str:
        """The Message-ID for the person with this key."""
        return f"<{self._hash.digest(key.encode()).hex()[:32]}@{domain}>"


def _phrase(name: str, used: int) -> str:
    if name.isascii() and "=?" not in name and "\t" not in name:
        text = name if _ATOMS.fullmatch(name) else _quoted(name)
        if used + len(text) <= LINE_PREFERRED:
            return text
    return _encoded(name, used)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _folded(name: str, value: str) -> str | None:
    """Fold at blanks into lines of 78 where possible; None when a line would have more than 998 characters.

    `value` has no blanks around it.
    """
    if len(name) + 2 + len(value) <= LINE_PREFERRED:
        return f"{name}: {value}"
    lines: list[str] = []
    line = f"{name}:"
    for gap, word in re.findall(r"( *)([^ ]+)", " " + value):
        if len(line) + len(gap) + len(word) > LINE_PREFERRED and len(line) > len(name) + 1:
            lines.append(line)
            line = gap + word
        else:
            line += gap + word
    lines.append(line)
    return None if any(len(line) > LINE_HARD for line in lines) else "\r\n".join(lines)


def _encoded(value: str, used: int) -> str:
    """Encoded words over the whole value: what stands between two of them is dropped by the reader."""
    raw = value.encode()
    special = len(raw.translate(None, _Q_PLAIN))
    room = min(_PAYLOAD, _ENCODED_LINE - used - _MARKERS)
    words = _q_words(value, room) if 2 * special < len(raw) // 3 + 3 else _b_words(value, room)
    return "\r\n ".join(words)


def _q_words(value: str, room: int) -> Iterator[str]:
    whole = "".join(map(_Q.__getitem__, value.encode()))
    if len(whole) <= room:  # by far the most: spare them the walk over their characters
        yield f"=?utf-8?q?{whole}?="
        return
    word: list[str] = []
    length = 0
    for character in value:
        code = "".join([_Q[byte] for byte in character.encode()])
        if length + len(code) > room:
            yield f"=?utf-8?q?{''.join(word)}?="
            word, length, room = [], 0, _PAYLOAD
        word.append(code)
        length += len(code)
    yield f"=?utf-8?q?{''.join(word)}?="


def _b_words(value: str, room: int) -> Iterator[str]:
    room = room // 4 * 3
    word = b""
    for character in value:
        code = character.encode()
        if len(word) + len(code) > room:
            yield f"=?utf-8?b?{binascii.b2a_base64(word, newline=False).decode('ascii')}?="
            word, room = b"", _PAYLOAD // 4 * 3
        word += code
    yield f"=?utf-8?b?{binascii.b2a_base64(word, newline=False).decode('ascii')}?="
