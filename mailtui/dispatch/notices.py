"""Owns telling others what became of campaigns: what the outbox has for them is posted, again and again until it is
taken or given up. Nothing that sends mail ever waits for it.
"""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mailtui.dispatch.storage import Storage
from mailtui.kit.journal import note, warn
from mailtui.outbox.notices import Happening
from mailtui.outbox.ports import Ledger
from mailtui.outbox.states import NoticeState
from mailtui.outbox.timed_records import Notice

PATIENCE = 24 * 3600.0
"""How long after it happened somebody is still told, in seconds."""
_PAUSES = (5.0, 15.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 7200.0)
"""Seconds between two tries; the last goes for all that follow."""
_LAST_WORDS = 5.0
_PARTING = 1.0
"""Seconds in which a post that is under way may end when the runner leaves, so that it need not come twice."""
_AT_ONCE = 100  # notices that are looked at in one go


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a post. `said` in a few words, such as `200`; `final`: trying again is of no use; `retry_after` in
    seconds, where the other side asked for time.
    """

    taken: bool
    said: str
    final: bool = False
    retry_after: float = 0.0


class Herald(Protocol):
    """Whoever tells; composed above, since webhooks and desktops are none of the engine's."""

    def show(self, happening: Happening) -> None:
        """Show it to the person at this machine, if there is one. Returns at once."""
        ...

    def show_missed(self, name: str, reason: str) -> None:
        """The same of a recurring campaign, of whose time nothing came."""
        ...

    async def post(self, notice: Notice) -> Told:
        """Post it once, within a time limit. Never raises for what the other side does."""
        ...

    async def settle(self) -> None:
        """Let what is to be shown be shown, within a time limit, before the process ends."""
        ...


class Notices:
    """Posts what is due, one at a time to each webhook, so that one that hangs keeps no other waiting."""

    def __init__(
        self, ledger: Ledger, storage: Storage, herald: Herald | None, *, wall: Callable[[], float], scale: float
    ) -> None:
        self._ledger = ledger
        self._storage = storage
        self._herald = herald
        self._wall = wall
        self._scale = scale
        self._posting: dict[str, asyncio.Task[None]] = {}

    async def awaited(self, *, since: float, to_the_end: bool) -> bool:
        """Whether a runner with nothing else to do `since` then (in the loop's time) stays to tell somebody: as long as
        anything waits (`to_the_end`), or for a moment, in which a first try is made of what has just happened.
        """
        if self._herald is None:
            return False
        await self.look()
        if to_the_end:
            return bool(self._posting or await self._ledger.due_notices(math.inf, 1))
        return bool(self._posting) and asyncio.get_running_loop().time() - since < _LAST_WORDS * self._scale

    async def look(self) -> None:
        """Begin to post what is due. Reads one indexed row where nothing is."""
        for name in [name for name, task in self._posting.items() if task.done()]:
            self._posting.pop(name).result()
        if self._herald is None:
            return
        due: dict[str, list[Notice]] = {}
        for notice in await self._ledger.due_notices(self._wall(), _AT_ONCE, tuple(self._posting)):
            due.setdefault(notice.target, []).append(notice)
        for target, notices in due.items():
            posting = self._post_all(notices, self._herald)
            self._posting[target] = asyncio.create_task(posting, name=f"webhook {target}")

    async def part(self) -> None:
        """Leave; what is under way is posted again by the next runner, with the same id."""
        if self._posting:
            await asyncio.wait(self._posting.values(), timeout=_PARTING * self._scale)
        for task in self._posting.values():
            task.cancel()
        await asyncio.gather(*self._posting.values(), return_exceptions=True)
        if self._herald is not None:
            await self._herald.settle()

    async def _post_all(self, notices: Sequence[Notice], herald: Herald) -> None:
        """One after the other, until one is to be tried again: the next might wait as long for the same reason."""
        for notice in notices:
            if not await self._post(notice, herald):
                return

    async def _post(self, notice: Notice, herald: Herald) -> bool:
        """Whether it is done with: taken, or given up."""
        told = await herald.post(notice)
        now = self._wall()
        state, due_at = NoticeState.WAITING, now + self._pause(notice, told)
        if told.taken:
            state = NoticeState.DELIVERED
        elif told.final or due_at > notice.at + PATIENCE * self._scale:
            state = NoticeState.GIVEN_UP
        tell = note if state is not NoticeState.GIVEN_UP else warn
        tell("webhook", name=notice.target, of=notice.event, state=state, said=told.said)
        await self._storage.patiently(lambda: self._ledger.notice_told(notice.id, state, due_at, told.said, now=now))
        return state is not NoticeState.WAITING

    def _pause(self, notice: Notice, told: Told) -> float:
        """Up to a fifth longer than planned, so that runners whose server was away do not all come back at once."""
        planned = _PAUSES[min(notice.attempts, len(_PAUSES) - 1)]
        return max(planned * (1 + random.random() / 5), told.retry_after) * self._scale  # noqa: S311 - no secret
