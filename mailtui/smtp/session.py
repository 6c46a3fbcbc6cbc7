"""Owns the dialogue with DATA: one message after another over one connection, at most one of them in doubt.

Gears: `lockstep` waits for every reply; `flight` writes MAIL RCPT DATA together (RFC 2920); `cross` lets the next
message's MAIL RCPT DATA ride behind the body and dot of the one before (RFC 2920 section 3.1 allows message content
as the first element of a group), which is one round trip a message.
"""

from __future__ import annotations

from mailtui.smtp.dialogue import Dialogue
from mailtui.smtp.gear import Gear
from mailtui.smtp.job import END, Job
from mailtui.smtp.owner import SessionOwner
from mailtui.smtp.replies import Reply
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Stage, Verdict

# An enum's member is looked up by a function in Python 3.11, and these are needed many times a message.
_RSET, _MAIL, _RCPT, _DATA, _BODY, _DOT, _VOID = (
    Stage.RSET,
    Stage.MAIL,
    Stage.RCPT,
    Stage.DATA,
    Stage.BODY,
    Stage.DOT,
    Stage.VOID,
)


class Session(Dialogue):
    """A connection in one of the `DATA_GEARS`."""

    def __init__(self, owner: SessionOwner, gear: Gear, timeouts: Timeouts) -> None:
        super().__init__(owner, gear, timeouts)
        self._crosses = gear is Gear.CROSS
        self._waits = gear is Gear.LOCKSTEP
        self._announced: Job | None = None  # its dot has not been written
        self._flying: Job | None = None  # its dot has been written, the reply is due
        self._follower: Job | None = None  # to ride behind the announced message's dot; nothing of it is written
        self._reset_first = False
        self._on_drained: Job | None = None

    # what the owner calls

    @property
    def busy(self) -> bool:
        return self._announced is not None or self._flying is not None

    @property
    def recipient(self) -> str:
        job = self._announced or self._flying
        return job.recipient if job is not None else ""

    def pump(self) -> None:
        if self._announced is not None or not self._ready():
            return
        if self._finishing:
            self._take_leave()
            return
        if self._expected and not self._crosses:
            return
        job = self._owner.next_job()
        if job is not None:
            self._announce(job, b"")

    def marked(self, job: Job, held: bool) -> None:
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
        self._announced = None
        self._flying = job
        self._expected.append((_DOT, job))
        if not self._crosses:
            self._write(END)
            return
        following, self._follower = self._follower, None
        if following is not None and self._finishing:
            self._owner.untouched(following)
            following = None
        body = job.take_stuffed()
        if following is None:
            self._write(body + END)
        else:
            self._announce(following, body)

    # the dialogue

    def _announce(self, job: Job, body: bytes) -> None:
        """Write as much of the job's envelope as the gear allows, behind the body of the one before."""
        self._announced = job
        expected = self._expected
        reset = b""
        if self._reset_first:
            self._reset_first = False
            reset = b"RSET\r\n"
            expected.append((_RSET, job))
        if self._waits:
            if not reset:
                expected.append((_MAIL, job))
            self._write(reset or job.mail)
            return
        expected.append((_MAIL, job))
        expected.append((_RCPT, job))
        job.data_apart = self.data_apart
        data = b""
        if not job.data_apart:
            expected.append((_DATA, job))
            data = b"DATA\r\n"
        self._write(b"".join((body, END if body else b"", reset, job.mail, job.rcpt, data)))

    def _on_reply(self, stage: Stage, job: Job | None, reply: Reply) -> None:
        if reply.code == 421:
            self._server_closes(stage, job, reply)
        elif job is None:
            self._end(Verdict.of(stage, reply))
        elif stage is _DOT:
            self._flying = None
            self._owner.settled(job, Verdict.of(stage, reply))
            self.pump()
        elif stage is _VOID:
            self.pump()
        else:
            self._on_envelope(stage, job, reply)

    def _on_envelope(self, stage: Stage, job: Job, reply: Reply) -> None:
        if stage is _DATA:
            self._on_data(job, reply)
            return
        if reply.code >= 400 and job.refused is None:
            job.refused = Verdict.of(stage, reply)
            self._reset_first = stage is _RCPT
        if not self._waits and not (stage is _RCPT and job.data_apart):
            return  # the next command is on its way already
        if job.refused is not None:
            self._settle_refused(job)
        elif stage is _RSET:
            self._ask(_MAIL, job, job.mail)
        elif stage is _MAIL:
            self._ask(_RCPT, job, job.rcpt)
        else:
            self._ask(_DATA, job, b"DATA\r\n")

    def _ask(self, stage: Stage, job: Job, command: bytes) -> None:
        self._expected.append((stage, job))
        self._write(command)

    def _on_data(self, job: Job, reply: Reply) -> None:
        if reply.code == 354:
            self._reset_first = False
            if job.refused is not None:
                # Nobody to deliver to, yet the server wants a body: a lone dot ends it (RFC 2920 section 3.1).
                self._announced = None
                self._ask(_VOID, job, END)
                self._owner.settled(job, job.refused)
                self.pump()
            elif self._crosses:
                self._ask_mark(job)
            else:
                self._write(job.take_stuffed())
                if self._paused:
                    self._on_drained = job
                else:
                    self._ask_mark(job)
            return
        if job.refused is None:
            job.refused = Verdict.of(_DATA, reply)
            self._reset_first = True
        self._settle_refused(job)

    def _settle_refused(self, job: Job) -> None:
        assert job.refused is not None
        self._announced = None
        self._owner.settled(job, job.refused)
        self.pump()

    def _ask_mark(self, job: Job) -> None:
        job.marked = True
        if self._crosses and not self._finishing:
            # Taken, and so rendered, before the mark is asked for: nothing slow stands between a mark and its dot.
            self._follower = self._owner.next_job()
        self._owner.ask_mark(job)

    def _drained(self) -> None:
        if self._on_drained is not None:
            job, self._on_drained = self._on_drained, None
            self._ask_mark(job)

    # the end

    def _server_closes(self, stage: Stage, job: Job | None, reply: Reply) -> None:
        verdict = Verdict.of(stage, reply)
        if stage is _DOT and job is not None:
            self._flying = None
            self._owner.settled(job, verdict)
        self._end(verdict)

    def _refused_early(self, reply: Reply) -> bool:
        """The server would not hear the body to its end, and what it takes for commands now cannot be known."""
        job = self._announced
        if job is None or reply.code < 400 or reply.code == 421 or self._crosses:
            return False
        verdict = Verdict.of(_BODY, reply)
        if job.marked:
            job.refused = verdict  # on record as in flight or about to be; told when the mark's answer comes
        else:
            self._announced = None
            self._owner.settled(job, verdict)
        self._end(verdict)
        return True

    def _let_go(self, verdict: Verdict) -> None:
        flying, announced, follower = self._flying, self._announced, self._follower
        self._flying = self._announced = self._on_drained = self._follower = None
        if flying is not None:
            self._owner.in_doubt(flying, Verdict.silence(_DOT, verdict.text))
        if announced is not None and not announced.marked:
            self._owner.untouched(announced)
        if follower is not None:
            self._owner.untouched(follower)
