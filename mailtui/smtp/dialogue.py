"""Owns what every dialogue after login has in common: the transport, replies paired with what was asked, the clock,
and the end.

No task, future or lock a command: bytes come in, replies are paired with a deque of what was asked, and the next
bytes go out from the same callback. One timer a connection. The rule that everything here serves: **a message's
last bytes are written only after the owner has said that its mark is durable**; so whatever breaks, only messages
whose last bytes were written are in doubt.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections import deque

from mailtui.smtp.clock import Clock
from mailtui.smtp.gear import Gear
from mailtui.smtp.job import Job
from mailtui.smtp.last_words import how_it_ended, last_words
from mailtui.smtp.owner import SessionOwner
from mailtui.smtp.replies import MalformedReply, Reply, ReplyReader
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Stage, Verdict

# An enum's member is looked up by a function in Python 3.11, and these are needed many times a message.
_DATA, _BODY, _DOT, _QUIT, _IDLE = Stage.DATA, Stage.BODY, Stage.DOT, Stage.QUIT, Stage.IDLE
_SEND_BUFFER = 128 * 1024  # bytes; in the megabytes the kernel takes by itself, a slow reader looks like a dead one
_READ_BUFFER = 8 * 1024  # the default of 256 KB costs an mmap and a munmap for every reply


class Dialogue(asyncio.BufferedProtocol, ABC):
    """One connection's dialogue. `start` takes the transport over from whoever opened it."""

    data_apart = False
    """Whether the message waits for the recipient's reply; the owner sets it where refusals are frequent, since
    servers count a DATA after a refused recipient as a second mistake (Postfix hangs up after ten such pairs)."""
    window = 1
    """How many transactions may be in flight; the owner may change it at any time."""
    misbehaved = False
    """Whether the connection was given up because replies could not be paired with commands."""

    def __init__(self, owner: SessionOwner, gear: Gear, timeouts: Timeouts) -> None:
        self.gear = gear
        self._owner = owner
        self._timeouts = timeouts
        self._reader = ReplyReader()
        self._buffer = bytearray(_READ_BUFFER)
        self._view = memoryview(self._buffer)
        self._expected: deque[tuple[Stage, Job | None]] = deque()
        self._last: Reply | None = None
        self._finishing = False
        self._closed = False
        self._paused = False  # whether bytes wait for the server to take more
        self._hung_up = False  # whether the server ended the connection
        self._transport: asyncio.Transport | None = None
        self._clock = Clock(timeouts, unsent=self._unsent, late=self._late)

    # what the owner calls

    def start(self, transport: asyncio.Transport) -> None:
        """Take the connection over and begin."""
        self._transport = transport
        # So that we hear whether everything has left; 0 would make asyncio's TLS pause and resume at every write.
        transport.set_write_buffer_limits(high=1, low=0)
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)  # a line that was cut while nothing is said
        transport.set_protocol(self)
        if transport.is_closing():
            self._end(Verdict.silence(_IDLE, "the connection was closed before it was used"))
            return
        self.pump()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def stage(self) -> Stage:
        """What the dialogue is at: the command whose reply is due, else the message under way."""
        if self._expected:
            return self._expected[0][0]
        return _BODY if self.busy else _IDLE

    @property
    def last_reply(self) -> str:
        return "" if self._last is None else str(self._last)

    @property
    @abstractmethod
    def busy(self) -> bool:
        """Whether a message is under way on this connection."""

    @property
    @abstractmethod
    def recipient(self) -> str:
        """Whom the message under way is for; empty when there is none."""

    @abstractmethod
    def pump(self) -> None:
        """Begin what may begin now: the next messages, or the leave-taking."""

    @abstractmethod
    def marked(self, job: Job, held: bool) -> None:
        """The answer to `ask_mark`: with `held` false the last bytes must never be written."""

    def finish(self) -> None:
        """Begin no further message; QUIT once those under way are answered."""
        self._finishing = True
        self.pump()

    def abort(self, reason: str) -> None:
        """Drop the connection now. What is unanswered is reported to the owner."""
        self._end(Verdict.silence(self._stage_due(), reason))

    # what the gears say

    @abstractmethod
    def _on_reply(self, stage: Stage, job: Job | None, reply: Reply) -> None:
        """A reply that belongs to what was asked."""

    @abstractmethod
    def _let_go(self, verdict: Verdict) -> None:
        """The connection is over: tell the owner of every job whose fate is not still in a mark's hands."""

    def _nonsense(self, replies: list[Reply]) -> str:
        """What cannot be, in replies that none of has been believed yet; empty when all may be."""
        for (stage, _), reply in zip(self._expected, replies, strict=False):
            code = reply.code
            if code < 400 and (code != 354 if stage is _DATA else code >= 300):
                return f"a reply that makes no sense there: {stage} was answered {reply}"
        return ""

    def _refused_early(self, reply: Reply) -> bool:  # noqa: ARG002 - for those gears that know of it
        """A refusal that nobody asked for; whether it was about the body that is being written."""
        return False

    def _server_closes(self, stage: Stage, job: Job | None, reply: Reply) -> None:  # noqa: ARG002 - see the gears
        """421 at any point: the server answers no more (RFC 5321 section 3.8)."""
        self._end(Verdict.of(stage, reply))

    # the end

    def _ready(self) -> bool:
        """Whether the connection stands, and is taken over."""
        return not self._closed and self._transport is not None and not self._transport.is_closing()

    def _take_leave(self) -> None:
        """QUIT, when everything is answered."""
        if not self._expected:
            self._clock.stop()  # it may stand at the ten minutes of a dot
            self._expected.append((_QUIT, None))
            self._write(b"QUIT\r\n")

    def _poison(self, what: str) -> None:
        """Nothing more on this connection can be paired with what was asked."""
        self.misbehaved = True
        self._end(Verdict.silence(self._stage_due(), f"{what}; the connection was given up"))

    def _end(self, verdict: Verdict) -> None:
        if self._closed:
            return
        self._closed = True
        self._clock.stop()
        if self._transport is not None:
            self._transport.abort()
        self._expected.clear()
        self._let_go(verdict)
        self._owner.ended(verdict)

    # bytes

    def _write(self, data: bytes) -> None:
        """Say it; what replies are due to it was noted before."""
        assert self._transport is not None
        self._transport.write(data)
        self._watch()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        self._take(bytes(self._view[:nbytes]))

    def _take(self, data: bytes) -> None:
        try:
            replies = self._reader.feed(data)
        except MalformedReply as error:
            self._poison(str(error))
            return
        expected = self._expected
        asked = len(expected)
        surplus: list[Reply] = []
        if len(replies) >= asked:
            replies, surplus = replies[:asked], replies[asked:]
            if (surplus or self._reader.in_the_middle) and self._is_unasked(surplus, asked):
                return
        # Before any of them is believed: a server that answers out of turn is found out by a reply further on.
        nonsense = self._nonsense(replies)
        if nonsense:
            self._poison(nonsense)
            return
        for reply in replies:
            if self._closed:
                return
            stage, job = expected.popleft()
            self._last = reply
            self._on_reply(stage, job, reply)
        if self._closed:
            return
        if surplus:
            self._last = surplus[0]
            self._server_closes(_IDLE, None, surplus[0])
        elif replies:  # the beginning of one puts nothing off
            self._watch()

    def _is_unasked(self, surplus: list[Reply], asked: int) -> bool:
        """Deal with what came beyond what was asked; whether it ended the connection.

        A reply cannot answer what had not been asked when it came: surplus replies, or the beginning of one, mean
        that the pairing is lost. Only a 421 may come unasked.
        """
        if surplus and not asked and self._refused_early(surplus[0]):
            return True
        beginning = self._reader.in_the_middle and self._reader.beginning != b"421"
        if beginning or (surplus and surplus[0].code != 421):
            self._poison(f"more replies than commands: {surplus[0] if surplus else 'the beginning of another'}")
            return True
        return False

    def eof_received(self) -> bool:
        self._hung_up = True
        self._end(Verdict.silence(self._stage_due(), "the server closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and not self._closed and self._transport is not None:
            self._take(last_words(self._transport))
        self._hung_up = exc is None or isinstance(exc, ConnectionError)
        self._end(Verdict.silence(self._stage_due(), how_it_ended(exc)))

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._watch()  # the wait for the reply begins when the last byte has left
        if not self._closed:
            self._drained()

    def _drained(self) -> None:
        """Everything that was written has left."""

    # the clock

    def _stage_due(self) -> Stage:
        return self._expected[0][0] if self._expected else _IDLE

    def _patience(self) -> float:
        stage = self._stage_due()
        if stage is _DOT:
            return self._timeouts.dot
        if stage is _DATA:
            return self._timeouts.data
        return self._timeouts.quit if stage is _QUIT else self._timeouts.command

    def _watch(self) -> None:
        """What is due next has its whole time from now."""
        if self._closed:
            return
        if self._paused:
            self._clock.give_block(self._unsent() or 0)
        else:
            self._clock.give(self._patience())

    def _unsent(self) -> int | None:
        if self._closed or self._transport is None or (not self._expected and not self._paused):
            return None
        return self._transport.get_write_buffer_size()

    def _late(self) -> None:
        self._end(Verdict.silence(self._stage_due(), "the server did not answer in time"))
