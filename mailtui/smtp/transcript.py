"""Owns what was said and heard over a connection, line by line, fit to be shown and passed on.

No password, token or payload of a login is ever in it, of an address only the domain, of a message only how long it
was. A connection that is watched is tapped from outside: whoever holds the dialogue does not know, and one that is
not watched pays nothing.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import dataclasses
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailtui.kit.addresses import without_addresses
from mailtui.kit.hidden import HIDDEN, without
from mailtui.smtp.before import Before
from mailtui.smtp.connect import Connection

_LONGEST = 2_000  # characters of a line that are kept
_CHALLENGE = 334
_SHORT = 8  # characters; shorter answers hold a name at most
_PROOF = 32  # hex digits of MD5
_OPEN_VERBS = frozenset({"EHLO", "HELO", "STARTTLS", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT"})
_BDAT = re.compile(rb"BDAT (\d+)", re.IGNORECASE)


class Direction(StrEnum):
    """Who spoke."""

    SAID = "said"
    HEARD = "heard"
    NOTED = "noted"  # neither: what happened to the connection


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a dialogue; `at` in seconds since it began."""

    at: float
    direction: Direction
    text: str


class Transcript:
    """The lines so far, in their order."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._secrets: list[str] = []
        self._answers: list[str] = []
        self._in_login = False
        self._began = time.monotonic()

    def hide(self, secret: str) -> None:
        """Never show this from now on, nor in base64, whoever says it."""
        self._secrets.append(secret)

    def said(self, text: str) -> None:
        """A line of ours. Only the words of known commands are shown; anything else belongs to a login."""
        verb, _, rest = text.partition(" ")
        if self._in_login:
            self._hide_answer(text)
            text = HIDDEN
        elif verb.upper() == "AUTH":
            self._in_login = True
            method, _, answer = rest.partition(" ")
            self._hide_answer(answer)
            text = f"{verb} {method} {HIDDEN}" if answer else f"{verb} {method}"
        elif verb.upper() not in _OPEN_VERBS:
            text = HIDDEN
        self._add(Direction.SAID, text)

    def heard(self, code: int, text: str) -> None:
        """A reply, with a line of text for each of its lines."""
        self._in_login = self._in_login and code == _CHALLENGE
        lines = text.split("\n")
        for number, line in enumerate(lines):
            shown = HIDDEN if code == _CHALLENGE and line else line  # a challenge of AUTH
            self._add(Direction.HEARD, f"{code}{' ' if number == len(lines) - 1 else '-'}{shown}".rstrip())

    def heard_line(self, line: str) -> None:
        """A line of the server's as it came."""
        self._add(Direction.HEARD, line)

    def note(self, text: str) -> None:
        """Something that nobody said: a connection that stands, TLS, the length of a message."""
        self._add(Direction.NOTED, text)

    def redacted(self, text: str) -> str:
        """A text without the secrets, whoever said them, and with bytes that are no text as escapes."""
        for answer in self._answers:
            text = text.replace(answer, HIDDEN)
        for secret in self._secrets:
            text = without(secret, text)
        return text.encode("utf-8", "backslashreplace").decode()

    def _hide_answer(self, answer: str) -> None:
        """An answer to a challenge, and the proof in it (CRAM-MD5), which whoever says it back may have decoded."""
        if len(answer) < _SHORT:
            return
        self._answers.append(answer)
        try:
            proof = base64.b64decode(answer, validate=True).rpartition(b" ")[2].decode("utf-8", "replace")
        except binascii.Error:
            return
        if len(proof) == _PROOF:
            self._answers.append(proof)

    def _add(self, direction: Direction, text: str) -> None:
        shown = without_addresses(self.redacted(text))[:_LONGEST]
        self.lines.append(Line(time.monotonic() - self._began, direction, shown))


def tapped(connection: Connection, transcript: Transcript) -> Connection:
    """The same connection, with everything from now on put into the transcript."""
    return dataclasses.replace(connection, transport=_Tap(connection.transport, transcript))


class _Ours:
    """Reads what we write: commands are shown, of messages the length."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript
        self._rest = b""
        self._left = 0  # bytes of a BDAT chunk still to come
        self._chunk = 0
        self._body = -1  # bytes of a body after DATA so far; below 0 outside of one

    def body_follows(self) -> None:
        """The server asked for the message."""
        self._body = 0

    def feed(self, data: bytes) -> None:
        self._rest += data
        while self._rest:
            if self._left:
                taken = min(self._left, len(self._rest))
                self._left, self._rest = self._left - taken, self._rest[taken:]
                if not self._left:
                    self._transcript.note(f"{self._chunk:,} bytes of message")
                continue
            line, end, rest = self._rest.partition(b"\r\n")
            if not end:
                return
            self._rest = rest
            if self._body < 0:
                self._command(line)
            elif line == b".":
                self._transcript.note(f"{self._body:,} bytes of message, and the dot that ends it")
                self._body = -1
            else:
                self._body += len(line) + 2

    def _command(self, line: bytes) -> None:
        self._transcript.said(line.decode("utf-8", "replace"))
        chunk = _BDAT.match(line)
        if chunk is not None:
            self._left = self._chunk = int(chunk.group(1))


class _Tap(asyncio.Transport):
    """Passes everything on to the transport it stands before."""

    def __init__(self, transport: asyncio.Transport, transcript: Transcript) -> None:
        super().__init__()
        self._transport = transport
        self._transcript = transcript
        self._ours = _Ours(transcript)

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self._ours.feed(bytes(data))
        self._transport.write(data)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        assert isinstance(protocol, asyncio.BufferedProtocol)
        self._transport.set_protocol(_TappedProtocol(protocol, self._transcript, self._ours))

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._transport.get_protocol()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._transport.set_write_buffer_limits(high, low)

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._transport.get_write_buffer_limits()

    def get_write_buffer_size(self) -> int:
        return self._transport.get_write_buffer_size()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def is_reading(self) -> bool:
        return self._transport.is_reading()


class _TappedProtocol(Before[asyncio.BufferedProtocol], asyncio.BufferedProtocol):
    """Passes everything on to the protocol it stands before."""

    def __init__(self, protocol: asyncio.BufferedProtocol, transcript: Transcript, ours: _Ours) -> None:
        super().__init__(protocol)
        self._transcript = transcript
        self._ours = ours
        self._rest = b""
        self._buffer: Any = b""

    def get_buffer(self, sizehint: int) -> Any:
        self._buffer = self._protocol.get_buffer(sizehint)
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self._rest += bytes(self._buffer[:nbytes])
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            self._transcript.heard_line(line.rstrip(b"\r").decode("utf-8", "replace"))
            if line.startswith(b"354"):
                self._ours.body_follows()
        self._protocol.buffer_updated(nbytes)

    def eof_received(self) -> bool | None:
        self._transcript.note("the server ended the connection")
        return super().eof_received()
