"""Owns how many bytes of messages a runner holds at once: a server that stops reading must not fill the memory.

A message counts from the moment it is rendered until it has its answer, for until then its bytes may lie here or in
a connection's buffer. Ordinary mail never comes near the limit; mail of megabytes over many connections does.
"""

from __future__ import annotations

import asyncio

from mailtui.dispatch.paced import Paced
from mailtui.smtp.job import Job

BODIES_AT_ONCE = 96 * 1024 * 1024  # bytes; a message takes about twice its own while it is being handed over


class BodyBudget:
    """The limit that all campaigns of a runner share."""

    def __init__(self, limit: int = BODIES_AT_ONCE) -> None:
        """`limit` in bytes. It may be passed by what is rendered last, since nobody knows a size before."""
        self._limit = limit
        self._held = 0
        self._waiting: dict[Paced, None] = {}
        self._waking = False

    @property
    def held(self) -> int:
        """The bytes of the messages that are under way."""
        return self._held

    def share(self) -> Share:
        """One campaign's part in it."""
        return Share(self)

    @property
    def full(self) -> bool:
        return self._held >= self._limit

    def changed(self, by: int) -> None:
        """A share holds so many bytes more, or less; then those who wait ask again, soon."""
        self._held += by
        if by < 0 and self._waiting and not self._waking:
            self._waking = True
            # Not at once: whoever frees something is in the middle of a reply.
            asyncio.get_running_loop().call_soon(self._wake)

    def turned_away(self, worker: Paced) -> None:
        """Note who asks again when there is room."""
        self._waiting[worker] = None

    def _wake(self) -> None:
        self._waking = False
        waiting, self._waiting = self._waiting, {}
        for worker in waiting:
            worker.pump()


class Share:
    """What one campaign holds. One that holds nothing is never turned away, so each always gets on."""

    def __init__(self, budget: BodyBudget) -> None:
        self._budget = budget
        self._sizes: dict[Job, int] = {}

    def has_room(self, worker: Paced) -> bool:
        """Whether another message may be rendered; if not, `worker` is pumped when one may."""
        if self._sizes and self._budget.full:
            self._budget.turned_away(worker)
            return False
        return True

    def take(self, job: Job, size: int) -> None:
        """A message of so many bytes was rendered and given out."""
        self._sizes[job] = size
        self._budget.changed(size)

    def let_go(self, job: Job) -> None:
        """The message is under way no more; telling it twice is as good as once."""
        size = self._sizes.pop(job, None)
        if size is not None:
            self._budget.changed(-size)
