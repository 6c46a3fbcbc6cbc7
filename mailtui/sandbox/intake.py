"""Owns cutting what a client says into command lines and content, within their limits.

Lines end in CR LF. Content is kept to the byte; only CR LF . CR LF ends it (RFC 5321 section 4.1.1.4), or it comes in
chunks of a number of octets that was said before (RFC 3030).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from mailtui.sandbox import replies
from mailtui.sandbox.counters import Tally
from mailtui.sandbox.misconduct import Misconduct, Refuse
from mailtui.sandbox.plan import FaultPlan
from mailtui.sandbox.replies import Reply

COMMAND_LIMIT = 2_048  # bytes; RFC 5321 asks for 512 and the parameters of extensions come on top
AUTH_LIMIT = 12_288  # bytes, RFC 4954 section 4
_END = b"\r\n.\r\n"


class Intake(Misconduct):
    """The base of a session: it gets whole lines, and whole contents after `begin_content`."""

    def __init__(
        self,
        number: int,
        *,
        faults: FaultPlan | None,
        tally: Tally,
        refuse: Refuse,
        quiet_seconds: float,
        size_limit: int,
    ) -> None:
        super().__init__(number, faults=faults, tally=tally, refuse=refuse, quiet_seconds=quiet_seconds)
        self._size_limit = size_limit
        self._in_content = False
        self._scan = 0  # up to where in the buffer the content is known to hold no end
        self._discarded = 0  # bytes of too large a content that are gone from the buffer
        self._overlong = False
        self._chunks: bytearray | None = None  # the content so far, when it comes in chunks
        self._chunk_left: int | None = None  # octets that the chunk being read still lacks
        self._chunk_kept = False

    # what a subclass says

    @abstractmethod
    def line(self, line: bytes) -> None:
        """A line came, without its CR LF."""

    @abstractmethod
    def no_line(self, reply: Reply) -> None:
        """Something came that is no line, for which this is the reply."""

    @abstractmethod
    def content(self, content: bytes | None) -> None:
        """A content is over: its bytes with the dots unstuffed, None when it was too large."""

    @abstractmethod
    def chunk(self) -> None:
        """A chunk is over."""

    @abstractmethod
    def in_login(self) -> bool:
        """Whether lines belong to a login, which may be longer than commands."""

    # what a subclass uses

    def begin_content(self, recipients: Sequence[str]) -> None:
        """What comes after the line that is being obeyed is content."""
        self._in_content = True
        self._discarded = 0
        self.at -= 2
        self._scan = self.at
        self.begin_body(recipients)

    def begin_chunk(self, octets: int, recipients: Sequence[str], *, kept: bool) -> None:
        """So many octets after the line that is being obeyed are a chunk, to be kept with those before it or not."""
        self._chunk_left = octets
        self._chunk_kept = kept
        if kept and self._chunks is None:
            self._chunks = bytearray()
            self.begin_body(recipients)

    @property
    def in_chunks(self) -> bool:
        """Whether a content has begun that comes in chunks."""
        return self._chunks is not None

    @property
    def chunked(self) -> int:
        """How many octets came in the chunks that were kept."""
        return len(self._chunks or b"")

    def drop_chunks(self) -> bytes:
        """The content of the chunks so far, which is over."""
        if self._chunks is None:
            return b""
        content, self._chunks = bytes(self._chunks), None
        self.end_body()
        return content

    # what the wire asks

    def take(self) -> bool:
        if self._in_content:
            return self._take_content()
        return self._take_line() if self._chunk_left is None else self._take_chunk(self._chunk_left)

    def dropped(self, count: int) -> None:
        self._scan = max(0, self._scan - count)

    def _take_line(self) -> bool:
        end = self.buffer.find(b"\n", self.at)
        if end < 0:
            if len(self.buffer) - self.at > AUTH_LIMIT:
                self._overlong = True
                self.at = len(self.buffer)
            return False
        line = bytes(self.buffer[self.at : end])
        self.at = end + 1
        if self._overlong or (len(line) > COMMAND_LIMIT and not self._may_be_long(line)):
            self._overlong = False
            self.no_line(replies.LINE_TOO_LONG)
        elif not line.endswith(b"\r"):
            self.no_line(replies.BARE_LINE_FEED)
        else:
            self.line(line[:-1])
        return True

    def _may_be_long(self, line: bytes) -> bool:
        return len(line) <= AUTH_LIMIT and (self.in_login() or line[:4].upper() == b"AUTH")

    def _take_content(self) -> bool:
        end = self.buffer.find(_END, self._scan)
        if self._body_rule is not None:
            # the two bytes are the CR LF before the content, see below
            received = (end + len(_END) if end >= 0 else len(self.buffer)) - self.at - 2
            if self.strike_body(self._discarded + received) and not self.idle:
                return False
        if end < 0:
            too_much = len(self.buffer) - self.at > self._size_limit
            self._scan = max(self.at, len(self.buffer) - len(_END) + 1)
            if too_much:
                self._discarded += self._scan - self.at
                self.at = self._scan
            return False
        # The CR LF before the content is kept in the buffer: with it an empty message is found, and its first
        # line is unstuffed, like any other.
        content = bytes(self.buffer[self.at : end + 2])
        if b"\r\n." in content:
            content = content.replace(b"\r\n.", b"\r\n")
        self.at = end + len(_END)
        self._in_content = False
        self.end_body()
        self.content(None if self._discarded or len(content) - 2 > self._size_limit else content[2:])
        return True

    def _take_chunk(self, left: int) -> bool:
        octets = min(left, len(self.buffer) - self.at)
        # it strikes once only, so what waits in the buffer meanwhile is not counted twice
        if self._body_rule is not None and self.strike_body(self.chunked + octets) and not self.idle:
            return False
        if self._chunk_kept and self._chunks is not None:
            self._chunks += memoryview(self.buffer)[self.at : self.at + octets]
        self.at += octets
        self._chunk_left = left - octets
        if self._chunk_left:
            return False
        self._chunk_left = None
        self.chunk()
        return True
