"""Owns reading a client's half of an SMTP dialogue: whose message's last byte has gone out by now."""

from __future__ import annotations

import re

_RCPT = re.compile(rb"\r\nRCPT TO:<([^>]*)>[^\r]*\r\n(?:DATA|BDAT (\d+) LAST)\r\n", re.DOTALL | re.IGNORECASE)
_END = b"\r\n.\r\n"


class Dialogue:
    """One connection's bytes, as they are given to it; one recipient a message, and one chunk."""

    def __init__(self) -> None:
        self._rest = b"\r\n"
        self._body_of: str | None = None
        self._octets: int | None = None  # of a chunk; None: the message ends with a dot

    def feed(self, data: bytes) -> list[str]:
        """The recipients whose last byte is in the stream with this data."""
        self._rest += data
        done: list[str] = []
        while True:
            if self._body_of is None:
                found = _RCPT.search(self._rest)
                if found is None:
                    return done
                self._body_of = found[1].decode()
                self._octets = None if found[2] is None else int(found[2])
                self._rest = self._rest[found.end() - 2 :]
            end = self._end()
            if end < 0:
                return done
            done.append(self._body_of)
            self._body_of = None
            self._rest = b"\r\n" + self._rest[end:]

    def _end(self) -> int:
        """Where the message ends, its CR LF before it counted; -1 when not all of it is here."""
        if self._octets is None:
            at = self._rest.find(_END)
            return -1 if at < 0 else at + len(_END)
        end = 2 + self._octets
        return end if len(self._rest) >= end else -1
