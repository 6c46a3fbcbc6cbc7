"""Owns reading large files before their mail is rendered, in a thread: the runner's loop has connections to hear.

Where render processes do it nothing comes here. One mail's files are read at a time, so that what lies ready is
bounded; rows whose files are small, or at hand since many get them, need not wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from mailtui.message.compose import CompiledMessage
from mailtui.message.enclosed import PartsRead, read_parts
from mailtui.outbox.records import Claim

_LARGE = 512 * 1024  # bytes; reading, hashing and encoding so many takes some milliseconds


class FilesAhead:
    """The one claim whose files are being read, or lie ready."""

    def __init__(self, arrived: Callable[[], None]) -> None:
        """`arrived` hears when its files are there."""
        self._arrived = arrived
        self._claim: Claim | None = None
        self._ready = False
        self._turn = 0

    def __len__(self) -> int:
        """Claims that are here."""
        return self._claim is not None

    @property
    def claims(self) -> tuple[Claim, ...]:
        return () if self._claim is None else (self._claim,)

    def concerns(self, claim: Claim, message: CompiledMessage) -> bool:
        """Whether rendering this claim would keep the loop waiting for its files."""
        return bool(claim.files) and sum(ref.size for ref in message.own_parts.unread(claim.files)) > _LARGE

    def begin(self, claim: Claim, message: CompiledMessage) -> None:
        """Read its files; only where there is no other claim."""
        assert self._claim is None
        self._claim, self._ready = claim, False
        self._turn += 1
        turn = self._turn
        reading = asyncio.get_running_loop().run_in_executor(None, read_parts, message.own_parts.unread(claim.files))

        def read(done: asyncio.Future[PartsRead]) -> None:
            if turn != self._turn or done.cancelled():
                return  # the claim is no longer here
            message.own_parts.bring(done.result())
            self._ready = True
            self._arrived()

        reading.add_done_callback(read)

    def take(self) -> Claim | None:
        """The claim, once its files are at hand."""
        if not self._ready:
            return None
        claim, self._claim, self._ready = self._claim, None, False
        return claim

    def drop(self) -> tuple[Claim, ...]:
        """Forget everything; whose claim was here."""
        claims, self._claim, self._ready = self.claims, None, False
        self._turn += 1
        return claims

    def change(self, changed: Callable[[Claim], Claim]) -> None:
        """Put another claim in the place of each."""
        if self._claim is not None:
            self._claim = changed(self._claim)
