"""Owns recurring campaigns: when the next time of one has come, its campaign is made, and the time after it is put on
record. One is made at a time, and sending goes on meanwhile.

A time has one campaign, whatever dies in between: the outbox takes no second one, and a time is passed only when its
campaign is there, or a person can read why there is none.
"""

from __future__ import annotations

import asyncio

from mailtui.dispatch.attention import Attention
from mailtui.dispatch.missed import turn_of
from mailtui.dispatch.occurrences import Occurrences
from mailtui.dispatch.tools import Tools
from mailtui.kit.journal import note
from mailtui.outbox.notices import notices_of_recurrence
from mailtui.outbox.timed_records import NewNotice, Recurrence


class Recurring:
    """Looks after the recurring campaigns of an outbox."""

    def __init__(self, tools: Tools, occurrences: Occurrences | None, attention: Attention) -> None:
        """`occurrences`: None to leave them to other runners."""
        self._tools = tools
        self._attention = attention
        self._occurrences = occurrences
        self._making: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a campaign is being made."""
        return self._making is not None

    def reap(self) -> bool:
        """Whether the making of one has just ended; what broke in it is heard here."""
        if self._making is None or not self._making.done():
            return False
        making, self._making = self._making, None
        making.result()
        return True

    async def look(self) -> None:
        """Begin to make what is due, unless something is being made."""
        if self._making is not None or self._occurrences is None:
            return
        due = await self._tools.ledger.due_recurrences(self._tools.wall())
        if due:
            self._making = asyncio.create_task(self._occur(due[0], self._occurrences), name=f"recurrence {due[0].id}")

    async def part(self) -> None:
        """Leave; what was begun is begun anew by the next runner."""
        if self._making is not None:
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)

    async def _occur(self, recurrence: Recurrence, occurrences: Occurrences) -> None:
        """Have the last time that has come seen to, and pass it."""
        assert recurrence.next_at is not None
        due, now = recurrence.next_at, self._tools.wall()
        try:
            turn = turn_of(recurrence, now, self._attention)
        except ValueError as error:
            await self._pass(recurrence, due, None, reason=f"it has ended: its schedule cannot be read: {error}")
            return
        # Of several times that were missed the last one counts.
        if turn.at != due and not await self._pass(recurrence, due, turn.at, reason=recurrence.reason):
            return
        reason, ran = turn.skipped, False
        if not reason:
            occurred = await occurrences.make(recurrence, turn.at)
            reason, ran = "", not occurred.problem
            if not ran:
                reason = f"nothing was sent for {turn.when}: {occurred.problem}"
        enough = turn.schedule.times is not None and recurrence.runs + ran >= turn.schedule.times
        await self._pass(recurrence, turn.at, None if enough else turn.next_at, reason=reason, ran=ran)

    async def _pass(
        self, recurrence: Recurrence, at: float, to: float | None, *, reason: str, ran: bool = False
    ) -> bool:
        """Go from one time to the next; False where a person wants something else of it by now."""
        note("a recurrence goes on", recurrence=recurrence.id, passed=at, next=to, ran=ran, reason=reason)
        ledger, now = self._tools.ledger, self._tools.wall()
        missed: list[NewNotice] = []
        is_told = bool(reason) and not ran and reason != recurrence.reason
        if is_told:
            missed = notices_of_recurrence(
                recurrence.hooks, recurrence=recurrence.id, name=recurrence.name, reason=reason, at=now, was_due=at
            )
        passed = await self._tools.storage.patiently(
            lambda: ledger.advance_recurrence(recurrence.id, at, to, reason=reason, ran=ran, now=now, notices=missed)
        )
        if is_told and passed and self._tools.herald is not None:
            self._tools.herald.show_missed(recurrence.name, reason)
        return passed
