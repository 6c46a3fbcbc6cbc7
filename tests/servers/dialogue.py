"""Owns reading a client's half of an SMTP dialogue: whose message's last byte has gone out by now."""

from __future__ import annotations

import re

_RCPT = re.compile(rb"\r\nRCPT TO:<([^>]*)>[^\r]*\r\nDATA\r\n", re.DOTALL | re.IGNORECASE)


class Dialogue:
    """One connection's bytes, as they are given to it; one recipient a message, no BDAT."""

    def __init__(self) -> None:
        self._rest = b"\r\n"
        self._body_of: str | None = None

    def feed(self, data: bytes) -> list[str]:
        """The recipients whose last dot is in the stream with this data."""
        self._rest += data
        done: list[str] = []
        while True:
            if self._body_of is None:
                found = _RCPT.search(self._rest)
                if found is None:
                    return done
                self._body_of = found.group(1).decode()
                self._rest = self._rest[found.end() - 2 :]
            end = self._rest.find(b"\r\n.\r\n")
            if end < 0:
                return done
            done.append(self._body_of)
            self._body_of = None
            self._rest = self._rest[end + 3 :]
