"""Owns the text of JSON files: how they are encoded, and reading values from one piece by piece.

JSON is UTF-8 (RFC 8259 section 8.1); UTF-16 and UTF-32 are recognised by their mark or their NULs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from mailtui.audience.findings import Finding
from mailtui.audience.formats.json_values import DECODER
from mailtui.audience.source import Source
from mailtui.audience.spec import AudienceSpec
from mailtui.errors import AudienceError

VALUE_LIMIT = 16 << 20
"""Characters that one record may have."""

_BLOCK = 256 << 10
_NOT_BLANK = re.compile(r"[^ \t\r\n\ufeff]")
# A number or word that reaches to the end of what was read so far may go on: of 12.5 that is 12, and 12. too.
_OPEN_END = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+-]*\Z")


def find_json_encoding(source: Source, spec: AudienceSpec) -> Finding:
    """How a JSON file is encoded, by its first bytes."""
    if spec.encoding is not None:
        return Finding(spec.encoding, "given", "as you said")
    with source.path.open("rb") as stream:
        found = json.detect_encoding(stream.read(4))
    name = found.removesuffix("-sig") if found.startswith("utf-8") else found
    if name == "utf-8":
        return Finding(name, "certain", "the encoding of JSON")
    return Finding(name, "certain", "its first bytes say so")


def open_json(source: Source, codec: str) -> TextIO:
    """The decoded file; bytes that do not decode come as surrogates, and lines end with a line feed alone."""
    return source.path.open(encoding="utf-8-sig" if codec == "utf-8" else codec, errors="surrogateescape", newline="\n")


class BrokenJson(AudienceError):
    """A JSON file stops making sense somewhere, so nothing after that can be read."""


class JsonStream:
    """Pulls one value after the other from a file, holding no more than one of them and a block."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name
        self._buffer = ""
        self._at = 0
        self._lines = 0
        self._before = 0
        self._ended = False

    @property
    def line(self) -> int:
        """The line that is being read, from 1."""
        return self._lines + self._buffer.count("\n", 0, self._at) + 1

    @property
    def place(self) -> str:
        """Where that is, for a person: the line, and the character in it."""
        start = self._buffer.rfind("\n", 0, self._at)
        character = self._at - start if start >= 0 else self._before + self._at + 1
        return f"line {self.line:,}, character {character:,}"

    def peek(self) -> str:
        """The next character that is not blank, or '' at the end."""
        while True:
            found = _NOT_BLANK.search(self._buffer, self._at)
            if found is not None:
                self._at = found.start()
                return found.group()
            self._at = len(self._buffer)
            if not self._more():
                return ""

    def take(self, expected: str) -> str:
        """Go past the next character, which has to be one of those expected."""
        found = self.peek()
        if not found or found not in expected:
            what = f"{found} where" if found else "the file ends where"
            raise self.broken(f"{what} {' or '.join(expected)} should stand")
        self._at += 1
        return found

    def value(self) -> tuple[Any, str]:
        """The next value, and its original text."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                inside = error.pos - self._at
                if self._more():
                    continue
                self._at = min(self._at + inside, len(self._buffer))
                cut_off = self._at == len(self._buffer) or error.msg.startswith("Unterminated string")
                raise self.broken("the file is cut off" if cut_off else error.msg) from None
            except RecursionError:
                raise self.broken("lists and objects are nested too deeply") from None
            if _OPEN_END.match(self._buffer, end - 1) and self._more():
                continue
            text = self._buffer[self._at : end]
            self._at = end
            return value, text

    def elements(self) -> Iterator[tuple[Any, str]]:
        """The values of a list that begins here."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield self.value()
            if self.take(",]") == "]":
                return

    def members(self) -> Iterator[str]:
        """The keys of the members of an object that begins here. Whoever iterates takes the value after each."""
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            if self.peek() != '"':
                self.take('"')
            key, _ = self.value()
            self.take(":")
            yield key
            if self.take(",}") == "}":
                return

    def broken(self, why: str) -> BrokenJson:
        """The error for a place where no sense can be made of the file."""
        return BrokenJson(
            f"{self._name} is damaged: it stops being JSON at {self.place}",
            detail=why,
            hint="Export the list again. One record a line (JSON lines) loses one record to such damage, not all.",
        )

    def _more(self) -> bool:
        """Read on; False at the end of the file."""
        if self._ended:
            return False
        kept = self._buffer[self._at :]
        if len(kept) > VALUE_LIMIT:
            raise self.broken(f"one record has more than {VALUE_LIMIT >> 20} MiB")
        self._lines += self._buffer.count("\n", 0, self._at)
        start = self._buffer.rfind("\n", 0, self._at)
        self._before = self._at - start - 1 if start >= 0 else self._before + self._at
        # What was not enough is doubled, so that a long value is not parsed over and over.
        block = self._stream.read(max(_BLOCK, len(kept)))
        self._buffer, self._at, self._ended = kept + block, 0, not block
        return bool(block)
