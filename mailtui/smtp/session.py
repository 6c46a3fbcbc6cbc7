"""Owns the dialogue after login: many messages over one connection, in the fastest gear the server allows.

No task, future or lock a command: bytes come in, replies are paired with a deque of what was asked, and the next
bytes go out from the same callback. One timer a connection. The rule that everything here serves: **a message's
last bytes are written only after the owner has said that its mark is durable**; so whatever breaks, at most the
one message whose dot was written is in doubt.

Gears: `lockstep` waits for every reply; `flight` writes MAIL RCPT DATA together (RFC 2920); `cross` lets the next
message's MAIL RCPT DATA ride behind the body and dot of the one before (RFC 2920 section 3.1 allows message content
as the first element of a group), which is one round trip a message.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque

from mailtui.smtp.capabilities import Capabilities
from mailtui.smtp.clock import Clock
from mailtui.smtp.gear import Gear
from mailtui.smtp.job import DOT, Job
from mailtui.smtp.last_words import how_it_ended, last_words
from mailtui.smtp.owner import SessionOwner
from mailtui.smtp.replies import MalformedReply, Reply, ReplyReader
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Stage, Verdict

_SEND_BUFFER = 128 * 1024  # bytes; in the megabytes the kernel takes by itself, a slow reader looks like a dead one
_READ_BUFFER = 8 * 1024  # the default of 256 KB costs an mmap and a munmap for every reply


class Session(asyncio.BufferedProtocol):
    """One connection's dialogue. `start` takes the transport over from whoever opened it."""

    def __init__(self, owner: SessionOwner, capabilities: Capabilities, gear: Gear, timeouts: Timeouts) -> None:
        self.gear = gear
        self.data_apart = False
        """Whether DATA waits for the recipient's reply; the owner sets it where refusals are frequent, since servers
        count a DATA after a refused recipient as a second mistake (Postfix hangs up after ten such pairs)."""
        self.misbehaved = False
        """Whether the connection was given up because replies could not be paired with commands."""
        self.stage = Stage.IDLE
        self.last_reply = ""
        self._owner = owner
        self._capabilities = capabilities
        self._timeouts = timeouts
        self._reader = ReplyReader()
        self._buffer = bytearray(_READ_BUFFER)
        self._view = memoryview(self._buffer)
        self._expected: deque[tuple[Stage, Job | None]] = deque()
        self._announced: Job | None = None  # its dot has not been written
        self._flying: Job | None = None  # its dot has been written, the reply is due
        self._follower: Job | None = None  # to ride behind the announced message's dot; nothing of it is written
        self._reset_first = False
        self._finishing = False
        self._closed = False
        self._paused = False
        self._on_drained: Job | None = None
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
            self._end(Verdict.silence(Stage.IDLE, "the connection was closed before it was used"))
            return
        self.pump()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def busy(self) -> bool:
        """Whether a message is under way on this connection."""
        return self._announced is not None or self._flying is not None

    @property
    def recipient(self) -> str:
        job = self._announced or self._flying
        return job.recipient if job is not None else ""

    def pump(self) -> None:
        """Begin the next message if one may begin now."""
        if self._closed or self._announced is not None or self._transport is None or self._transport.is_closing():
            return
        if self._finishing:
            if not self._expected:
                self._clock.stop()  # it may stand at the ten minutes of a dot
                self._write(b"QUIT\r\n", (Stage.QUIT, None))
            return
        if self._expected and self.gear is not Gear.CROSS:
            return
        job = self._owner.next_job()
        if job is not None:
            self._announce(job, b"")

    def finish(self) -> None:
        """Begin no further message; QUIT once those under way are answered."""
        self._finishing = True
        self.pump()

    def abort(self, reason: str) -> None:
        """Drop the connection now. What is unanswered is reported to the owner."""
        self._end(Verdict.silence(self._stage_due(), reason))

    def marked(self, job: Job, held: bool) -> None:
        """The answer to `ask_mark`: with `held` false the last bytes must never be written."""
        if job is not self._announced:
            if held and job.refused is not None:
                self._owner.settled(job, job.refused)
            elif held:
                self._owner.untouched(job)
            return
        if not held:
            # After 354 the only way not to send a message is to drop the connection (RFC 5321 section 3.3).
            self._announced = None
            self.abort("the message was withdrawn")
            return
        if self.gear is not Gear.CROSS:
            self._fly(job)
            self._write(DOT, (Stage.DOT, job))
            return
        self._fly(job)
        following, self._follower = self._follower, None
        if following is not None and self._finishing:
            self._owner.untouched(following)
            following = None
        if following is None:
            self._write(job.body + DOT, (Stage.DOT, job))
        else:
            self._expected.append((Stage.DOT, job))
            self._announce(following, job.body + DOT)

    # the dialogue

    def _fly(self, job: Job) -> None:
        self._announced = None
        self._flying = job

    def _announce(self, job: Job, before: bytes) -> None:
        """Write as much of the job's envelope as the gear allows, behind `before`."""
        self._announced = job
        reset = b""
        if self._reset_first:
            self._reset_first = False
            reset = b"RSET\r\n"
            self._expected.append((Stage.RSET, job))
        if self.gear is Gear.LOCKSTEP:
            if reset:
                self._write(before + reset)
            else:
                self._write(before + job.mail, (Stage.MAIL, job))
            return
        self._expected.append((Stage.MAIL, job))
        envelope = before + reset + job.mail + job.rcpt
        job.data_apart = self.data_apart
        if job.data_apart:
            self._write(envelope, (Stage.RCPT, job))
        else:
            self._expected.append((Stage.RCPT, job))
            self._write(envelope + b"DATA\r\n", (Stage.DATA, job))

    def _on_reply(self, stage: Stage, job: Job | None, reply: Reply) -> None:
        self.last_reply = str(reply)
        if reply.code == 421:
            self._server_closes(stage, job, reply)
        elif job is None:
            self._end(Verdict.of(stage, reply))
        elif stage is Stage.DOT:
            self._flying = None
            self._owner.settled(job, Verdict.of(stage, reply))
            self.pump()
        elif stage is Stage.VOID:
            self.pump()
        else:
            self._on_envelope(stage, job, reply)

    def _on_envelope(self, stage: Stage, job: Job, reply: Reply) -> None:
        if stage is Stage.DATA:
            self._on_data(job, reply)
            return
        if reply.code >= 400 and job.refused is None:
            job.refused = Verdict.of(stage, reply)
            self._reset_first = stage is Stage.RCPT
        if self.gear is not Gear.LOCKSTEP and not (stage is Stage.RCPT and job.data_apart):
            return  # the next command is on its way already
        if job.refused is not None:
            self._settle_refused(job)
        elif stage is Stage.RSET:
            self._write(job.mail, (Stage.MAIL, job))
        elif stage is Stage.MAIL:
            self._write(job.rcpt, (Stage.RCPT, job))
        else:
            self._write(b"DATA\r\n", (Stage.DATA, job))

    def _on_data(self, job: Job, reply: Reply) -> None:
        if reply.code == 354:
            self._reset_first = False
            if job.refused is not None:
                # Nobody to deliver to, yet the server wants a body: a lone dot ends it (RFC 2920 section 3.1).
                self._announced = None
                self._write(DOT, (Stage.VOID, job))
                self._owner.settled(job, job.refused)
                self.pump()
            elif self.gear is Gear.CROSS:
                self._ask_mark(job)
            else:
                self._write(job.body)
                if self._paused:
                    self._on_drained = job
                else:
                    self._ask_mark(job)
            return
        if job.refused is None:
            job.refused = Verdict.of(Stage.DATA, reply)
            self._reset_first = True
        self._settle_refused(job)

    def _settle_refused(self, job: Job) -> None:
        assert job.refused is not None
        self._announced = None
        self._owner.settled(job, job.refused)
        self.pump()

    def _ask_mark(self, job: Job) -> None:
        self.stage = Stage.BODY
        job.marked = True
        if self.gear is Gear.CROSS and not self._finishing:
            # Taken, and so rendered, before the mark is asked for: nothing slow stands between a mark and its dot.
            self._follower = self._owner.next_job()
        self._owner.ask_mark(job)

    def _server_closes(self, stage: Stage, job: Job | None, reply: Reply) -> None:
        """421 at any point: the server answers no more (RFC 5321 section 3.8)."""
        verdict = Verdict.of(stage, reply)
        if stage is Stage.DOT and job is not None:
            self._flying = None
            self._owner.settled(job, verdict)
        self._end(verdict)

    def _is_early_refusal(self, reply: Reply) -> bool:
        """Whether a reply that nobody asked for can only be about the body that is being written."""
        return reply.code >= 400 and reply.code != 421 and self.gear is not Gear.CROSS

    def _refused_early(self, job: Job, reply: Reply) -> None:
        """The server would not hear the body to its end, and what it takes for commands now cannot be known."""
        verdict = Verdict.of(Stage.BODY, reply)
        if job.marked:
            job.refused = verdict  # on record as in flight or about to be; told when the mark's answer comes
        else:
            self._announced = None
            self._owner.settled(job, verdict)
        self._end(verdict)

    def _poison(self, what: str) -> None:
        """Nothing more on this connection can be paired with what was asked."""
        self.misbehaved = True
        self._end(Verdict.silence(self._stage_due(), f"{what}; the connection was given up"))

    def _end(self, verdict: Verdict) -> None:
        if self._closed:
            return
        self._closed = True
        self.stage = Stage.IDLE
        self._clock.stop()
        if self._transport is not None:
            self._transport.abort()
        flying, announced, follower = self._flying, self._announced, self._follower
        self._flying = self._announced = self._on_drained = self._follower = None
        self._expected.clear()
        if flying is not None:
            self._owner.in_doubt(flying, Verdict.silence(Stage.DOT, verdict.text))
        if announced is not None and not announced.marked:
            self._owner.untouched(announced)
        if follower is not None:
            self._owner.untouched(follower)
        self._owner.ended(verdict)

    # bytes

    def _write(self, data: bytes, *expected: tuple[Stage, Job | None]) -> None:
        assert self._transport is not None
        self._expected.extend(expected)
        self._transport.write(data)
        if self._expected:
            self.stage = self._expected[0][0]
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
        # A reply cannot answer what had not been asked when it came: surplus replies, or the beginning of one,
        # mean that the pairing is lost. Only a 421 may come unasked.
        asked = len(self._expected)
        surplus = replies[asked:]
        if self._announced is not None and surplus and not asked and self._is_early_refusal(surplus[0]):
            self._refused_early(self._announced, surplus[0])
            return
        unasked = len(replies) >= asked and self._reader.in_the_middle and self._reader.beginning != b"421"
        if unasked or (surplus and surplus[0].code != 421):
            self._poison(f"more replies than commands: {surplus[0] if surplus else 'the beginning of another'}")
            return
        # Before any of them is believed: a server that answers out of turn is found out by a reply further on.
        for (stage, _), reply in zip(self._expected, replies, strict=False):
            if reply.code < 400 and (reply.code != 354 if stage is Stage.DATA else reply.code >= 300):
                self._poison(f"a reply that makes no sense there: {stage} was answered {reply}")
                return
        for reply in replies[:asked]:
            if self._closed:
                return
            stage, job = self._expected.popleft()
            self._on_reply(stage, job, reply)
        if surplus and not self._closed:
            self._server_closes(Stage.IDLE, None, surplus[0])
        elif not self._closed:
            self.stage = self._expected[0][0] if self._expected else (Stage.BODY if self.busy else Stage.IDLE)
            if replies:  # the beginning of one puts nothing off
                self._watch()

    def eof_received(self) -> bool:
        self._end(Verdict.silence(self._stage_due(), "the server closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and not self._closed and self._transport is not None:
            self._take(last_words(self._transport))
        self._end(Verdict.silence(self._stage_due(), how_it_ended(exc)))

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._watch()  # the wait for the reply begins when the last byte has left
        if self._on_drained is not None and not self._closed:
            job, self._on_drained = self._on_drained, None
            self._ask_mark(job)

    # the clock

    def _stage_due(self) -> Stage:
        if self._flying is not None:
            return Stage.DOT
        return self._expected[0][0] if self._expected else Stage.IDLE

    def _patience(self) -> float:
        stage = self._stage_due()
        if stage is Stage.DOT:
            return self._timeouts.dot
        if stage is Stage.DATA:
            return self._timeouts.data
        return self._timeouts.quit if stage is Stage.QUIT else self._timeouts.command

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
