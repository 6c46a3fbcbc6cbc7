"""Owns the mail that is built already: bytes of an exact size, each message with a number of its own."""

from __future__ import annotations

from functools import cache

_HEAD = (
    b"From: Acme News <news@acme.test>\r\nTo: p@example.com\r\nSubject: Spring is here\r\n"
    b"Date: Fri, 15 Jan 2027 08:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
)
_LINE = b"Spring is the season in which we open the windows and count the jars.\r\n"


def prebuilt(size: int, number: int) -> bytes:
    """A message of `size` octets, in CRLF lines of ordinary length. Each call makes bytes of its own."""
    return _beginning(number) + _rest(size - len(_beginning(0)))


def _beginning(number: int) -> bytes:
    return b"Message-ID: <%012d@acme.test>\r\n" % number


@cache
def _rest(size: int) -> bytes:
    room = size - len(_HEAD) - 2
    if room < 4:
        raise ValueError(f"a message cannot be as small as {size} octets")
    lines = _LINE * (room // len(_LINE))
    left = room - len(lines)
    # The last line takes what is left over; two octets of it are its end.
    last = b"x" * (left - 2) + b"\r\n" if left >= 2 else b""
    if left == 1:
        lines, last = lines[: -len(_LINE)], b"x" * (len(_LINE) - 1) + b"\r\n"
    return _HEAD + b"\r\n" + lines + last
