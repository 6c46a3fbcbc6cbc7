"""Owns cutting a server's bytes into replies, and refusing what is no reply (RFC 5321 section 4.2).

A client that skips over garbage pairs later replies with the wrong commands and reports mail as sent that
nobody accepted. So anything that is not exactly a reply is an error, and the connection is given up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINE = 8 * 1024
MAX_REPLY = 32 * 1024
_KNOWN_LINE = 100  # bytes
_KNOWN_LINES = 32

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")


class MalformedReply(Exception):
    """The server sent something that is no reply; nothing that follows on this connection can be trusted."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply: its code, and its text with the lines joined by blanks.

    Bytes that are not UTF-8 are kept as backslash escapes.
    """

    code: int
    text: str

    @property
    def enhanced(self) -> str | None:
        """The enhanced code (RFC 3463), when there is one and its class agrees with the basic code's (RFC 2034)."""
        if self.text[1:2] != ".":
            return None
        match = _ENHANCED.match(self.text)
        if match is None or match.group(1) != str(self.code)[0]:
            return None
        return match.group()

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class ReplyReader:
    """Collects bytes and gives back the complete replies among them."""

    __slots__ = ("_code", "_known", "_lines", "_pending", "_size")

    def __init__(self) -> None:
        self._known: dict[bytes, Reply] = {}  # by their line: a server says few different things, over and over
        self._pending = b""
        self._lines: list[bytes] = []
        self._code = b""
        self._size = 0

    @property
    def in_the_middle(self) -> bool:
        """Whether bytes of a reply that is not complete have come in."""
        return bool(self._pending or self._lines)

    @property
    def beginning(self) -> bytes:
        """As much as is known of the code of the reply that is not complete."""
        return self._code if self._lines else self._pending[:3]

    def feed(self, data: bytes) -> list[Reply]:
        """The replies completed by `data`. Raises `MalformedReply`."""
        lines = (self._pending + data if self._pending else data).split(b"\n")
        self._pending = lines.pop()
        if len(self._pending) > MAX_LINE:
            raise MalformedReply(f"a reply line longer than {MAX_LINE} bytes")
        replies = []
        known = self._known
        for line in lines:
            reply = None if self._lines else known.get(line)
            if reply is None:
                reply = self._new(line)
            if reply is not None:
                replies.append(reply)
        return replies

    def _new(self, line: bytes) -> Reply | None:
        alone = not self._lines
        reply = self._line(line[:-1] if line.endswith(b"\r") else line)
        if alone and reply is not None and len(line) <= _KNOWN_LINE:
            if len(self._known) >= _KNOWN_LINES:
                self._known.clear()
            self._known[line] = reply
        return reply

    def _line(self, line: bytes) -> Reply | None:
        code, mark = line[:3], line[3:4]
        if len(code) != 3 or not code.isdigit() or code[0] not in b"2345" or mark not in (b"", b" ", b"-"):
            raise MalformedReply(f"no reply: {line[:80]!r}")
        if self._lines and code != self._code:
            raise MalformedReply(f"a reply that changes its code from {self._code.decode()} to {code.decode()}")
        self._size += len(line)
        if len(line) > MAX_LINE or self._size > MAX_REPLY:
            raise MalformedReply(f"a reply longer than {MAX_REPLY} bytes")
        self._lines.append(line[4:])
        self._code = code
        if mark == b"-":
            return None
        text = b" ".join(self._lines).decode("utf-8", "backslashreplace")
        self._lines.clear()
        self._size = 0
        return Reply(int(code), text)
