"""Owns the dialogue with BDAT (RFC 3030): whole transactions one behind the other, as many in flight as the window
holds, each of them in doubt when the connection breaks.

A transaction is `RSET MAIL RCPT BDAT n LAST message`, all of it written at once; only the first of a connection needs
no RSET. The others do: after a refusal earlier in the window the server may still be in that transaction, and a MAIL
inside another one would be refused, or worse, be taken for it.

As replies make room, as many messages are taken as fit, their marks are asked for together so that one commit takes
them, and once all are answered they leave in one write. Nothing is written of a message whose mark does not hold.
While the window is full, those that come next are taken already, so that nobody waits for a message to be rendered
when a reply has come; no mark is asked for them.
"""

from __future__ import annotations

from collections import deque

from mailtui.smtp.dialogue import Dialogue
from mailtui.smtp.gear import Gear
from mailtui.smtp.job import Job
from mailtui.smtp.owner import SessionOwner
from mailtui.smtp.replies import Reply
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Category, Stage, Verdict, judge

# An enum's member is looked up by a function in Python 3.11, and these are needed many times a message.
_RSET, _MAIL, _RCPT, _DOT = Stage.RSET, Stage.MAIL, Stage.RCPT, Stage.DOT
_OF_ADDRESSES = ("2.1.0", "2.1.5")
"""Said of senders and recipients (RFC 3463 section 3.2). Where every reply is a 250, it is these that show that one
came too many.
"""
_NOT_UNDERSTOOD = (500, 501, 502, 503, 504)
_AT_ONCE = 512 * 1024  # bytes of messages that are taken together; more waits until these have left


