"""Owns sending a single message over a connection of its own: the test mail."""

from __future__ import annotations

import asyncio

from mailtui.smtp.connect import Connection
from mailtui.smtp.gear import Gear
from mailtui.smtp.job import Job
from mailtui.smtp.session import Session
from mailtui.smtp.timeouts import Timeouts
from mailtui.smtp.verdict import Stage, Verdict


class _OneShot:
    """Owns a session for one job; nothing is on record, so every mark holds at once."""

    def __init__(self, job: Job) -> None:
        self._job: Job | None = job
        self.verdict = Verdict.silence(Stage.CONNECT, "the connection ended before the message was sent")
        self.over = asyncio.Event()
        self.session: Session | None = None

    def next_job(self) -> Job | None:
        job, self._job = self._job, None
        return job

    def ask_mark(self, job: Job) -> None:
        assert self.session is not None
        asyncio.get_running_loop().call_soon(self.session.marked, job, True)  # noqa: FBT003 - marked's own form

    def settled(self, job: Job, verdict: Verdict) -> None:  # noqa: ARG002 - SessionOwner's signature
        self.verdict = verdict
        assert self.session is not None
        self.session.finish()

    def untouched(self, job: Job) -> None:
        """The verdict of the connection's end says why."""

    def in_doubt(self, job: Job, verdict: Verdict) -> None:  # noqa: ARG002
        self.verdict = verdict

    def ended(self, verdict: Verdict) -> None:
        if self.verdict.stage is Stage.CONNECT:
            self.verdict = verdict
        self.over.set()


async def send_one(connection: Connection, job: Job, timeouts: Timeouts) -> Verdict:
    """Send one message and take leave; what the server said, or that it did not."""
    owner = _OneShot(job)
    owner.session = Session(owner, Gear.LOCKSTEP, timeouts)
    owner.session.start(connection.transport)
    await owner.over.wait()
    return owner.verdict
