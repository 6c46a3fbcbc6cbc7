"""Owns what a session asks of whoever it works for, and tells them."""

from __future__ import annotations

from typing import Protocol

from mailtui.smtp.job import Job
from mailtui.smtp.verdict import Verdict


class SessionOwner(Protocol):
    """Who feeds a session and hears what became of each job. Every job it gave is answered exactly once."""

    def next_job(self) -> Job | None:
        """The next message, or None for now; the owner calls `pump` when there is one."""
        ...

    def ask_mark(self, job: Job) -> None:
        """Make the mark durable, then call `marked(job, held)`."""
        ...

    def settled(self, job: Job, verdict: Verdict) -> None:
        """The server gave its final word on this message."""
        ...

    def untouched(self, job: Job) -> None:
        """The message's last bytes were certainly not written; it may be tried again."""
        ...

    def in_doubt(self, job: Job, verdict: Verdict) -> None:
        """The last bytes were written and the reply to them was lost."""
        ...

    def ended(self, verdict: Verdict) -> None:
        """The connection is gone; every job has been answered, or will be by a mark still asked for."""
        ...