class ChunkedSession(Dialogue):
    """A connection in the chunked gear."""

    def __init__(self, owner: SessionOwner, window: int, timeouts: Timeouts) -> None:
        super().__init__(owner, Gear.CHUNKED, timeouts)
        self.window = window
        self._flying: deque[Job] = deque()  # written to the last byte, BDAT's reply is due; in the order written
        self._gathered: dict[Job, bool] = {}  # marks were asked for, nothing is written; whether the mark holds
        self._unheard = 0  # of these marks, how many are still to be answered
        self._ahead: deque[Job] = deque()  # taken while the window was full
        self._apart: Job | None = None  # its envelope was written, BDAT waits for the recipient's reply and the mark
        self._begun = False  # whether a transaction was begun on this connection
        self._taking = False  # whether the owner is being asked for messages
        self._goodbye: Verdict | None = None  # the 421 that was heard
        self._last_word = False  # whether nothing else was said since

    # what the owner calls

    @property
    def busy(self) -> bool:
        return bool(self._flying or self._gathered or self._apart is not None)

    @property
    def recipient(self) -> str:
        job = self._flying[0] if self._flying else self._apart or next(iter(self._gathered), None)
        return job.recipient if job is not None else ""

    def pump(self) -> None:
        if self._taking or self._gathered or self._apart is not None or self._goodbye is not None or not self._ready():
            return
        if self._finishing:
            self._take_leave()
        elif self.data_apart:
            if not self._flying:
                self._begin_apart()
        elif not self._paused and len(self._flying) < self.window:
            self._gather()
        elif not self._paused and not self._ahead:
            self._look_ahead()

    def finish(self) -> None:
        self._give_back()
        super().finish()

    def marked(self, job: Job, held: bool) -> None:
        if job in self._gathered:
            self._gathered[job] = held
            self._unheard -= 1
            if not self._unheard:
                self._send_gathered()
        elif job is self._apart:
            self._apart = None
            if held and self._may_write():
                self._send([job], b"")
            elif held:
                self._owner.untouched(job)
            self.pump()
        elif held and job.refused is not None:
            self._owner.settled(job, job.refused)
        elif held:
            self._owner.untouched(job)

    # the window

    def _take_jobs(self, room: int) -> list[Job]:
        """So many messages at most. The owner may end the dialogue while it is asked; then they all go back."""
        jobs: list[Job] = []
        size = 0
        self._taking = True
        while len(jobs) < room and size < _AT_ONCE and self._may_write():
            job = self._ahead.popleft() if self._ahead else self._owner.next_job()
            if job is None:
                break
            jobs.append(job)
            size += len(job.data)
        self._taking = False
        if self._may_write():
            return jobs
        for job in jobs:
            self._owner.untouched(job)
        self.pump()
        return []

    def _look_ahead(self) -> None:
        self._ahead.extend(self._take_jobs(self.window))

    def _give_back(self) -> None:
        """Nothing of these was written, and no mark was asked for."""
        ahead, self._ahead = self._ahead, deque()
        for job in ahead:
            self._owner.untouched(job)

    def _gather(self) -> None:
        jobs = self._take_jobs(self.window - len(self._flying))
        self._gathered = dict.fromkeys(jobs, False)
        self._unheard = len(jobs)
        for job in jobs:
            job.marked = True
        for job in jobs:
            self._owner.ask_mark(job)

    def _send_gathered(self) -> None:
        held = [job for job, holds in self._gathered.items() if holds]
        self._gathered = {}
        if self._may_write():
            if held:
                self._send(held)
        else:
            for job in held:
                self._owner.untouched(job)
        self.pump()

    def _send(self, jobs: list[Job], envelope: bytes | None = None) -> None:
        """Write transactions to their last bytes, in one go; `envelope` takes the place of what stands before BDAT."""
        parts: list[bytes] = []
        for job in jobs:
            parts.append(self._envelope(job) if envelope is None else envelope)
            self._expected.append((_DOT, job))
            self._flying.append(job)
            data = job.take()
            parts.append(b"BDAT %d LAST\r\n" % len(data))
            parts.append(data)
        self._write(b"".join(parts))

    def _envelope(self, job: Job) -> bytes:
        expected = self._expected
        reset = b""
        if self._begun:
            reset = b"RSET\r\n"
            expected.append((_RSET, job))
        self._begun = True
        expected.append((_MAIL, job))
        expected.append((_RCPT, job))
        return reset + job.mail + job.rcpt

    def _begin_apart(self) -> None:
        """One alone, and its message only for a recipient that was taken."""
        jobs = self._take_jobs(1)
        if jobs:
            self._apart = jobs[0]
            self._write(self._envelope(jobs[0]))

    def _may_write(self) -> bool:
        return not self._finishing and self._goodbye is None and self._ready()

    # replies

    def _take(self, data: bytes) -> None:
        super()._take(data)
        self.pump()  # with all the room that these replies made

    def _nonsense(self, replies: list[Reply]) -> str:
        refused: Job | None = None
        for (stage, job), reply in zip(self._expected, replies, strict=False):
            code = reply.code
            if 300 <= code < 400 or (stage is _RSET and code >= 400 and code != 421):
                return f"a reply that makes no sense there: {stage} was answered {reply}"
            if code >= 400:
                if stage is _DOT and job is not None and job is not refused and _not_understood(job, reply):
                    return ""  # this ends the connection; what follows is not believed anyway
                refused = job
            elif job is not None and (job.refused is not None or job is refused):
                return f"{stage} was answered {reply} although the sender or recipient had been refused"
            elif stage is _DOT and reply.text.startswith(_OF_ADDRESSES):
                return f"a message was answered as an address is: {reply}"
        return ""

    def _on_reply(self, stage: Stage, job: Job | None, reply: Reply) -> None:
        if reply.code == 421:
            self._server_closes(stage, job, reply)
            return
        self._last_word = False
        if job is None:
            self._end(Verdict.of(stage, reply))
        elif stage is _DOT:
            if _not_understood(job, reply):
                self.misbehaved = True  # before the owner hears of it: whatever else is in flight is in doubt
                self._on_message(job, Verdict.of(stage, reply))
                self._poison(f"the server did not understand: {reply}")
            else:
                self._on_message(job, job.refused or Verdict.of(stage, reply))
        else:
            if reply.code >= 400 and job.refused is None:
                job.refused = Verdict.of(stage, reply)
            if job is self._apart and stage is _RCPT:
                self._on_recipient_apart(job)

    def _on_message(self, job: Job, verdict: Verdict) -> None:
        self._flying.popleft()
        self._owner.settled(job, verdict)
        self._leave_if_told()

    def _on_recipient_apart(self, job: Job) -> None:
        if job.refused is None:
            job.marked = True
            self._owner.ask_mark(job)
        else:
            self._apart = None
            self._owner.settled(job, job.refused)
            self._leave_if_told()

    def _server_closes(self, stage: Stage, job: Job | None, reply: Reply) -> None:
        """421: nothing new is begun. What was written is still listened for, since a server may answer more."""
        verdict = Verdict.of(stage, reply)
        self._goodbye = self._goodbye or verdict
        self._last_word = True
        self._clock.stop()  # it may stand at the ten minutes of a message
        self._give_back()
        if job is not None and job.refused is None:
            job.refused = verdict
        if job is not None and stage is _DOT:
            self._flying.popleft()
            self._owner.settled(job, job.refused or verdict)
        elif job is not None and job is self._apart:
            self._apart = None
            self._owner.settled(job, job.refused or verdict)
        if not self._flying:
            self._end(verdict)

    def _leave_if_told(self) -> None:
        if self._goodbye is not None and not self._flying:
            self._end(self._goodbye)

    def _drained(self) -> None:
        self.pump()

    def _patience(self) -> float:
        return self._timeouts.quit if self._goodbye is not None else super()._patience()

    # the end

    def _end(self, verdict: Verdict) -> None:
        if not self._closed:
            self._give_back()  # before it is over: the end was not about them
        super()._end(self._goodbye or verdict)

    def _let_go(self, verdict: Verdict) -> None:
        flying, gathered, apart = self._flying, self._gathered, self._apart
        self._flying, self._gathered, self._apart = deque(), {}, None
        # A server that says 421 and closes has read nothing of what came later (RFC 5321 section 3.8).
        unread = self._goodbye is not None and self._last_word and self._hung_up
        for job in flying:
            if job.refused is not None and not self.misbehaved:
                self._owner.settled(job, job.refused)
            elif unread and not self.misbehaved:
                self._owner.untouched(job)
            else:
                self._owner.in_doubt(job, Verdict.silence(_DOT, verdict.text))
        if apart is not None and not apart.marked:
            if apart.refused is not None and not self.misbehaved:
                self._owner.settled(apart, apart.refused)
            else:
                self._owner.untouched(apart)
        for job, holds in gathered.items():
            if holds:
                self._owner.untouched(job)


def _not_understood(job: Job, reply: Reply) -> bool:
    """Whether a message was answered as by a server that does not know BDAT after all.

    Such a one takes the message for commands and answers every line of it, so nothing it says later can be paired.
    """
    if job.refused is not None or reply.code not in _NOT_UNDERSTOOD:
        return False
    return judge(Verdict.of(_DOT, reply)).category is Category.PROTOCOL
